"""How values are read from a customer's facts: totals, first and last, averages, favourites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

from segsync.rules.context import ShopContext
from segsync.rules.facts import CustomerFacts, LineFacts, OrderFacts
from segsync.rules.moments import Moment
from segsync.rules.remember import once


@once
def counted(facts: CustomerFacts) -> tuple[OrderFacts, ...]:
    """The orders that count: not test orders, not deleted, not cancelled, not voided."""
    return tuple(order for order in facts.orders if order.counted)


def number_of_orders(facts: CustomerFacts) -> int:
    """The platform's lifetime total; for a customer it does not know, the counted orders."""
    return len(counted(facts)) if facts.order_count is None else facts.order_count


@once
def amount_spent(facts: CustomerFacts) -> int:
    """The platform's lifetime total in minor units; for a customer it does not know, the sum of the counted orders."""
    return sum(order.amount_minor for order in counted(facts)) if facts.amount_spent_minor is None else facts.amount_spent_minor


@once
def first_order_at(facts: CustomerFacts) -> datetime | None:
    """When the first counted order was placed."""
    return min((order.placed_at for order in counted(facts)), default=None)


@once
def last_order_at(facts: CustomerFacts) -> datetime | None:
    """When the latest counted order was placed."""
    return max((order.placed_at for order in counted(facts)), default=None)


def abandoned_checkout_at(facts: CustomerFacts) -> datetime | None:
    """When the latest checkout that is still open was abandoned."""
    return max((checkout.created_at for checkout in facts.checkouts if checkout.recovered_at is None), default=None)


@once
def average_order_value(facts: CustomerFacts) -> Fraction | None:
    """The exact mean of the counted orders in minor units; missing without one."""
    amounts = [order.amount_minor for order in counted(facts)]
    return Fraction(sum(amounts), len(amounts)) if amounts else None


def email_domain(facts: CustomerFacts) -> str | None:
    """The domain of the primary address, in lower case."""
    _, at, domain = (facts.emails[0] if facts.emails else "").rpartition("@")
    return domain.lower() if at else None


def days_since(read: Callable[[CustomerFacts], datetime | None]) -> Callable[[CustomerFacts, Moment, ShopContext], int | None]:
    """Whole local days from the day of an instant to today."""

    def days(facts: CustomerFacts, moment: Moment, _context: ShopContext) -> int | None:
        at = read(facts)
        return None if at is None else (moment.today - moment.local_day(at)).days

    return days


@lru_cache(maxsize=4096)
def category_names(category: str | None) -> tuple[str, ...]:
    """The names by which a category is known: its full name and each level of it, so that `Shoes` fits `Apparel > Shoes > Boots`."""
    if not category:
        return ()
    levels = tuple(level.strip() for level in category.split(">"))
    return (category, *levels) if len(levels) > 1 else (category,)


def _favourite(read: Callable[[LineFacts], str | None]) -> Callable[[CustomerFacts], str | None]:
    """The value with the largest spend among counted lines; ties go to the one bought latest, then to the first in the alphabet."""

    @once
    def favourite(facts: CustomerFacts) -> str | None:
        spend: dict[str, int] = defaultdict(int)
        latest: dict[str, datetime] = {}
        for order in counted(facts):
            for line in order.lines:
                if value := read(line):
                    spend[value] += line.amount_minor
                    latest[value] = max(latest.get(value, order.placed_at), order.placed_at)
        return max(sorted(spend), key=lambda value: (spend[value], latest[value]), default=None)

    return favourite


top_category = _favourite(lambda line: line.category)
top_vendor = _favourite(lambda line: line.vendor)
top_product_type = _favourite(lambda line: line.product_type)
