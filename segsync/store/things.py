"""Storing products, abandoned checkouts, and the news that something is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from integrations import records
from segsync.store.models import Checkout, CheckoutProduct, OrderLine, Product, Profile
from segsync.store.models import Order as OrderRow
from segsync.store.orders import owners_of
from segsync.store.touched import Touched

_PRODUCT_FACTS = ["product_type", "vendor", "category", "tags", "collections"]
_CHECKOUT_COLUMNS = ["customer", "version", "created_at", "recovered_at", "deleted_at", "total_minor", "lines"]


def store_products(shop_id: int, source: str, rows: Sequence[records.Product], now: datetime, touched: Touched) -> None:
    """Keep the newer ones of these products; whoever bought one whose kind changed is judged again."""
    latest = {row.external_id: row for row in sorted(rows, key=lambda row: row.version)}
    known = {p.external_id: p for p in Product.objects.filter(shop_id=shop_id, source=source, external_id__in=list(latest))}
    news = [row for id_, row in latest.items() if id_ not in known or row.version > known[id_].version]
    fresh = [
        Product(
            shop_id=shop_id,
            source=source,
            external_id=row.external_id,
            version=row.version,
            title=row.title[:255],
            product_type=row.product_type[:255],
            vendor=row.vendor[:255],
            category=row.category[:500],
            tags=list(row.tags),
            collections=[[c.external_id, c.title] for c in row.collections or ()],
        )
        for row in news
    ]
    Product.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["shop", "source", "external_id"],
        update_fields=["version", "title", "deleted_at", *_PRODUCT_FACTS],
        batch_size=500,
    )
    touched.stored += len(news)
    moved = [p.external_id for p in fresh if (old := known.get(p.external_id)) is None or any(getattr(old, n) != getattr(p, n) for n in _PRODUCT_FACTS)]
    touched.mark("profile", _buyers(shop_id, moved))


def store_collections(shop_id: int, source: str, rows: Sequence[records.ProductCollection], now: datetime, touched: Touched) -> None:
    """Add collections told apart from their products."""
    told: dict[str, list[list[str]]] = defaultdict(list)
    for row in rows:
        told[row.product_id].append([row.external_id, row.title])
    products = _append(Product, "collections", shop_id, source, told)
    touched.stored += len(rows)
    touched.mark("profile", _buyers(shop_id, products))


def store_checkouts(shop_id: int, source: str, rows: Sequence[records.Checkout], now: datetime, touched: Touched) -> None:
    """Keep the newer ones of these checkouts."""
    latest = {row.external_id: row for row in sorted(rows, key=lambda row: row.version)}
    rows_known = Checkout.objects.filter(shop_id=shop_id, source=source, external_id__in=list(latest)).values_list("external_id", "version", "customer_id")
    known = {id_: (version, customer) for id_, version, customer in rows_known}
    news = [row for id_, row in latest.items() if id_ not in known or row.version > known[id_][0]]
    owners = owners_of(shop_id, source, (row.customer_id for row in news), now)
    saved = Checkout.objects.bulk_create(
        [
            Checkout(
                shop_id=shop_id,
                customer_id=owners.get(row.customer_id),
                source=source,
                external_id=row.external_id,
                version=row.version,
                created_at=row.created_at,
                recovered_at=row.recovered_at,
                total_minor=row.total_minor,
                lines=[_checkout_line(line) for line in row.lines or ()],
            )
            for row in news
        ],
        update_conflicts=True,
        unique_fields=["shop", "source", "external_id"],
        update_fields=_CHECKOUT_COLUMNS,
        batch_size=500,
    )
    CheckoutProduct.objects.filter(shop_id=shop_id, checkout__in=[row.pk for row in saved if row.external_id in known]).delete()
    _index_products(shop_id, {row.pk: row.lines for row in saved})
    touched.stored += len(news)
    touched.mark("order", (row.customer_id for row in saved))
    touched.mark("order", (known[row.external_id][1] for row in news if row.external_id in known))


def store_checkout_lines(shop_id: int, source: str, rows: Sequence[records.CheckoutLine], now: datetime, touched: Touched) -> None:
    """Add lines told apart from their checkouts."""
    told: dict[str, list[list[Any]]] = defaultdict(list)
    for row in rows:
        told[row.checkout_id].append(_checkout_line(row))
    ids = _append(Checkout, "lines", shop_id, source, told)
    found = list(Checkout.objects.filter(shop_id=shop_id, source=source, external_id__in=ids).values_list("pk", "external_id", "customer_id"))
    _index_products(shop_id, {pk: told[external_id] for pk, external_id, _ in found})
    touched.stored += len(rows)
    touched.mark("order", (customer for _, _, customer in found))


def store_tombstones(shop_id: int, source: str, rows: Sequence[records.Tombstone], now: datetime, touched: Touched) -> None:
    """Remember that these are gone; what they were stays for history and no longer counts."""
    for row in rows:
        match row.kind:
            case "order":
                found = OrderRow.objects.filter(shop_id=shop_id, source=source, external_id=row.external_id, deleted_at__isnull=True)
                touched.mark("order", list(found.values_list("customer_id", flat=True)))
                touched.stored += found.update(deleted_at=row.at, counted=False)
            case "checkout":
                gone = Checkout.objects.filter(shop_id=shop_id, source=source, external_id=row.external_id, deleted_at__isnull=True)
                touched.mark("order", list(gone.values_list("customer_id", flat=True)))
                touched.stored += gone.update(deleted_at=row.at)
            case "product":
                touched.stored += Product.objects.filter(shop_id=shop_id, source=source, external_id=row.external_id).update(deleted_at=row.at)
            case "customer":
                profiles = Profile.objects.filter(shop_id=shop_id, source=source, external_id=row.external_id, gone_at__isnull=True)
                people = list(profiles.values_list("customer_id", flat=True))
                touched.mark("profile", people)
                touched.reach.update(people)
                touched.stored += profiles.update(gone_at=row.at)
            case other:
                raise ValueError(f"A tombstone of unknown kind '{other}'.")


def _checkout_line(line: records.CheckoutLine) -> list[Any]:
    return [line.external_id, line.product_id, line.variant_id, line.sku, line.title, line.quantity]


def _index_products(shop_id: int, lines: dict[int, list[list[Any]]]) -> None:
    """Let the products of these lines (by checkout) lead to them."""
    rows = [
        CheckoutProduct(shop_id=shop_id, checkout_id=checkout, product_id_text=product)
        for checkout, told in lines.items()
        for product in dict.fromkeys(line[1] for line in told)
        if product
    ]
    CheckoutProduct.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1_000)


def _append(model: type[Product] | type[Checkout], column: str, shop_id: int, source: str, told: dict[str, list[list[Any]]]) -> list[str]:
    """Add rows to a list column, once each (its first element names it); returns the ids found."""
    found: list[Any] = list(model._base_manager.filter(shop_id=shop_id, source=source, external_id__in=list(told)))
    for row in found:
        have = {item[0] for item in getattr(row, column)}
        setattr(row, column, getattr(row, column) + [item for item in told[row.external_id] if item[0] not in have])
    model._base_manager.filter(shop_id=shop_id).bulk_update(found, [column], batch_size=200)
    return [row.external_id for row in found]


def _buyers(shop_id: int, product_ids: Iterable[str]) -> set[int]:
    """Customers with any of these products in a line of an order or of an abandoned checkout."""
    wanted = list(product_ids)
    if not wanted:
        return set()
    lines = OrderLine.objects.filter(shop_id=shop_id, product_id_text__in=wanted, order__customer__isnull=False)
    left = CheckoutProduct.objects.filter(shop_id=shop_id, product_id_text__in=wanted, checkout__customer__isnull=False)
    return {*lines.values_list("order__customer_id", flat=True).distinct(), *left.values_list("checkout__customer_id", flat=True).distinct()}
