"""Abandoned checkouts: some given up for good, some completed later as a real order."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.baskets import draw_lines
from integrations.sandbox.fill.catalogue import Catalogue
from integrations.sandbox.fill.moments import days_before, keep_clear, local_instant
from integrations.sandbox.fill.people import Person
from integrations.sandbox.fill.rhythms import HISTORY_DAYS
from integrations.sandbox.shopify.state import Checkout, LineItem, Order, Store

_SHARE_RECOVERED = 0.04  # of orders: begun, left, and come back to
_SHARE_OPEN = 0.45  # of people, over the whole history
_SHARE_TODAY = 0.022  # of people, within the last day


def _like(line: LineItem, line_id: int) -> LineItem:
    full = line.quantity * line.unit_minor
    return LineItem(line_id, line.product_id, line.variant_id, line.sku, line.title, line.vendor, line.quantity, line.quantity, line.unit_minor, full)


def open_checkout(checkout_id: int, person: Person | None, lines: list[LineItem], at: datetime) -> Checkout:
    """A checkout that nobody has completed."""
    total = sum(line.discounted_total_minor for line in lines)
    return Checkout(checkout_id, person.customer.id if person else None, at, at, total, lines)


def recovered_checkout(rng: random.Random, checkout_id: int, order: Order, line_ids: count[int], now: datetime) -> Checkout:
    """The checkout that `order` came out of: begun up to a day earlier, completed when the order was placed."""
    begun = order.created_at - timedelta(minutes=rng.randrange(4, 20 * 60))
    if keep_clear(begun, now) != begun:
        begun -= timedelta(minutes=40)  # away from the mark, and not after the order
    lines = [_like(line, line_id) for line, line_id in zip(order.lines, line_ids, strict=False)]
    total = sum(line.discounted_total_minor for line in lines)
    return Checkout(checkout_id, order.customer_id, begun, order.created_at, total, lines, order.created_at)


def fill_checkouts(rng: random.Random, store: Store, people: list[Person], catalogue: Catalogue, orders: list[Order], now: datetime) -> None:
    """Add checkouts over the whole history to `store`, oldest first, with a good number in the last 24 hours."""
    zone = ZoneInfo(store.timezone)
    line_ids = count(ids.CHECKOUT_LINE)
    drawn: list[Checkout] = []
    for order in orders:
        lately = order.created_at > now - timedelta(hours=24)
        if not order.test and rng.random() < (0.2 if lately else _SHARE_RECOVERED):
            drawn.append(recovered_checkout(rng, 0, order, line_ids, now))
    for _ in range(round(_SHARE_OPEN * len(people))):
        person = None if rng.random() < 0.03 else rng.choice(people)
        hours = person.hours if person else people[0].hours
        at = local_instant(rng, days_before(now, zone, rng.randrange(1, HISTORY_DAYS)), hours, zone, now)
        drawn.append(open_checkout(0, person, draw_lines(rng, catalogue, person, line_ids), at))
    for person in rng.sample(people, min(len(people), max(3, round(_SHARE_TODAY * len(people))))):
        at = keep_clear(now - timedelta(minutes=rng.randrange(12, 23 * 60 + 30)), now).replace(microsecond=0)
        drawn.append(open_checkout(0, person, draw_lines(rng, catalogue, person, line_ids), at))
    drawn.sort(key=lambda checkout: checkout.created_at)
    for checkout_id, checkout in enumerate(drawn, ids.CHECKOUT):
        checkout.id = checkout_id
        store.checkouts[checkout_id] = checkout
