"""A believable small shop, made up from a seed: the same seed and the same instant always give the same shop."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.abandonment import fill_checkouts
from integrations.sandbox.fill.aftermath import let_things_happen
from integrations.sandbox.fill.baskets import draw_order
from integrations.sandbox.fill.catalogue import Catalogue, stock
from integrations.sandbox.fill.contacts import fill_contacts
from integrations.sandbox.fill.engagement import fill_campaigns, fill_email_events, fill_page_views, touch_contacts
from integrations.sandbox.fill.feedback import fill_feedback, fill_forms
from integrations.sandbox.fill.moments import OFFICE, days_before, keep_clear, local_instant
from integrations.sandbox.fill.particulars import fill_particulars
from integrations.sandbox.fill.people import NameBook, Person, draw_people
from integrations.sandbox.fill.rhythms import HISTORY_DAYS, Rhythm, order_days
from integrations.sandbox.hubspot.state import CrmList, Portal
from integrations.sandbox.shopify.state import Customer, Order, Store

HAND_MADE_TAG = "segsync:champions"  # typed by the merchant before the app came: nobody but the merchant may remove it
MARKETERS_LIST = "Autumn lookbook: invited by hand"
_SHARE_GUESTS = 0.04


@dataclass(frozen=True, slots=True)
class _Draft:
    at: datetime
    person: Person | None


def _drafts(rng: random.Random, people: list[Person], now: datetime, zone: ZoneInfo) -> list[_Draft]:
    today = now.astimezone(zone).date()
    drafts = [
        _Draft(local_instant(rng, days_before(now, zone, back), person.hours, zone, now), person)
        for person in people
        for back in order_days(rng, person.rhythm, today)
    ]
    guests = range(round(_SHARE_GUESTS * len(drafts)))
    drafts += [_Draft(local_instant(rng, days_before(now, zone, rng.randrange(HISTORY_DAYS)), OFFICE, zone, now), None) for _ in guests]
    starters = [person for person in people if person.rhythm is Rhythm.JUST_STARTED]
    drafts += [_Draft(local_instant(rng, today, person.hours, zone, now), person) for person in rng.sample(starters, min(3, len(starters)))]
    drafts.sort(key=lambda draft: draft.at)
    return drafts


def _place_orders(rng: random.Random, store: Store, people: list[Person], catalogue: Catalogue, now: datetime) -> list[Order]:
    line_ids = count(ids.LINE)
    orders = [
        draw_order(rng, catalogue, draft.person, draft.at, ids.ORDER + place, ids.FIRST_ORDER_NUMBER + place, line_ids)
        for place, draft in enumerate(_drafts(rng, people, now, ZoneInfo(store.timezone)))
    ]
    let_things_happen(rng, orders, now, ids.REFUND)
    for order in orders:
        store.add_order(order)
    return orders


def _settle_customers(rng: random.Random, store: Store, now: datetime) -> None:
    """Make everybody known a little before their first order, and last changed with the last of their orders."""
    for customer in store.customers.values():
        if customer.order_ids:
            first = store.orders[customer.order_ids[0]].created_at
            customer.created_at = first - timedelta(minutes=rng.choice((2, 5, 20, 60 * 24 * 6)))
            customer.updated_at = max(customer.created_at, *(store.orders[order_id].updated_at for order_id in customer.order_ids))
        else:
            customer.created_at = now - timedelta(minutes=rng.randrange(60, HISTORY_DAYS * 24 * 60))
            customer.updated_at = customer.created_at
        customer.created_at = keep_clear(customer.created_at, now).replace(microsecond=0)
        customer.updated_at = max(customer.updated_at, customer.created_at)


def _is_regular(store: Store, customer: Customer, now: datetime) -> bool:
    kept = [o for i in customer.order_ids if not (o := store.orders[i]).test and not o.cancelled_at and o.financial_status != "VOIDED"]
    lately = [order for order in kept if order.processed_at > now - timedelta(days=360)]
    return len(lately) >= 6 and kept[-1].processed_at > now - timedelta(days=30) and sum(o.current_total_minor for o in kept) >= 60_000


def _tag_by_hand(rng: random.Random, store: Store, now: datetime) -> None:
    """The merchant's own tags; `HAND_MADE_TAG` on two customers, one who buys all the time and one who bought once."""
    customers = list(store.customers.values())
    for customer in customers:
        spent = store.lifetime(customer)[1]
        if spent >= 120_000 and rng.random() < 0.4:
            customer.tags.append("VIP")
        if rng.random() < 0.015:
            customer.tags.append("wholesale")
        if rng.random() < 0.02:
            customer.tags.append("newsletter-2025")
    regulars = [c for c in customers if _is_regular(store, c, now)]
    once = [c for c in customers if len(c.order_ids) == 1]
    for group in (regulars, once):
        if group:
            rng.choice(group).tags.append(HAND_MADE_TAG)
    for customer in customers:
        customer.tags.sort(key=str.casefold)


def _list_by_hand(rng: random.Random, portal: Portal, now: datetime) -> None:
    """A list that a marketer made and fills; no app may touch it."""
    made = (now - timedelta(days=40)).replace(microsecond=0)
    older = [contact.id for contact in portal.contacts.values() if contact.created_at < made]
    members = sorted(rng.sample(older, min(60, len(older))))
    portal.lists[ids.LIST] = CrmList(ids.LIST, MARKETERS_LIST, "MANUAL", made, made, members=dict.fromkeys(members, made))


def generate(
    seed: int,
    now: datetime,
    customers: int = 2000,
    domain: str = "sample-store.myshopify.com",
    *,
    timezone: str = "Europe/London",
    currency: str = "GBP",
    plan: str = "standard",
    hub_id: int = ids.HUB,
) -> tuple[Store, Portal]:
    """A store with `customers` customers and eighteen months of orders up to `now`, and a portal that knows most of them.

    `now` must be aware. Raises ValueError when it is not, or when `customers` is below 1.
    """
    if now.tzinfo is None:
        raise ValueError("The generator needs an aware `now`; give it a time zone.")
    if customers < 1:
        raise ValueError(f"A sample store needs at least 1 customer, not {customers}.")
    opened = now - timedelta(days=HISTORY_DAYS)
    zone = ZoneInfo(timezone)

    def dice(part: str) -> random.Random:
        return random.Random(f"{seed}:{part}")  # a change to one part leaves the others as they were

    store = Store(ids.STORE, domain, "Sample Store", currency, timezone, plan)
    portal = Portal(hub_id, "sample-store.example.com")
    catalogue = stock(dice("catalogue"), store, opened, now)
    names = NameBook(dice("names"))
    people = draw_people(dice("people"), names, now, customers)
    store.customers = {person.customer.id: person.customer for person in people}
    orders = _place_orders(dice("orders"), store, people, catalogue, now)
    _settle_customers(dice("customers"), store, now)
    _tag_by_hand(dice("tags"), store, now)
    fill_particulars(dice("particulars"), store, now)
    fill_checkouts(dice("checkouts"), store, people, catalogue, orders, now)
    shop = f"https://{domain}"
    readers = fill_contacts(dice("contacts"), portal, people, names, opened, now)
    fill_campaigns(dice("campaigns"), portal, now, zone)
    fill_email_events(dice("e-mails"), portal, readers, shop, now)
    fill_page_views(dice("views"), portal, readers, catalogue, shop, now, zone)
    fill_forms(dice("forms"), portal, readers, shop, now, zone)
    fill_feedback(dice("feedback"), portal, readers, now, zone)
    touch_contacts(portal, readers)
    _list_by_hand(dice("list"), portal, now)
    return store, portal
