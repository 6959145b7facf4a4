"""What was so at an instant that has passed, out of what is known now.

Rewound: orders, checkouts and activities that came later are left out, refunds given later are put back, orders cancelled or
deleted later count, checkouts recovered later are open, records made later are left out and records gone later are there.

Not rewound, because no source tells its history: tags, subscriptions, countries, language, the platform's totals
(`number_of_orders`, `amount_spent`, where it gives any) and ratings of a customer; edits of an order; products; voiding.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Min, Model, Q

from integrations.models import Shop
from segsync.store.models import Activity, Checkout, Order, Profile

_FIRST_SEEN: tuple[tuple[type[Model], str], ...] = ((Profile, "added_at"), (Order, "placed_at"), (Checkout, "created_at"), (Activity, "at"))


def there(at: datetime | None, gone: str) -> Q:
    """Rows that are there: never gone by the field `gone`, or gone only after `at`."""
    never = Q(**{f"{gone}__isnull": True})
    return never if at is None else never | Q(**{f"{gone}__gt": at})


def since(at: datetime | None, begun: str) -> Q:
    """Rows that had begun by `at`, by the field `begun`; rows without that time, and all rows for `at` None."""
    return Q() if at is None else Q(**{f"{begun}__lte": at}) | Q(**{f"{begun}__isnull": True})


def counted(at: datetime | None, now_counted: bool, test: bool, cancelled_at: datetime | None, deleted_at: datetime | None) -> bool:
    """Whether an order counted at `at`: also one that was cancelled or deleted only later."""
    undone = [when for when in (cancelled_at, deleted_at) if when is not None]
    return now_counted or (at is not None and not test and bool(undone) and min(undone) > at)


def refunds(at: datetime | None, told: Sequence[Sequence[Any]]) -> tuple[list[tuple[datetime, int]], int]:
    """The refunds given by `at`, and how much was given back later, in minor units."""
    every = [(datetime.fromisoformat(when), amount) for _, when, amount in told]
    if at is None:
        return every, 0
    return [(when, amount) for when, amount in every if when <= at], sum(amount for when, amount in every if when > at)


def not_known_yet(shop: Shop, customer_ids: Sequence[int], at: datetime) -> set[int]:
    """Those of these customers of whom every dated fact is later than `at`: nobody could have judged them then."""
    first: dict[int, datetime] = {}
    for model, when in _FIRST_SEEN:
        rows = model._base_manager.filter(shop=shop, customer_id__in=customer_ids, **{f"{when}__isnull": False})
        for customer, seen in rows.order_by().values_list("customer_id").annotate(first=Min(when)):
            first[customer] = min(first.get(customer, seen), seen)
    return {customer for customer, seen in first.items() if seen > at}
