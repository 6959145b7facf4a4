"""What goes into an order: lines, codes, shipping, and totals that add up to the penny."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from itertools import count

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.catalogue import Catalogue
from integrations.sandbox.fill.people import Person
from integrations.sandbox.shopify.state import LineItem, Order

SHIPPING_MINOR = 395
FREE_SHIPPING_FROM_MINOR = 6000
SHIPPING = ("Standard", "Standard", "Express", "Standard", "Next day", "Standard", "Pick-up point")  # by turns
LOCATIONS = ("Covent Garden", "Leeds Corn Exchange")
_APPS = {"web": 580_111, "pos": 129_785, "shopify_draft_order": 1_354_745, "android": 5_806_031}  # Shopify's own apps
_CODES = (("WELCOME10", 10), ("SPRING15", 15), ("FRIEND20", 20))
_SALE = ("BLACKFRIDAY25", 25)


def draw_lines(rng: random.Random, catalogue: Catalogue, person: Person | None, line_ids: Iterable[int]) -> list[LineItem]:
    """One to six lines that suit the person's taste and appetite; a guest (None) buys whatever there is."""
    appetite = person.appetite if person else 1.0
    wanted = max(1, min(6, round(rng.expovariate(1 / (0.9 * appetite)) + 0.6)))
    lines: list[LineItem] = []
    seen: set[int] = set()
    for _, line_id in zip(range(wanted), line_ids, strict=False):
        product = catalogue.pick(rng, person.favourites, person.devotion) if person else catalogue.pick(rng, (), 0)
        variant = rng.choice(product.variants)
        if variant.id in seen:
            continue
        seen.add(variant.id)
        dear = variant.price_minor > 4000
        quantity = 1 if dear and appetite < 3 else rng.choices((1, 2, 3, 6), weights=(70, 18, 8, 4))[0]
        total = quantity * variant.price_minor
        lines.append(LineItem(line_id, product.id, variant.id, variant.sku, product.title, product.vendor, quantity, quantity, variant.price_minor, total))
    return lines


def discount(lines: list[LineItem], percent: int) -> int:
    """Take `percent` off every line's discounted total, rounded to the penny line by line; returns what was taken off."""
    taken = 0
    for line in lines:
        off = (line.discounted_total_minor * percent + 50) // 100
        line.discounted_total_minor -= off
        taken += off
    return taken


def place_order(lines: list[LineItem], order_id: int, number: int, person: Person | None, at: datetime, off_minor: int = 0) -> Order:
    """A paid order of `lines` (already discounted by `off_minor`): subtotal of the lines plus shipping."""
    subtotal = sum(line.discounted_total_minor for line in lines)
    total = subtotal + (0 if subtotal >= FREE_SHIPPING_FROM_MINOR else SHIPPING_MINOR)
    return Order(
        id=order_id,
        number=number,
        customer_id=person.customer.id if person else None,
        created_at=at,
        processed_at=at,
        updated_at=at,
        lines=lines,
        total_minor=total,
        subtotal_minor=subtotal,
        discounts_minor=off_minor,
        current_total_minor=total,
        country=person.customer.country if person else "GB",
    )


def serve(order: Order) -> None:
    """Which app took the order, where it was sold if in a shop of the merchant's, and how it is sent."""
    order.app_id = _APPS.get(order.source_name, _APPS["web"])
    if order.source_name == "pos":
        order.location_id, order.shipping = ids.LOCATION + order.id % len(LOCATIONS), ""
    else:
        order.location_id, order.shipping = None, SHIPPING[order.id % len(SHIPPING)]


def draw_order(rng: random.Random, catalogue: Catalogue, person: Person | None, at: datetime, order_id: int, number: int, line_ids: count[int]) -> Order:
    """An order as the person would place it at `at`, with a code where the person or the season has one."""
    lines = draw_lines(rng, catalogue, person, line_ids)
    code: tuple[str, int] | None = None
    if (at.month, at.day) >= (11, 20) and (at.month, at.day) <= (11, 30) and rng.random() < 0.5:
        code = _SALE
    elif rng.random() < (person.thrift if person else 0.1):
        code = rng.choice(_CODES)
    order = place_order(lines, order_id, number, person, at, discount(lines, code[1]) if code else 0)
    order.discount_codes = [code[0]] if code else []
    order.source_name = rng.choices(("web", "pos", "shopify_draft_order", "android"), weights=(86, 7, 2, 5))[0]
    serve(order)
    if rng.random() < 0.03:
        order.tags = [rng.choice(("gift-wrap", "click-and-collect", "preorder"))]
    return order
