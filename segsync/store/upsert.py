"""Keep what a source tells: idempotent, newest wins, and whoever it is about is marked changed in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from integrations import records
from integrations.models import Shop
from segsync.store import definitions, orders, people, things
from segsync.store.erased import living
from segsync.store.models import Customer
from segsync.store.touched import Touched

Handler = Callable[[int, str, Sequence[Any], datetime, Touched], None]
# Order matters: people before what they did, parents before their children.
_HANDLERS: tuple[tuple[type, Handler], ...] = (
    (records.Product, things.store_products),
    (records.ProductCollection, things.store_collections),
    (records.Customer, people.store_customers),
    (records.Address, people.store_addresses),
    (records.Order, orders.store_orders),
    (records.OrderLine, orders.store_lines),
    (records.Checkout, things.store_checkouts),
    (records.CheckoutLine, things.store_checkout_lines),
    (records.Activity, people.store_activities),
    (records.PropertyDefinitions, definitions.store_definitions),
    (records.Tombstone, things.store_tombstones),
)


def store_page(shop_id: int, source: str, page: Sequence[records.Record], now: datetime) -> int:
    """Store `page` and return how many records were new or newer. Call inside the transaction that moves the cursor.

    What tells of erased people is left out. Pages of one shop are stored one after another (the shop's row is locked), so identities cannot race.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("store_page must run inside the transaction that moves the cursor.")
    Shop.objects.select_for_update(no_key=True).get(pk=shop_id)
    page = living(shop_id, source, page, now)
    touched = Touched()
    for kind, handler in _HANDLERS:
        if rows := [record for record in page if isinstance(record, kind)]:
            handler(shop_id, source, rows, now, touched)
    for cause, ids in touched.facts.items():
        mark_changed(shop_id, ids, cause, now)
    for chunk in chunks(sorted(touched.reach)):
        Customer.objects.filter(shop_id=shop_id, pk__in=chunk).update(outcome_version=F("outcome_version") + 1)
    return touched.stored


def mark_changed(shop_id: int, customer_ids: Iterable[int], cause: str, now: datetime) -> None:
    """These customers must be judged again because of `cause`."""
    for chunk in chunks(sorted(set(customer_ids))):
        Customer.objects.filter(shop_id=shop_id, pk__in=chunk).update(facts_version=F("facts_version") + 1, changed_at=now, change_cause=cause)


def chunks(items: Sequence[int], size: int = 5_000) -> Iterable[Sequence[int]]:
    """`items` in runs of at most `size` (databases limit the parameters of a statement)."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
