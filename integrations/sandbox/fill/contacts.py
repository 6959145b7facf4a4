"""Who the HubSpot portal knows: most of the shop's customers, people it never sold to, and some it holds twice."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.people import NameBook, Person
from integrations.sandbox.hubspot.state import Contact, Portal

_SHARE_KNOWN = 0.8
_SHARE_ONLY_HERE = 0.075
_SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS", "DIRECT_TRAFFIC", "OFFLINE", "PAID_SOCIAL")

SHOPPING_FOR: dict[str, object] = {
    "name": "shopping_for",
    "label": "Shopping for",
    "description": "What people said in the welcome form.",
    "groupName": "contactinformation",
    "type": "enumeration",
    "fieldType": "select",
    "options": [
        {"label": "Myself", "value": "self", "displayOrder": 0, "hidden": False},
        {"label": "Gifts", "value": "gifts", "displayOrder": 1, "hidden": False},
        {"label": "My home", "value": "home", "displayOrder": 2, "hidden": False},
    ],
}


@dataclass(slots=True)
class Reader:
    """A contact and how keenly it reads; `person` is None when it never bought anything here."""

    contact: Contact
    keenness: float
    person: Person | None


def mistyped(rng: random.Random, email: str) -> str:
    """The same address as somebody in a hurry types it: capitals or blanks, never another address."""
    local, _, domain = email.partition("@")
    titled = ".".join(part.capitalize() for part in local.split("."))
    return rng.choice((f"{titled}@{domain}", f"{titled}@{domain.capitalize()}", f" {email}", f"{email} ", email.upper(), f" {titled}@{domain} "))


def _contact(rng: random.Random, number: int, email: str, first: str, last: str, country: str, stage: str, made: datetime) -> Contact:
    properties = {
        "email": email,
        "firstname": first,
        "lastname": last,
        "lifecyclestage": stage,
        "hs_analytics_source": rng.choice(_SOURCES),
    }
    if country:
        properties["country"] = country
    if rng.random() < 0.4:
        properties["shopping_for"] = rng.choice(("self", "gifts", "home"))
    return Contact(number, properties, made, made)


def fill_contacts(rng: random.Random, portal: Portal, people: list[Person], names: NameBook, opened: datetime, now: datetime) -> list[Reader]:
    """Add contacts to `portal` in order of creation and return them with their reading habits.

    About one in twenty has its address mistyped, ten hold the address of a second customer in `hs_additional_emails`,
    and a few people are there twice.
    """
    portal.custom_properties["shopping_for"] = SHOPPING_FOR
    known = [person for person in people if person.customer.email and rng.random() < _SHARE_KNOWN]
    buyers = [person for person in known if len(person.customer.order_ids) >= 1]
    pairs = min(10, len(buyers) // 20)
    chosen = rng.sample(buyers, 2 * pairs)
    second_of = {first.customer.id: second for first, second in zip(chosen[:pairs], chosen[pairs:], strict=True)}
    seconds = {second.customer.id for second in second_of.values()}
    drafts: list[tuple[datetime, str, str, str, str, str, float, Person | None, str]] = []
    for person in known:
        customer = person.customer
        if customer.id in seconds or not customer.email:
            continue
        made = min(customer.created_at + timedelta(minutes=rng.randrange(1, 600)), now - timedelta(minutes=5))
        stage = "customer" if customer.order_ids else rng.choice(("subscriber", "lead", "opportunity"))
        email = mistyped(rng, customer.email) if rng.random() < 0.05 else customer.email
        second = second_of.get(customer.id)
        extra = (mistyped(rng, second.customer.email) if rng.random() < 0.3 else second.customer.email) if second and second.customer.email else ""
        drafts.append((made, email, person.first_name, person.last_name, customer.country, stage, person.keenness, person, extra))
    for person in rng.sample(buyers, min(6, len(buyers))):  # held twice, once as typed by somebody else
        if person.customer.email and person.customer.id not in seconds:
            made = opened + (now - opened) * rng.uniform(0.1, 0.95)
            drafts.append((made, mistyped(rng, person.customer.email), person.first_name, "", "", "lead", 0.2, None, ""))
    for _ in range(max(3, round(_SHARE_ONLY_HERE * len(people)))):
        first, last, email = names.draw()
        made = opened + (now - opened) * rng.random()
        keenness = rng.choices((0.05, 0.4, 0.9), weights=(45, 30, 25))[0]
        drafts.append((made, email, first, last, "", rng.choice(("subscriber", "lead")), keenness, None, ""))
    drafts.sort(key=lambda draft: (draft[0], draft[1]))
    readers: list[Reader] = []
    for number, (made, email, first, last, country, stage, keenness, owner, extra) in enumerate(drafts, ids.CONTACT):
        contact = _contact(rng, number, email, first, last, country, stage, made.replace(microsecond=0))
        if extra:
            contact.properties["hs_additional_emails"] = extra
        portal.contacts[number] = contact
        readers.append(Reader(contact, keenness, owner))
    return readers
