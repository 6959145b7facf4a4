"""The rows of activities: where they come from in a customer's facts, and how one is named as evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, LineFacts, OrderFacts, RefundFacts, money
from segsync.rules.moments import Moment
from segsync.rules.readers import counted
from segsync.rules.remember import once


class Purchase(NamedTuple):
    """A line and the counted order that it is in."""

    order: OrderFacts
    line: LineFacts


class Refund(NamedTuple):
    """A refund and the counted order that it is of."""

    order: OrderFacts
    refund: RefundFacts


@once
def purchases(facts: CustomerFacts) -> tuple[Purchase, ...]:
    """Every line of every counted order."""
    return tuple(Purchase(order, line) for order in counted(facts) for line in order.lines)


@once
def refunds(facts: CustomerFacts) -> tuple[Refund, ...]:
    """Every refund of every counted order."""
    return tuple(Refund(order, refund) for order in counted(facts) for refund in order.refunds)


def of_kind(kind: str) -> Callable[[CustomerFacts], Sequence[ActivityFacts]]:
    """The activities of one kind."""
    return lambda facts: _by_kind(facts).get(kind, ())


@once
def _by_kind(facts: CustomerFacts) -> Mapping[str, Sequence[ActivityFacts]]:
    found: dict[str, list[ActivityFacts]] = {}
    for activity in facts.activities:
        found.setdefault(activity.kind, []).append(activity)
    return found


def product(line: LineFacts) -> tuple[str, str | None]:
    """What tells products apart: the id, else the SKU, else the title."""
    if line.product_id:
        return "id", line.product_id
    return ("sku", line.sku) if line.sku else ("title", line.title)


def mean(amounts: list[int]) -> Fraction | None:
    """The exact mean in minor units; None of nothing."""
    return Fraction(sum(amounts), len(amounts)) if amounts else None


def describe_order(order: OrderFacts, exponent: int, moment: Moment) -> str:
    """`#1042 on 2026-05-04, 80.00`."""
    return f"{order.name or order.id} on {moment.local_day(order.placed_at)}, {money(order.amount_minor, exponent)}"


def describe_purchase(row: Purchase, exponent: int, moment: Moment) -> str:
    """`2 × Boots in #1042 on 2026-05-04, 160.00`."""
    order, line = row
    what = line.title or line.sku or line.product_id or "a product"
    day = moment.local_day(order.placed_at)
    return f"{line.quantity} × {what} in {order.name or order.id} on {day}, {money(line.amount_minor, exponent)}"


def describe_refund(row: Refund, exponent: int, moment: Moment) -> str:
    """`20.00 of #1042 on 2026-05-04`."""
    order, refund = row
    return f"{money(refund.amount_minor, exponent)} of {order.name or order.id} on {moment.local_day(refund.at)}"


def describe_checkout(row: CheckoutFacts, exponent: int, moment: Moment) -> str:
    """`checkout 7 at 2026-05-04 12:30, 80.00, open`."""
    amount = "" if row.amount_minor is None else f", {money(row.amount_minor, exponent)}"
    state = "open" if row.recovered_at is None else f"recovered on {moment.local_day(row.recovered_at)}"
    return f"checkout {row.id} at {row.created_at.astimezone(moment.tz):%Y-%m-%d %H:%M}{amount}, {state}"


def describe_activity(row: ActivityFacts, _exponent: int, moment: Moment) -> str:
    """`Spring news at 2026-05-04 12:30`."""
    what = row.campaign or row.campaign_id or row.title or row.url or row.kind
    return f"{what} at {row.at.astimezone(moment.tz):%Y-%m-%d %H:%M}"
