"""Plain makers of records, for tests that tell a story about a few people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction

from integrations import records
from integrations.models import Shop
from segsync.store.upsert import store_page

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)


def customer(id_: str, *emails: str, version: datetime = NOON, orders: int | None = None, spent: int | None = None, **more: object) -> records.Customer:
    return records.Customer(
        external_id=id_,
        version=version,
        created_at=NOON - timedelta(days=400),
        emails=emails,
        order_count=orders,
        amount_spent_minor=spent,
        **more,  # type: ignore[arg-type]
    )


def line(order_id: str, id_: str, amount: int = 5000, product: str = "9", quantity: int = 1) -> records.OrderLine:
    return records.OrderLine(id_, order_id, product, "", f"SKU-{product}", "A thing", "Maker", quantity, quantity, amount // quantity, amount, False)


def order(
    id_: str,
    customer_id: str,
    placed_at: datetime = NOON - timedelta(days=3),
    total: int = 5000,
    version: datetime = NOON,
    lines: tuple[records.OrderLine, ...] | None = (),
    cancelled_at: datetime | None = None,
    test: bool = False,
    refunds: tuple[records.Refund, ...] = (),
) -> records.Order:
    return records.Order(
        external_id=id_,
        version=version,
        customer_id=customer_id,
        name=f"#{id_}",
        number=None,
        placed_at=placed_at,
        cancelled_at=cancelled_at,
        test=test,
        voided=False,
        currency="GBP",
        total_minor=total,
        gross_minor=total,
        refunded_minor=sum(refund.amount_minor for refund in refunds),
        discount_minor=0,
        channel="web",
        country="GB",
        discount_codes=(),
        tags=(),
        refunds=refunds,
        lines=lines,
    )


def opened(id_: str, email: str, at: datetime = NOON - timedelta(days=1)) -> records.Activity:
    return records.Activity(external_id=id_, kind="emails.opened", at=at, subject=email)


def checkout(id_: str, customer_id: str, created_at: datetime, recovered_at: datetime | None = None, version: datetime = NOON) -> records.Checkout:
    return records.Checkout(id_, version, customer_id, created_at, recovered_at, 3000, ())


def product(id_: str, category: str = "Apparel > Shoes", version: datetime = NOON) -> records.Product:
    return records.Product(id_, version, "A thing", "Shoes", "Maker", category, (), ())


def tell(shop: Shop, source: str, *rows: records.Record, now: datetime = NOON) -> int:
    """Store these records as one page."""
    with transaction.atomic():
        return store_page(shop.pk, source, rows, now)
