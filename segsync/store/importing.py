"""History out of a file: orders with the e-mail address of whoever placed them, from sources that tell no customer ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from django.db import transaction

from integrations import records
from segsync.store.identity import normal_email
from segsync.store.models import Order
from segsync.store.orders import IMPORTED
from segsync.store.upsert import store_page

_APART = timedelta(days=1)


def store_history(shop_id: int, source: str, orders: Sequence[records.Order], now: datetime) -> int:
    """Store one page of orders and the people who placed them in one transaction; returns how many orders were new or newer.

    People go by their normalised address; an order without one has no customer. `source` is the platform whose ids the orders
    have, so that what it tells later replaces them; IMPORTED when they are known by name only: an order that a platform told of
    under that name, placed within a day of it, is then taken for the same.
    """
    with transaction.atomic():
        people = _people(orders)
        store_page(shop_id, IMPORTED, people, now)
        if source != IMPORTED:
            return store_page(shop_id, source, orders, now)
        platforms = _known_elsewhere(shop_id, orders)
        stored = store_page(shop_id, IMPORTED, [order for order in orders if order.name not in platforms], now)
        for platform in {known for known, _ in platforms.values()}:
            same = [replace(order, external_id=platforms[order.name][1]) for order in orders if platforms.get(order.name, ("",))[0] == platform]
            stored += store_page(shop_id, platform, same, now)
        return stored


def _people(orders: Sequence[records.Order]) -> list[records.Customer]:
    """One record for each address, as of its newest order."""
    newest: dict[str, records.Order] = {}
    for order in orders:
        if (email := normal_email(order.email)) and (email not in newest or order.version > newest[email].version):
            newest[email] = order
    return [
        records.Customer(
            external_id=blake2b(email.encode(), digest_size=16).hexdigest(),
            version=order.version,
            created_at=None,
            emails=(email,),
            addresses=(records.Address("", order.country),) if order.country else None,
        )
        for email, order in newest.items()
    ]


def _known_elsewhere(shop_id: int, orders: Sequence[records.Order]) -> dict[str, tuple[str, str]]:
    """The platform and its id of each of these orders that a platform told of, by name."""
    if not orders:
        return {}
    times = [order.placed_at for order in orders]
    told = Order.objects.filter(
        shop_id=shop_id, placed_at__range=(min(times) - _APART, max(times) + _APART), name__in={order.name for order in orders}
    ).exclude(source=IMPORTED)
    return {name: (source, id_) for name, source, id_ in told.values_list("name", "source", "external_id")}
