"""What only some customers have: further addresses, companies that they buy for, and metafields that the merchant has defined."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from itertools import count

import orjson

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.baskets import LOCATIONS
from integrations.sandbox.fill.people import PLACES
from integrations.sandbox.shopify.state import Address, Company, Customer, Location, MetafieldDefinition, Store

COMPANIES = ("Barden Hotels", "Ostmere Studios", "Quinley Foods", "Torwood Schools", "Valcombe Clinics", "Wexgate Partners")
_SHARE_MORE_ADDRESSES = 0.12
_SHARE_BUYERS = 0.03
_SHARE_BIRTHDAYS = 0.4
_SHARE_INTERESTS = 0.25
_INTERESTS = ["climbing", "running", "travel", "yoga"]


def fill_particulars(rng: random.Random, store: Store, now: datetime) -> None:
    """Give the store its locations, companies and metafield definitions, and some of its customers what goes with them."""
    store.b2b = True
    store.locations = {ids.LOCATION + place: Location(ids.LOCATION + place, name) for place, name in enumerate(LOCATIONS)}
    store.companies = {ids.COMPANY + place: Company(ids.COMPANY + place, name) for place, name in enumerate(COMPANIES)}
    definitions: tuple[tuple[str, str, str, str, list[str]], ...] = (
        ("facts", "birth_date", "Birth date", "date", []),
        ("facts", "shoe_size", "Shoe size", "number_integer", []),
        ("facts", "interests", "Interests", "list.single_line_text_field", _INTERESTS),
        ("club", "member", "Club member", "boolean", []),
    )
    for number, (namespace, key, name, kind, choices) in enumerate(definitions, ids.METAFIELD_DEFINITION):
        store.metafield_definitions[number] = MetafieldDefinition(number, namespace, key, name, kind, choices)
    addresses = count(ids.ADDRESS)
    for customer in store.customers.values():
        if rng.random() < _SHARE_MORE_ADDRESSES:
            customer.addresses = [_elsewhere(rng, next(addresses)) for _ in range(rng.choice((1, 1, 2)))]
        if rng.random() < _SHARE_BUYERS:
            customer.company_ids = sorted(rng.sample(list(store.companies), rng.choice((1, 1, 1, 2))))
        _describe(rng, customer, now.date())


def _elsewhere(rng: random.Random, number: int) -> Address:
    country, province, cities, _ = rng.choice(PLACES)
    return Address(number, country, province, rng.choice(cities))


def _describe(rng: random.Random, customer: Customer, today: date) -> None:
    """A few have their birthday today, so that there is somebody to greet."""
    if rng.random() < _SHARE_BIRTHDAYS:
        born = date(today.year - rng.randrange(19, 80), 1, 1) + timedelta(days=rng.randrange(365))
        if rng.random() < 0.02 and (today.month, today.day) != (2, 29):
            born = today.replace(year=born.year)
        customer.metafields["facts.birth_date"] = born.isoformat()
    if rng.random() < _SHARE_INTERESTS:
        customer.metafields["facts.interests"] = orjson.dumps(sorted(rng.sample(_INTERESTS, rng.choice((1, 2))))).decode()
        customer.metafields["facts.shoe_size"] = str(rng.randrange(35, 48))
        customer.metafields["club.member"] = rng.choice(("true", "false"))
