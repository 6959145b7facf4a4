"""What the sweep of each minute reads: what lies in the span, by an index, and not the whole shop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from integrations.models import Shop
from segsync.evaluate import due
from segsync.store.models import Activity, Checkout, Customer, Order, Profile
from tests.evaluate.test_judge import segment
from tests.factories import NOON

HOURS = 2_000


class Plans:
    """How the database answers each question about a table: told by itself, of the very same statement and parameters."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.told: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith("SELECT") and f'FROM "{self.table}"' in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN '}{sql}", params)
                self.told.append(" ".join(str(part) for row in cursor.fetchall() for part in row))
        return execute(sql, params, many, context)


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Somebody came, left a checkout, bought and opened a mail each hour for three months; one order in ten was refunded in part."""
    people = Customer.objects.bulk_create([Customer(shop=shop, changed_at=NOON, created_at=NOON, judged_version=1) for _ in range(HOURS)])
    each = [({"shop": shop, "customer": who, "source": "shopify", "external_id": str(n)}, NOON - timedelta(hours=n)) for n, who in enumerate(people)]
    Profile.objects.bulk_create([Profile(**known, version=at, added_at=at) for known, at in each])
    Checkout.objects.bulk_create([Checkout(**known, version=at, created_at=at, total_minor=1) for known, at in each])
    Activity.objects.bulk_create([Activity(**known, kind="emails.opened", at=at) for known, at in each])
    Order.objects.bulk_create(
        [
            Order(
                **known,
                version=at,
                name=f"#{n}",
                placed_at=at,
                currency="GBP",
                total_minor=1,
                gross_minor=1,
                refunds=[] if n % 10 else [[f"r{n}", at.isoformat(), 1]],
            )
            for n, (known, at) in enumerate(each)
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return shop


@pytest.mark.parametrize(
    ("rule", "table", "index"),
    [
        ("customer_added_date >= -10h", "store_profile", "profile_by_added"),
        ("orders_refunded MATCHES (date >= -10h)", "store_order", "order_refunded"),
        ("orders_placed MATCHES (date >= -10h)", "store_order", "order_by_time"),
        ("checkouts_abandoned MATCHES (date >= -10h)", "store_checkout", "checkout_by_time"),
        ("emails.opened MATCHES (date >= -10h)", "store_activity", "activity_by_time"),
    ],
)
def test_the_sweep_finds_whom_an_hour_window_passed_over_by_an_index(busy: Shop, rule: str, table: str, index: str) -> None:
    segment(busy, rule)
    schedule = due.make_schedule(busy, NOON)
    schedule.swept_until = NOON - timedelta(minutes=1)
    plans = Plans(table)
    with connection.execute_wrapper(plans):
        assert due.sweep(schedule, NOON) == 1
    assert index in " ".join(plans.told)
    assert not [plan for plan in plans.told if "Seq Scan" in plan or f"SCAN {table}" in plan]
