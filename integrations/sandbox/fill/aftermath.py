"""What happens to orders after they are placed: refunds, cancellations, voids, and orders that were only tests."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from integrations.sandbox.fill.moments import keep_clear
from integrations.sandbox.shopify.state import LineItem, Order, Refund

_REASONS = ("CUSTOMER", "INVENTORY", "FRAUD", "OTHER")


def refund_whole(order: Order, refund_id: int, at: datetime) -> Refund:
    """Give all that is left of the order back; nothing stays current."""
    refund = Refund(refund_id, at, order.current_total_minor)
    for line in order.lines:
        line.current_quantity = 0
    order.refunds.append(refund)
    order.current_total_minor = 0
    order.financial_status = "REFUNDED"
    order.updated_at = max(order.updated_at, at)
    return refund


def take_back(line: LineItem, units: int) -> int:
    """Lower the line's current quantity by `units` and return what those units cost, exact over all units of the line.

    Raises ValueError when the line does not hold that many any more.
    """
    if not 0 < units <= line.current_quantity:
        raise ValueError(f"Line {line.id} holds {line.current_quantity} units; {units} cannot be taken back.")
    gone = line.quantity - line.current_quantity
    before = line.discounted_total_minor * gone // line.quantity
    line.current_quantity -= units
    return line.discounted_total_minor * (gone + units) // line.quantity - before


def refund_units(order: Order, line: LineItem, units: int, refund_id: int, at: datetime) -> Refund:
    """Take `units` of one line back and refund what they cost."""
    amount = take_back(line, units)
    refund = Refund(refund_id, at, amount)
    order.refunds.append(refund)
    order.current_total_minor -= amount
    order.financial_status = "PARTIALLY_REFUNDED" if any(kept.current_quantity for kept in order.lines) else "REFUNDED"
    order.updated_at = max(order.updated_at, at)
    return refund


def cancel(order: Order, refund_id: int, at: datetime, reason: str) -> None:
    """Cancel the order and pay everything back."""
    if order.current_total_minor:
        refund_whole(order, refund_id, at)
    order.cancelled_at = at
    order.cancel_reason = reason
    order.fulfillment_status = "UNFULFILLED"
    order.updated_at = max(order.updated_at, at)


def let_things_happen(rng: random.Random, orders: list[Order], now: datetime, first_refund_id: int) -> int:
    """Refund, cancel, void or mark as test some of `orders` in place, all before `now`; returns the next free refund id."""
    refund_id = first_refund_id
    for order in orders:
        draw = rng.random()
        age = now - order.created_at
        if age > timedelta(days=4):
            settled = min(order.created_at + timedelta(days=rng.randrange(3, 25), hours=rng.randrange(24)), now - timedelta(hours=rng.randrange(2, 20)))
            at = keep_clear(settled, now)
        else:
            at = keep_clear(order.created_at + age * rng.uniform(0.1, 0.6), now)
        at = at.replace(microsecond=0)
        if draw < 0.02:
            refund_whole(order, refund_id, at)
            refund_id += 1
        elif draw < 0.075:
            line = rng.choice(order.lines)
            refund_units(order, line, rng.randrange(1, line.quantity + 1), refund_id, at)
            refund_id += 1
        elif draw < 0.09:
            soon = min(age, timedelta(hours=rng.randrange(1, 40)))
            cancel(order, refund_id, keep_clear(order.created_at + soon, now).replace(microsecond=0), rng.choice(_REASONS))
            refund_id += 1
        elif draw < 0.096:  # the payment was authorised, never taken
            order.financial_status, order.fulfillment_status = "VOIDED", "UNFULFILLED"
        elif draw < 0.1:
            order.test = True
        elif age < timedelta(days=2):
            order.fulfillment_status = "UNFULFILLED"
    return refund_id
