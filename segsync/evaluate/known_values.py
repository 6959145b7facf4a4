"""The values that a shop's data has for what rules ask about by name, to tell a rule that no data can fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from integrations.models import Shop
from segsync.rules import tree
from segsync.rules.errors import nearest, shown
from segsync.rules.facts import fold
from segsync.rules.format import format_value
from segsync.rules.readers import category_names
from segsync.store.models import Activity, Order, OrderLine, Product, Profile

Values = Callable[[Shop], Iterable[str]]
MOST_RECORDS = 200_000  # records whose lists are read to know what there is; beyond it nothing is said


class Asked(NamedTuple):
    """What a name of a rule is asked for: its words, its values in a shop, and whether those are quick to read.

    What is not quick is only looked at where a condition finds nobody.
    """

    one: str
    values: Values
    quick: bool = True


def unknown_values(shop: Shop, rule: tree.Rule, nobody: set[str], texts: Mapping[int, str]) -> Iterator[str]:
    """A sentence for each text of the rule that nothing in the shop has. `nobody` are conditions (by `texts`) that find nobody."""
    cache: dict[Asked, dict[str, str]] = {}
    said: set[str] = set()
    for clause in tree.clauses(rule.root):
        for activity, test in tree.tests(clause.body):
            asked = _asked(activity, test.name)
            if asked is None or not (asked.quick or texts[id(clause)] in nobody):
                continue
            if asked not in cache:
                cache[asked] = {fold(value): value for value in asked.values(shop) if value}
            for value in test.values:
                if isinstance(value, tree.Text) and not _fits(test.operator, fold(value.value), cache[asked]):
                    near = nearest(value.value, cache[asked].values())
                    known = f" Did you mean {shown(near)}?" if near else "" if cache[asked] else f" No {asked.one} is known here at all."
                    sentence = f"Nothing in this shop has the {asked.one} {shown(format_value(value))}.{known}"
                    if sentence not in said:
                        said.add(sentence)
                        yield sentence


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
    if activity in _WITH_PRODUCTS:
        return _OF_PRODUCTS.get(name)
    if activity == "orders_placed":
        return _OF_ORDERS.get(name)
    return _campaigns(activity) if name == "campaign" else None


def _products(field: str) -> Values:
    return lambda shop: Product.objects.filter(shop=shop).order_by().values_list(field, flat=True).distinct()


def _categories(shop: Shop) -> Iterator[str]:
    for category in _products("category")(shop):
        yield from category_names(category)


def _vendors(shop: Shop) -> Iterator[str]:
    yield from _products("vendor")(shop)
    if not Product.objects.filter(shop=shop).exists():  # imported orders name vendors without products
        yield from OrderLine.objects.filter(shop=shop).order_by().values_list("vendor", flat=True).distinct()


def _product_tags(shop: Shop) -> Iterator[str]:
    for tags in Product.objects.filter(shop=shop).values_list("tags", flat=True).iterator():
        yield from tags


def _collections(shop: Shop) -> Iterator[str]:
    for collections in Product.objects.filter(shop=shop).values_list("collections", flat=True).iterator():
        yield from (title for _, title in collections)


def _customer_tags(shop: Shop) -> Iterator[str]:
    for tags in Profile.objects.filter(shop=shop, gone_at__isnull=True, tags__isnull=False).values_list("tags", flat=True)[:MOST_RECORDS].iterator():
        yield from tags or ()


def _orders(field: str) -> Values:
    return lambda shop: Order.objects.filter(shop=shop).order_by().values_list(field, flat=True).distinct()


def _campaigns(kind: str) -> Asked:
    return Asked("campaign", lambda shop: Activity.objects.filter(shop=shop, kind=kind).order_by().values_list("campaign", flat=True).distinct(), quick=False)


_CATEGORY, _VENDOR, _TYPE = Asked("category", _categories), Asked("vendor", _vendors), Asked("product type", _products("product_type"))
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
    "top_vendor": _VENDOR,
    "top_product_type": _TYPE,
    "customer_tags": Asked("customer tag", _customer_tags, quick=False),
}
