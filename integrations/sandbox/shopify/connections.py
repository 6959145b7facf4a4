"""The connections of the schema: what each lists, how it is searched, sorted and paged (shopify.dev, "Pagination with GraphQL")."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import orjson
from graphql import GraphQLError

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.search import Search, SearchField, parse
from integrations.sandbox.shopify.state import Product

PAGE_LIMIT = 250
Sorts = Mapping[str, Callable[[Any], Any]]
_by_id: Callable[[Any], Any] = attrgetter("id")


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection field. `sorts` empty: the objects keep the order they are listed in."""

    items: Callable[[Access, Any], Iterable[Any]]
    search: Mapping[str, SearchField] = field(default_factory=dict)
    sorts: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    limit: int = PAGE_LIMIT


def _time(name: str) -> SearchField:
    return SearchField("time", attrgetter(name))


def _text(name: str) -> SearchField:
    return SearchField("text", attrgetter(name))


_ID = SearchField("id", _by_id)
_TAG = SearchField("words", attrgetter("tags"))
_TIMES = {"id": _ID, "created_at": _time("created_at"), "updated_at": _time("updated_at")}
_TIME_SORTS: Sorts = {"ID": _by_id, "RELEVANCE": _by_id, "CREATED_AT": attrgetter("created_at"), "UPDATED_AT": attrgetter("updated_at")}
_ORDER_SEARCH = _TIMES | {
    "processed_at": _time("processed_at"),
    "customer_id": SearchField("id", attrgetter("customer_id")),
    "financial_status": _text("financial_status"),
    "fulfillment_status": _text("fulfillment_status"),
    "name": SearchField("text", lambda o: f"#{o.number}"),
    "source_name": _text("source_name"),
    "tag": _TAG,
    "test": _text("test"),
}
_ORDER_SORTS: Sorts = {**_TIME_SORTS, "PROCESSED_AT": attrgetter("processed_at"), "ORDER_NUMBER": attrgetter("number")}
_PRODUCT_SEARCH = _TIMES | {
    "handle": _text("handle"),
    "product_type": _text("product_type"),
    "status": _text("status"),
    "tag": _TAG,
    "title": _text("title"),
    "vendor": _text("vendor"),
}
_CHECKOUT_SEARCH = _TIMES | {
    "status": SearchField("text", lambda c: "open" if c.completed_at is None else "closed"),
    "recovery_state": SearchField("text", lambda c: "not_recovered" if c.completed_at is None else "recovered"),
}
_PRODUCT_SORTS: Sorts = {**_TIME_SORTS, "TITLE": attrgetter("title")}
_TITLE_SORTS: Sorts = {"ID": _by_id, "RELEVANCE": _by_id, "TITLE": attrgetter("title")}


def _orders(access: Access, _source: Any) -> Iterable[Any]:
    since = access.orders_since
    orders = access.store.orders.values()
    return orders if since is None else [o for o in orders if o.created_at >= since]


def _checkouts(access: Access, _source: Any) -> Iterable[Any]:
    since = access.orders_since
    checkouts = access.store.checkouts.values()
    return checkouts if since is None else [c for c in checkouts if c.created_at >= since]


def _orders_of(access: Access, customer: Any) -> Iterable[Any]:
    since = access.orders_since
    orders = [access.store.orders[i] for i in customer.order_ids]
    return orders if since is None else [o for o in orders if o.created_at >= since]


def _collections_of(access: Access, product: Product) -> Iterable[Any]:
    return [access.store.collections[i] for i in product.collection_ids if i in access.store.collections]


def _products_of(access: Access, collection: Any) -> Iterable[Any]:
    return [p for p in access.store.products.values() if collection.id in p.collection_ids]


def _lines(_access: Access, source: Any) -> Iterable[Any]:
    lines: Iterable[Any] = source.lines
    return lines


CONNECTIONS: dict[tuple[str, str], Connection] = {
    ("QueryRoot", "customers"): Connection(
        lambda access, _: access.store.customers.values(),
        _TIMES | {"email": SearchField("text", lambda c: (c.email or "").strip()), "state": _text("state"), "tag": _TAG},
        _TIME_SORTS,
    ),
    ("QueryRoot", "orders"): Connection(_orders, _ORDER_SEARCH, _ORDER_SORTS),
    ("QueryRoot", "products"): Connection(lambda access, _: access.store.products.values(), _PRODUCT_SEARCH, _PRODUCT_SORTS),
    ("QueryRoot", "collections"): Connection(
        lambda access, _: access.store.collections.values(), {"id": _ID, "handle": _text("handle"), "title": _text("title")}, _TITLE_SORTS
    ),
    ("QueryRoot", "abandonedCheckouts"): Connection(_checkouts, _CHECKOUT_SEARCH, _TIME_SORTS),
    ("QueryRoot", "segments"): Connection(
        lambda access, _: access.store.segments.values(),
        {"id": _ID, "name": _text("name")},
        {"ID": _by_id, "RELEVANCE": _by_id, "CREATION_DATE": attrgetter("creation_date"), "LAST_EDIT_DATE": attrgetter("last_edit_date")},
    ),
    ("QueryRoot", "bulkOperations"): Connection(
        lambda access, _: access.shop.operations.values(),
        _TIMES | {"status": _text("status"), "operation_type": _text("type")},
        {"CREATED_AT": attrgetter("created_at"), "COMPLETED_AT": lambda o: o.completed_at or o.created_at},
    ),
    ("QueryRoot", "webhookSubscriptions"): Connection(
        lambda access, _: access.shop.subscriptions.values(),
        _TIMES | {"topic": _text("topic"), "endpoint": _text("uri")},
        {"ID": _by_id, "CREATED_AT": attrgetter("created_at")},
    ),
    ("QueryRoot", "metafieldDefinitions"): Connection(
        lambda access, _: access.store.metafield_definitions.values(),
        {"id": _ID, "key": _text("key"), "namespace": _text("namespace"), "type": _text("type")},
        {"ID": _by_id, "RELEVANCE": _by_id, "NAME": attrgetter("name")},
    ),
    ("Customer", "orders"): Connection(_orders_of, _ORDER_SEARCH, _ORDER_SORTS),
    ("Customer", "addressesV2"): Connection(lambda _access, customer: customer.every_address),
    ("Order", "lineItems"): Connection(_lines),
    ("AbandonedCheckout", "lineItems"): Connection(_lines),
    ("Product", "collections"): Connection(_collections_of, {"id": _ID, "title": _text("title")}, _TITLE_SORTS),
    ("Product", "variants"): Connection(lambda _access, product: product.variants),
    ("Collection", "products"): Connection(_products_of, {}, _TITLE_SORTS),
}


def listed(connection: Connection, access: Access, source: Any, args: Mapping[str, Any]) -> tuple[list[Any], Search]:
    """The objects that match the search, in the order asked for, and the search as understood."""
    search = parse(args.get("query"), connection.search)
    found = [o for o in connection.items(access, source) if search.test(o)] if search.text else list(connection.items(access, source))
    if connection.sorts:
        key = connection.sorts.get(args.get("sortKey") or "ID", _by_id)
        found.sort(key=lambda o: (key(o), o.id))
    if args.get("reverse"):
        found.reverse()
    return found, search


def page(connection: Connection, access: Access, source: Any, args: Mapping[str, Any]) -> tuple[dict[str, Any], Search]:
    """One page as edges, nodes and pageInfo; raises GraphQLError for a window that is missing, doubled or too wide."""
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if first is not None and last is not None:
        raise GraphQLError("providing both first and last is not supported", extensions={"code": "BAD_REQUEST"})
    size: int = first if first is not None else args["last"]
    if size < 0 or size > connection.limit:
        raise GraphQLError(f"The page size must be from 0 to {connection.limit}, not {size}.", extensions={"code": "BAD_REQUEST"})
    found, search = listed(connection, access, source, args)
    key = connection.sorts.get(args.get("sortKey") or "ID", _by_id) if connection.sorts else None
    descending = bool(args.get("reverse"))
    start = _position(found, key, descending, args["after"], after=True) if args.get("after") else 0
    stop = _position(found, key, descending, args["before"], after=False) if args.get("before") else len(found)
    window = found[start:stop]
    chosen = window[:size] if first is not None else window[max(0, len(window) - size) :]
    offset = start if first is not None else start + len(window) - len(chosen)
    cursors = [_cursor(o, key) for o in chosen]
    info = {
        "hasNextPage": offset + len(chosen) < len(found),
        "hasPreviousPage": offset > 0,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }
    edges = [{"cursor": cursor, "node": o} for cursor, o in zip(cursors, chosen, strict=True)]
    return {"edges": edges, "nodes": chosen, "pageInfo": info}, search


def _value(o: Any, key: Callable[[Any], Any]) -> str | int:
    value = key(o)
    return value if isinstance(value, (str, int)) else str(value.isoformat())


def _cursor(o: Any, key: Callable[[Any], Any] | None) -> str:
    return base64.b64encode(orjson.dumps({"last_id": o.id, "last_value": o.id if key is None else _value(o, key)})).decode()


def _position(found: list[Any], key: Callable[[Any], Any] | None, descending: bool, cursor: str, *, after: bool) -> int:
    try:
        known = orjson.loads(base64.b64decode(cursor, validate=True))
        mark, last_id = known["last_value"], int(known["last_id"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise GraphQLError(f"Invalid cursor for current pagination sort: {cursor}.", extensions={"code": "BAD_REQUEST"}) from error
    if key is None:
        at = next((i for i, o in enumerate(found) if o.id == last_id), len(found))
        return at + 1 if after else at
    keys = [(_value(o, key), o.id) for o in found]
    if keys and type(keys[0][0]) is not type(mark):
        raise GraphQLError(f"Invalid cursor for current pagination sort: {cursor}.", extensions={"code": "BAD_REQUEST"})
    if descending:
        keys.reverse()
        return len(keys) - (bisect_left(keys, (mark, last_id)) if after else bisect_right(keys, (mark, last_id)))
    return bisect_right(keys, (mark, last_id)) if after else bisect_left(keys, (mark, last_id))
