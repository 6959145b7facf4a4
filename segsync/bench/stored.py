"""A shop of any size in the record database, made up: in a database of its own, which is thrown away afterwards."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models

from integrations.models import Shop
from segsync.bench.generate import CATEGORIES, KINDS, NOW, TZ
from segsync.bench.workload import workload
from segsync.evaluate.due import make_schedule
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.store.models import Activity, Checkout, Customer, Identity, Order, OrderLine, Product, Profile

GOODS = 500
SOURCE = "shopify"
PAGE = 2_000
_YEAR = 365 * 86_400


@contextmanager
def scratch_database() -> Iterator[str]:
    """Everything within happens in a new database on the server that DATABASE_URL names; gives its kind (postgresql, sqlite).

    Files are kept apart too: those of a shop are found by its number, which in a new database is that of an old shop.
    """
    name, kept = connection.settings_dict["NAME"], settings.VAR_DIR
    Path(kept).mkdir(parents=True, exist_ok=True)
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with tempfile.TemporaryDirectory(dir=kept) as folder:
            settings.VAR_DIR = Path(folder)
            yield connection.vendor
    finally:
        settings.VAR_DIR = kept
        connection.creation.destroy_test_db(name, verbosity=0)


def shop_of(customers: int, orders_each: int, activities_each: int, rules: int) -> Shop:
    """A shop with so many customers, each with so many orders of two lines and so many activities on average, and the workload's first rules.

    Nobody is marked changed and nobody is in a segment yet.
    """
    shop = Shop.objects.create(domain="bench.myshopify.com", timezone=TZ.key, currency="EUR", name="Bench")
    make_schedule(shop, NOW)
    for place, question in enumerate(workload(rules), start=1):
        create_segment(shop, handle=f"rule-{place}", name=f"Rule {place}", description="", rule=question.rule, author=None, now=NOW)
    chance = random.Random(20261122)
    _make(Product, (_product(shop, number, chance) for number in range(GOODS)))
    for first in range(0, customers, PAGE):
        people = Customer.objects.bulk_create(
            [Customer(shop=shop, changed_at=NOW - timedelta(days=1), created_at=NOW, judged_version=1) for _ in range(min(PAGE, customers - first))]
        )
        _make(Identity, (Identity(shop=shop, customer=person, kind=Identity.EMAIL, value=f"person{person.pk}@example.com") for person in people))
        _make(Profile, (_profile(shop, person, chance) for person in people))
        _make(Checkout, (_checkout(shop, person, chance) for person in people if chance.random() < 0.2))
        _make(Activity, (row for person in people for row in _activities(shop, person, round(chance.expovariate(1 / max(activities_each, 1))), chance)))
        placed = _make(Order, (row for person in people for row in _orders(shop, person, round(chance.expovariate(1 / max(orders_each, 1))), chance)))
        _make(OrderLine, (row for order in placed for row in _lines(shop, order, chance)))
    count_again()
    return shop


def add_order(shop: Shop, people: list[int], number: int, now: datetime) -> None:
    """One more order for each of these customers, as a page of a pull would store it but for the marks."""
    chance = random.Random(number)
    rows = [_order(shop, customer, f"later-{number}-{customer}", now - timedelta(minutes=5), chance) for customer in people]
    placed = _make(Order, iter(rows))
    _make(OrderLine, (row for order in placed for row in _lines(shop, order, chance)))


def segments(shop: Shop) -> int:
    """How many segments the shop has."""
    return Segment.objects.filter(shop=shop).count()


def _make(model: type[models.Model], rows: Iterator[Any]) -> list[Any]:
    return list(model._base_manager.bulk_create(rows, batch_size=PAGE))


def count_again() -> None:
    """Let the database know how its tables are filled, as it would after a while by itself."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _ago(chance: random.Random, seconds: int = 3 * _YEAR) -> datetime:
    return NOW - timedelta(seconds=chance.random() ** 1.3 * seconds)


def _product(shop: Shop, number: int, chance: random.Random) -> Product:
    category = chance.choice(CATEGORIES)
    tags = ["sale"] if number % 7 == 0 else []
    return Product(
        shop=shop,
        source=SOURCE,
        external_id=str(number),
        version=NOW,
        title=f"Thing {number}",
        product_type=category,
        vendor=f"Vendor {number % 40}",
        category=f"Apparel > {category}",
        tags=tags,
        collections=[[str(number % 25), f"Collection {number % 25}"]],
    )


def _profile(shop: Shop, person: Customer, chance: random.Random) -> Profile:
    return Profile(
        shop=shop,
        customer=person,
        source=SOURCE,
        external_id=str(person.pk),
        version=NOW,
        emails=[f"person{person.pk}@example.com"],
        added_at=_ago(chance),
        tags=chance.choice(([], ["vip"], ["wholesale", "b2b"])),
        countries=[chance.choice(("GB", "DE", "FR", "US"))],
        language=chance.choice(("en", "de", "fr")),
        email_subscription=chance.choice(("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED")),
    )


def _order(shop: Shop, customer: int, name: str, at: datetime, chance: random.Random) -> Order:
    amount = 500 + round(chance.random() ** 3 * 30_000)
    refunded = amount // 2 if chance.random() < 0.04 else 0
    return Order(
        shop=shop,
        customer_id=customer,
        source=SOURCE,
        external_id=name,
        version=NOW,
        name=f"#{name}",
        placed_at=at,
        currency="EUR",
        total_minor=amount - refunded,
        gross_minor=amount,
        refunded_minor=refunded,
        discount_minor=100 if chance.random() < 0.25 else 0,
        channel=chance.choice(("web", "pos")),
        country=chance.choice(("GB", "DE", "FR", "US")),
        refunds=[["1", (at + timedelta(days=5)).isoformat(), refunded]] if refunded else [],
    )


def _orders(shop: Shop, person: Customer, number: int, chance: random.Random) -> Iterator[Order]:
    for place in range(number):
        yield _order(shop, person.pk, f"{person.pk}-{place}", _ago(chance), chance)


def _lines(shop: Shop, order: Order, chance: random.Random) -> Iterator[OrderLine]:
    for place in (1, 2):
        amount = order.gross_minor // 2
        product = chance.randrange(GOODS)
        yield OrderLine(
            shop=shop,
            order=order,
            external_id=str(place),
            product_id_text=str(product),
            sku=f"SKU-{product}",
            title=f"Thing {product}",
            quantity=1,
            current_quantity=1,
            price_minor=amount,
            amount_minor=amount,
        )


def _checkout(shop: Shop, person: Customer, chance: random.Random) -> Checkout:
    at = _ago(chance, 200 * 86_400)
    return Checkout(
        shop=shop,
        customer=person,
        source=SOURCE,
        external_id=str(person.pk),
        version=NOW,
        created_at=at,
        recovered_at=at + timedelta(hours=1) if chance.random() < 0.3 else None,
        total_minor=round(500 + chance.random() * 20_000),
        lines=[["1", str(chance.randrange(GOODS)), "", "", "", 1]],
    )


def _activities(shop: Shop, person: Customer, number: int, chance: random.Random) -> Iterator[Activity]:
    for place in range(number):
        campaign = str(chance.randrange(60))
        yield Activity(
            shop=shop,
            customer=person,
            source="hubspot",
            external_id=f"{person.pk}-{place}",
            kind=chance.choices(KINDS, (35, 30, 15, 5, 14.5, 0.5))[0],
            at=_ago(chance, _YEAR),
            subject=f"person{person.pk}@example.com",
            campaign_id=campaign,
            campaign=f"Campaign {campaign}",
        )
