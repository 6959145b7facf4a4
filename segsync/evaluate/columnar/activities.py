"""Where each activity of the catalogue stands in the columnar tables, by the entry's name, and where its parameters do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from segsync.evaluate.columnar.conditions import Ratio, literal

# The value of a parameter, given the table that holds it.
Read = Callable[[Any], Any]


@dataclass(frozen=True)
class Lookup:
    """Parameters that another table holds: rows whose `via` is the `key` of one of its rows that fits all of them.

    `only` is what its rows must fit in any case; `carries` names, for the totals that need one, the column to bring along.
    """

    table: str
    via: str
    key: str
    parameters: Mapping[str, Read]
    only: Callable[[Any], Any] | None = None
    lookups: tuple[Lookup, ...] = ()
    carries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """The rows of an activity: its table, the parameters in it, those in tables that it points to, and its totals.

    A total is an aggregate over the rows chosen, or a Ratio of two; `empty` is what it is of no rows.
    """

    table: str
    parameters: Mapping[str, Read]
    lookups: tuple[Lookup, ...] = ()
    totals: Mapping[str, Read] = field(default_factory=dict)
    empty: Mapping[str, int | None] = field(default_factory=dict)


def _column(name: str) -> Read:
    return lambda rows: rows[name]


def _columns(**names: str) -> Mapping[str, Read]:
    return {parameter: _column(column) for parameter, column in names.items()}


_GOODS = _columns(id="product_id", type="product_type", vendor="vendor", tag="tags", collection="collections", category="categories")
_COUNT: Mapping[str, Read] = {"count": lambda rows: rows.count()}
_NO_COUNT: Mapping[str, int | None] = {"count": 0}

SOURCES: dict[str, Source] = {
    "orders_placed": Source(
        "orders",
        _columns(
            date="placed_at",
            amount="amount",
            item_count="item_count",
            channel="channel",
            discount_code="discount_codes",
            discounted="discounted",
            country="country",
            location_id="location_id",
            app_id="app_id",
            tag="tags",
            order_number="number",
        ),
        totals={
            **_COUNT,
            "sum_amount": lambda rows: rows.amount.sum(),
            "average_amount": lambda rows: Ratio(rows.amount.sum(), rows.count()),
        },
        empty={**_NO_COUNT, "sum_amount": 0, "average_amount": None},
    ),
    "products_purchased": Source(
        "order_lines",
        _columns(date="placed_at", price="price", discounted="discounted", quantity="quantity", line_amount="amount"),
        lookups=(
            Lookup(
                "goods",
                "goods",
                "key",
                {**_GOODS, **_columns(variant_id="variant_id", sku="sku", title="title")},
                carries={"distinct_products": "thing"},
            ),
        ),
        totals={
            "count": lambda rows: rows.order_no.nunique(),
            "sum_quantity": lambda rows: rows.quantity.sum(),
            "sum_amount": lambda rows: rows.amount.sum(),
            "distinct_products": lambda rows: rows.thing.nunique(),
        },
        empty={**_NO_COUNT, "sum_quantity": 0, "sum_amount": 0, "distinct_products": 0},
    ),
    "orders_refunded": Source(
        "refunds",
        _columns(date="refunded_at", amount="amount"),
        totals={**_COUNT, "sum_amount": lambda rows: rows.amount.sum()},
        empty={**_NO_COUNT, "sum_amount": 0},
    ),
    "checkouts_abandoned": Source(
        "checkouts",
        _columns(date="created_at", amount="amount", recovered="recovered"),
        lookups=(Lookup("checkout_lines", "key", "checkout", {}, lookups=(Lookup("goods", "goods", "key", _GOODS),)),),
        totals={**_COUNT, "sum_amount": lambda rows: rows.amount.fill_null(0).sum()},
        empty={**_NO_COUNT, "sum_amount": 0},
    ),
}

_EMAILS = ("sent", "delivered", "opened", "clicked", "bounced", "unsubscribed", "marked_as_spam")


def _of_kind(kind: str) -> Callable[[Any], Any]:
    return lambda topics: topics.kind == literal(kind, "string")


def _acts(kind: str, own: Mapping[str, Read], topic: Mapping[str, Read], totals: Mapping[str, Read], empty: Mapping[str, int | None]) -> Source:
    return Source(
        "activities",
        {"date": _column("acted_at"), **own},
        lookups=(Lookup("topics", "topic", "key", topic, only=_of_kind(kind), carries={"distinct_campaigns": "mailing"}),),
        totals={**_COUNT, **totals},
        empty={**_NO_COUNT, **empty},
    )


for verb in _EMAILS:
    SOURCES[f"emails.{verb}"] = _acts(
        f"emails.{verb}",
        _columns(url="url"),
        _columns(campaign="campaign", campaign_id="campaign_id"),
        {"distinct_campaigns": lambda rows: rows.mailing.nunique()},
        {"distinct_campaigns": 0},
    )
# Every activity names a product; the one of those without is the product without anything.
_SHOWN = {name: read for name, read in _GOODS.items() if name != "id"}
for kind in ("page_viewed", "product_viewed", "collection_viewed", "cart_added", "searched"):
    viewed = _acts(
        f"storefront.{kind}",
        _columns(id="about", url="url", title="title", query="query"),
        {},
        {"distinct_products": lambda rows: rows.thing.nunique()},
        {"distinct_products": 0},
    )
    SOURCES[f"storefront.{kind}"] = replace(viewed, lookups=(*viewed.lookups, Lookup("goods", "goods", "key", _SHOWN, carries={"distinct_products": "thing"})))
_RATED: Mapping[str, Read] = {"average_rating": lambda rows: Ratio(rows.rating.sum(), rows.rating.count())}
_NO_RATING: Mapping[str, int | None] = {"average_rating": None}
SOURCES["forms.submitted"] = _acts("forms.submitted", _columns(form="form", page="page"), {}, {}, {})
SOURCES["surveys.answered"] = _acts("surveys.answered", _columns(kind="survey", sentiment="sentiment", rating="rating"), {}, _RATED, _NO_RATING)
SOURCES["reviews.written"] = _acts("reviews.written", _columns(id="about", rating="rating"), {}, _RATED, _NO_RATING)
SOURCES["social.engaged"] = _acts("social.engaged", _columns(network="network"), {}, {}, {})
