"""Who shops there: invented people with places, habits and a buying rhythm. Addresses are in the example domains only."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.catalogue import RANGES
from integrations.sandbox.fill.moments import HOUR_PATTERN_WEIGHTS, HOUR_PATTERNS
from integrations.sandbox.fill.rhythms import SHARES, Rhythm
from integrations.sandbox.shopify.state import Customer

_FIRST = (
    "Ada", "Ben", "Cleo", "Dan", "Ella", "Finn", "Gia", "Hal", "Ida", "Jon", "Kit", "Lena", "Max", "Nia", "Otto", "Pia", "Ravi", "Sara", "Tom", "Uma",
    "Vera", "Will", "Yara", "Zoe", "Amir", "Bea", "Carl", "Dina", "Emil", "Faye",
)  # fmt: skip
_HEADS = (
    "Bar", "Cal", "Dren", "Ebb", "Fal", "Gor", "Hath", "Ind", "Jar", "Kel", "Lor", "Mar", "Nor", "Ost", "Pen", "Quin", "Rud", "Sel", "Tor", "Und",
    "Val", "Wex", "Yar", "Zel",
)  # fmt: skip
_MIDDLES = (
    "a", "e", "i", "o", "u", "ar", "el", "in", "or", "an",
)  # fmt: skip
_TAILS = (
    "bury", "combe", "den", "ford", "gate", "ham", "ley", "mere", "ner", "row", "stow", "ton", "vick", "well", "wood", "worth",
)  # fmt: skip
_DOMAINS = ("example.com", "example.org", "example.net")

# (country code, province code, cities, locale), with the share of customers who live there
_PLACES: tuple[tuple[tuple[str, str, tuple[str, ...], str], int], ...] = (
    (("GB", "ENG", ("London", "Leeds", "Bristol", "Manchester", "Norwich"), "en-GB"), 50),
    (("GB", "SCT", ("Edinburgh", "Glasgow"), "en-GB"), 9),
    (("GB", "WLS", ("Cardiff", "Swansea"), "en-GB"), 4),
    (("IE", "D", ("Dublin",), "en-IE"), 8),
    (("DE", "", ("Berlin", "Hamburg", "Köln"), "de"), 9),
    (("FR", "", ("Paris", "Lyon", "Nantes"), "fr"), 7),
    (("NL", "", ("Utrecht", "Rotterdam"), "nl"), 5),
    (("US", "NY", ("New York", "Buffalo"), "en-US"), 5),
    (("ES", "", ("Madrid", "Valencia"), "es"), 3),
)


PLACES = tuple(place for place, _ in _PLACES)


@dataclass(slots=True)
class Person:
    """A customer, and the habits that made what the platforms see. The habits themselves are never served."""

    customer: Customer
    first_name: str
    last_name: str
    rhythm: Rhythm
    favourites: tuple[str, ...]  # product types
    devotion: float  # how likely a line is of a favourite type
    appetite: float  # 1.0 is a basket of ordinary size
    hours: tuple[int, ...]
    thrift: float  # how likely an order uses a code
    keenness: float  # how likely an e-mail is opened


class NameBook:
    """Gives names and addresses that nobody has been given before."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._taken: set[str] = set()

    def draw(self) -> tuple[str, str, str]:
        """(first name, last name, e-mail address in lower case)."""
        rng = self._rng
        first = rng.choice(_FIRST)
        last = rng.choice(_HEADS) + rng.choice(_MIDDLES) + rng.choice(_TAILS)
        local = f"{first}.{last}".lower()
        while local in self._taken:
            local = f"{first}.{last}{rng.randrange(2, 1000)}".lower()
        self._taken.add(local)
        return first, last, f"{local}@{rng.choices(_DOMAINS, weights=(6, 2, 2))[0]}"


def draw_person(rng: random.Random, names: NameBook, customer_id: int, joined: datetime) -> Person:
    """One more person, without orders yet; about one in fifty gave no e-mail address."""
    first, last, email = names.draw()
    country, province, cities, locale = rng.choices([p for p, _ in _PLACES], weights=[w for _, w in _PLACES])[0]
    marketing = rng.choices(("SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", "PENDING"), weights=(62, 27, 9, 2))[0]
    customer = Customer(
        id=customer_id,
        email=None if rng.random() < 0.02 else email,
        created_at=joined,
        updated_at=joined,
        state=rng.choices(("ENABLED", "DISABLED", "INVITED"), weights=(45, 50, 5))[0],
        locale=locale,
        email_marketing_state=marketing,
        country=country,
        province=province,
        city=rng.choice(cities),
    )
    rhythm = rng.choices([s.rhythm for s in SHARES], weights=[s.weight for s in SHARES])[0]
    types = [wanted.product_type for wanted in RANGES]
    devoted = rng.random() < 0.3
    return Person(
        customer=customer,
        first_name=first,
        last_name=last,
        rhythm=rhythm,
        favourites=tuple(rng.sample(types, 1 if devoted else rng.choice((2, 3)))),
        devotion=rng.uniform(0.75, 0.95) if devoted else rng.uniform(0.2, 0.5),
        appetite=rng.choices((1.0, 1.6, 3.0), weights=(75, 20, 5))[0],
        hours=rng.choices(HOUR_PATTERNS, weights=HOUR_PATTERN_WEIGHTS)[0],
        thrift=rng.choices((0.05, 0.25, 0.7), weights=(50, 35, 15))[0],
        keenness=rng.choices((0.03, 0.25, 0.55, 0.9), weights=(35, 35, 18, 12))[0],
    )


def draw_people(rng: random.Random, names: NameBook, joined: datetime, customers: int) -> list[Person]:
    """`customers` people with ids in a row."""
    return [draw_person(rng, names, ids.CUSTOMER + place, joined) for place in range(customers)]
