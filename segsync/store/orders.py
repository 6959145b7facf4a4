"""Storing orders and their lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from integrations import records
from segsync.store.identity import find, normal_email, resolve
from segsync.store.insert import upsert_rows
from segsync.store.models import Identity, Order, OrderLine
from segsync.store.touched import Touched

IMPORTED = "import"  # the source of what came from a file and has no platform's id

_COLUMNS = [
    "customer",
    "version",
    "name",
    "number",
    "placed_at",
    "cancelled_at",
    "deleted_at",
    "test",
    "counted",
    "currency",
    "total_minor",
    "gross_minor",
    "refunded_minor",
    "discount_minor",
    "channel",
    "country",
    "discount_codes",
    "tags",
    "refunds",
    "location_id_text",
    "app_id_text",
    "shipping",
]
_ADDED = {"location_id_text": "location_id", "app_id_text": "app_id", "shipping": "shipping"}  # columns that older tellings lack
_LINE_COLUMNS = ["product_id_text", "variant_id_text", "sku", "title", "vendor", "quantity", "current_quantity", "price_minor", "amount_minor", "discounted"]


def owners_of(shop_id: int, source: str, customer_ids: Iterable[str], now: datetime) -> dict[str, int]:
    """The people behind these platform ids; somebody not told of yet is made, and filled in when their record comes."""
    wanted = set(customer_ids) - {""}
    owners = find(shop_id, source, wanted)
    if missing := sorted(wanted - owners.keys()):
        owners.update(zip(missing, resolve(shop_id, [frozenset([(source, id_)]) for id_ in missing], now), strict=True))
    return owners


def store_orders(shop_id: int, source: str, rows: Sequence[records.Order], now: datetime, touched: Touched) -> None:
    """Keep the newer ones of these orders, with their lines where told; older lines of a newer order go."""
    latest: dict[str, records.Order] = {}
    for row in rows:
        if row.external_id not in latest or row.version >= latest[row.external_id].version:
            latest[row.external_id] = row
    known = {
        id_: (pk, version, customer, added)
        for id_, pk, version, customer, *added in Order.objects.filter(shop_id=shop_id, source=source, external_id__in=list(latest)).values_list(
            "external_id", "pk", "version", "customer_id", *_ADDED
        )
    }
    news = [row for id_, row in latest.items() if id_ not in known or row.version > known[id_][1] or _fuller(row, known[id_][1], known[id_][3])]
    if not news:
        return
    owners = owners_of(shop_id, source, (row.customer_id for row in news), now)
    known_by_email = find(shop_id, Identity.EMAIL, {normal_email(row.email) for row in news if not row.customer_id} - {""})
    saved = Order.objects.bulk_create(
        [_order(shop_id, source, row, owners.get(row.customer_id) or known_by_email.get(normal_email(row.email))) for row in news],
        update_conflicts=True,
        unique_fields=["shop", "source", "external_id"],
        update_fields=_COLUMNS,
        batch_size=500,
    )
    OrderLine.objects.filter(shop_id=shop_id, order_id__in=[known[row.external_id][0] for row in news if row.external_id in known]).delete()
    _insert_lines(shop_id, [(order.pk, line) for order, row in zip(saved, news, strict=True) for line in row.lines or ()])
    touched.stored += len(news)
    touched.mark("order", (order.customer_id for order in saved))
    touched.mark("order", (known[row.external_id][2] for row in news if row.external_id in known))
    if source != IMPORTED:
        _replace_imported(shop_id, news, touched)


def _fuller(row: records.Order, version: datetime, added: Sequence[str]) -> bool:
    """Whether the same telling brings a kind of fact that was never asked for, or withheld, before."""
    return row.version == version and any(getattr(row, name) and not old for name, old in zip(_ADDED.values(), added, strict=True))


def store_lines(shop_id: int, source: str, rows: Sequence[records.OrderLine], now: datetime, touched: Touched) -> None:
    """Keep lines told apart from their orders; lines of an order that is not there are left out."""
    orders = {
        id_: (pk, customer)
        for id_, pk, customer in Order.objects.filter(shop_id=shop_id, source=source, external_id__in={row.order_id for row in rows}).values_list(
            "external_id", "pk", "customer_id"
        )
    }
    told = {(row.order_id, row.external_id): row for row in rows if row.order_id in orders}
    _insert_lines(shop_id, [(orders[row.order_id][0], row) for row in told.values()])
    touched.stored += len(told)
    touched.mark("order", {customer for _, customer in orders.values()})


def _replace_imported(shop_id: int, rows: Sequence[records.Order], touched: Touched) -> None:
    """What a file told of these orders by their names goes, now that a platform tells of them: no order counts twice."""
    imported = Order.objects.filter(shop_id=shop_id, source=IMPORTED, external_id__in=[row.name for row in rows])
    if found := dict(imported.values_list("pk", "customer_id")):
        Order.objects.filter(shop_id=shop_id, pk__in=list(found)).delete()
        touched.mark("order", found.values())


def _insert_lines(shop_id: int, lines: Sequence[tuple[int, records.OrderLine]]) -> None:
    rows = (
        (
            shop_id,
            order_id,
            line.external_id,
            line.product_id,
            line.variant_id,
            line.sku[:255],
            line.title[:500],
            line.vendor[:255],
            line.quantity,
            line.current_quantity,
            line.price_minor,
            line.amount_minor,
            line.discounted,
        )
        for order_id, line in lines
    )
    upsert_rows(OrderLine, ["shop", "order", "external_id", *_LINE_COLUMNS], ["order", "external_id"], rows)


def _order(shop_id: int, source: str, row: records.Order, customer_id: int | None) -> Order:
    return Order(
        shop_id=shop_id,
        customer_id=customer_id,
        source=source,
        external_id=row.external_id,
        version=row.version,
        name=row.name[:64],
        number=row.number,
        placed_at=row.placed_at,
        cancelled_at=row.cancelled_at,
        test=row.test,
        counted=not row.test and not row.voided and row.cancelled_at is None,
        currency=row.currency,
        total_minor=row.total_minor,
        gross_minor=row.gross_minor,
        refunded_minor=row.refunded_minor,
        discount_minor=row.discount_minor,
        channel=row.channel[:64],
        country=row.country[:2],
        discount_codes=list(row.discount_codes),
        tags=list(row.tags),
        refunds=[[refund.external_id, refund.at.isoformat(), refund.amount_minor] for refund in row.refunds],
        location_id_text=row.location_id[:64],
        app_id_text=row.app_id[:64],
        shipping=row.shipping[:255],
    )
