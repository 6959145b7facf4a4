"""The values that a shop's data has for what rules ask about by name, to tell a rule that no data can fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.db.models import QuerySet

from integrations.models import Shop
from segsync.rules import tree
from segsync.rules.errors import nearest, shown
from segsync.rules.facts import fold
from segsync.rules.format import format_value
from segsync.rules.readers import category_names
from segsync.store.models import Activity, Order, OrderLine, Product, Profile

Values = Callable[[Shop], Iterable[str]]
MOST_RECORDS = 200_000  # records, or different values, that are read to know what there is; of what has more nothing is said


class Asked(NamedTuple):
    """What a name of a rule is asked for: its words, its values in a shop, whether those are quick to read, and values in further rows.

    What is not quick, further rows among it, is only looked at where a condition finds nobody.
    """

    one: str
    values: Values
    quick: bool = True
    further: Values | None = None


class _TooMany(Exception):
    """More records than are read."""


def unknown_values(shop: Shop, rule: tree.Rule, nobody: set[str], texts: Mapping[int, str]) -> Iterator[str]:
    """A sentence for each text of the rule that nothing in the shop has. `nobody` are conditions (by `texts`) that find nobody."""
    cache: dict[Values, dict[str, str] | None] = {}
    said: set[str] = set()
    for clause in tree.clauses(rule.root):
        for activity, test in tree.tests(clause.body):
            asked = _asked(activity, test.name)
            if asked is None or not (asked.quick or texts[id(clause)] in nobody):
                continue
            known = _known(shop, asked.values, cache)
            for value in test.values:
                if not isinstance(value, tree.Text) or known is None or _fits(test.operator, fold(value.value), known):
                    continue
                if asked.further is not None:
                    further = _known(shop, asked.further, cache) if texts[id(clause)] in nobody else None
                    known = None if further is None else known | further
                if known is not None and not _fits(test.operator, fold(value.value), known):
                    near = nearest(value.value, known.values())
                    hint = f" Did you mean {shown(near)}?" if near else "" if known else f" No {asked.one} is known here at all."
                    sentence = f"Nothing in this shop has the {asked.one} {shown(format_value(value))}.{hint}"
                    if sentence not in said:
                        said.add(sentence)
                        yield sentence


def _known(shop: Shop, values: Values, cache: dict[Values, dict[str, str] | None]) -> dict[str, str] | None:
    """The values by their folded form; None when there are too many to know them all."""
    if values not in cache:
        try:
            cache[values] = {fold(value): value for value in values(shop) if value}
        except _TooMany:
            cache[values] = None
    return cache[values]


def _fits(operator: str, folded: str, known: Mapping[str, str]) -> bool:
    match operator:
        case "STARTS WITH":
            return any(value.startswith(folded) for value in known)
        case "ENDS WITH":
            return any(value.endswith(folded) for value in known)
        case "CONTAINS":
            return folded in known or any(folded in value for value in known)
        case _:
            return folded in known


def _asked(activity: str | None, name: str) -> Asked | None:
    if activity is None:
        return _ATTRIBUTES.get(name)
    if activity == "products_purchased" and name == "vendor":
        return _BOUGHT_VENDOR
    if activity in _WITH_PRODUCTS:
        return _OF_PRODUCTS.get(name)
    if activity == "orders_placed":
        return _OF_ORDERS.get(name)
    return _campaigns(activity) if name == "campaign" else None


def _all(rows: QuerySet[Any, Any]) -> Iterator[Any]:
    """Every row of one column. Raises _TooMany beyond MOST_RECORDS."""
    for number, row in enumerate(rows[: MOST_RECORDS + 1].iterator(chunk_size=2_000)):
        if number == MOST_RECORDS:
            raise _TooMany
        yield row


def _different(rows: QuerySet[Any], field: str) -> Iterator[str]:
    return _all(rows.order_by().values_list(field, flat=True).distinct())


def _products(field: str) -> Values:
    return lambda shop: _different(Product.objects.filter(shop=shop), field)


def _categories(shop: Shop) -> Iterator[str]:
    for category in _products("category")(shop):
        yield from category_names(category)


def _bought_vendors(shop: Shop) -> Iterator[str]:
    return _different(OrderLine.objects.filter(shop=shop), "vendor")


def _product_tags(shop: Shop) -> Iterator[str]:
    for tags in _all(Product.objects.filter(shop=shop).values_list("tags", flat=True)):
        yield from tags


def _collections(shop: Shop) -> Iterator[str]:
    for collections in _all(Product.objects.filter(shop=shop).values_list("collections", flat=True)):
        yield from (title for _, title in collections)


def _customer_tags(shop: Shop) -> Iterator[str]:
    for tags in _all(Profile.objects.filter(shop=shop, gone_at__isnull=True, tags__isnull=False).values_list("tags", flat=True)):
        yield from tags


def _orders(field: str) -> Values:
    return lambda shop: _different(Order.objects.filter(shop=shop), field)


def _campaigns(kind: str) -> Asked:
    return Asked("campaign", lambda shop: _different(Activity.objects.filter(shop=shop, kind=kind), "campaign"), quick=False)


_CATEGORY, _VENDOR, _TYPE = Asked("category", _categories), Asked("vendor", _products("vendor")), Asked("product type", _products("product_type"))
_BOUGHT_VENDOR = _VENDOR._replace(further=_bought_vendors)  # what was bought goes by the vendor that its line names, before the product's
_WITH_PRODUCTS = frozenset(("products_purchased", "checkouts_abandoned", "storefront.product_viewed", "storefront.collection_viewed", "storefront.cart_added"))
_OF_PRODUCTS: Mapping[str, Asked] = {
    "category": _CATEGORY,
    "vendor": _VENDOR,
    "type": _TYPE,
    "tag": Asked("product tag", _product_tags),
    "collection": Asked("collection", _collections),
}
_OF_ORDERS: Mapping[str, Asked] = {
    "channel": Asked("sales channel", _orders("channel"), quick=False),
    "country": Asked("country", _orders("country"), quick=False),
}
_ATTRIBUTES: Mapping[str, Asked] = {
    "top_category": Asked("category", _products("category")),
    "top_vendor": _BOUGHT_VENDOR,
    "top_product_type": _TYPE,
    "customer_tags": Asked("customer tag", _customer_tags, quick=False),
}
