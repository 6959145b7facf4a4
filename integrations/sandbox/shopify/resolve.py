"""Resolvers for direct requests: root fields by name, everything else from the field table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, get_named_type

from integrations.sandbox.shopify import state
from integrations.sandbox.shopify.access import COUNT_SCOPES, Access, denied, number_of, split_gid
from integrations.sandbox.shopify.bulk import BulkOperation
from integrations.sandbox.shopify.connections import CONNECTIONS, listed, page
from integrations.sandbox.shopify.fields import FIELDS
from integrations.sandbox.shopify.mutations import MUTATIONS
from integrations.sandbox.shopify.segment_members import members_page
from integrations.sandbox.shopify.shop import WebhookSubscription

_HELD = {
    "Customer": "customers",
    "Order": "orders",
    "Product": "products",
    "Collection": "collections",
    "AbandonedCheckout": "checkouts",
    "Segment": "segments",
}
_TYPE_NAMES = {
    state.Customer: "Customer",
    state.Order: "Order",
    state.Product: "Product",
    state.Collection: "Collection",
    state.Checkout: "AbandonedCheckout",
    state.NativeSegment: "Segment",
    state.Variant: "ProductVariant",
    state.Refund: "Refund",
    state.Company: "Company",
    state.Location: "Location",
    state.Address: "MailingAddress",
    state.MetafieldDefinition: "MetafieldDefinition",
    state.LineItem: "LineItem",
    state.Store: "Shop",
    BulkOperation: "BulkOperation",
    WebhookSubscription: "WebhookSubscription",
}


def type_of(value: Any, *_: Any) -> str:
    """The schema's name for a state object behind the Node interface."""
    return _TYPE_NAMES[type(value)]


def resolve(source: Any, info: GraphQLResolveInfo[Any], **args: Any) -> Any:
    """The value of any field of the schema; raises GraphQLError with Shopify's code when it cannot be had."""
    access: Access = info.context
    parent, name = info.parent_type.name, info.field_name
    if parent == "Mutation":
        return MUTATIONS[name](access, **args)
    if not isinstance(source, dict):
        scope = COUNT_SCOPES.get(name) if parent == "QueryRoot" else None
        refusal = access.refusal(name, get_named_type(info.return_type).name)
        if refusal or (scope is not None and not access.may(scope)):
            raise refusal or denied(name, scope or "")
    connection = CONNECTIONS.get((parent, name))
    if connection is not None:
        found, search = page(connection, access, source, args)
        if search.warnings:
            access.warnings.append({"path": [str(p) for p in info.path.as_list()], "query": search.text, "warnings": search.warnings})
        return found
    if parent == "QueryRoot":
        return _ROOTS[name](access, **args)
    if isinstance(source, dict):
        return source.get(name)
    return FIELDS[parent][name](access, args)(source)


def _held(kind: str) -> Callable[..., Any]:
    def find(access: Access, id: str) -> Any:
        return _visible(access, getattr(access.store, _HELD[kind]).get(number_of(id, kind)))

    return find


def _visible(access: Access, found: Any) -> Any:
    if isinstance(found, (state.Order, state.Checkout)) and access.orders_since is not None and found.created_at < access.orders_since:
        return None
    return found


def _segment(access: Access, id: str) -> Any:
    found = access.store.segments.get(number_of(id, "Segment"))
    if found is None:
        raise GraphQLError("Segment does not exist", extensions={"code": "NOT_FOUND"})
    return found


def _node(access: Access, id: str) -> Any:
    kind, rest = split_gid(id)
    if refusal := access.refusal(kind, kind):
        raise refusal
    if not rest.isdigit():
        return None
    number = int(rest)
    if kind in _HELD:
        return _visible(access, getattr(access.store, _HELD[kind]).get(number))
    if kind == "ProductVariant":
        product = access.product_of_variant.get(number)
        return next((v for v in product.variants if v.id == number), None) if product else None
    if kind == "BulkOperation":
        return access.bulk.get(access.shop, number)
    if kind == "WebhookSubscription":
        return access.shop.subscriptions.get(number)
    return access.store if kind == "Shop" and number == access.store.id else None


def _count(root: str) -> Callable[..., Any]:
    def count(access: Access, limit: int | None = 10_000, query: str | None = None) -> dict[str, Any]:
        found, search = listed(CONNECTIONS["QueryRoot", root], access, None, {"query": query})
        if search.warnings:
            access.warnings.append({"path": [root + "Count"], "query": search.text, "warnings": search.warnings})
        if limit is not None and len(found) > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return {"count": len(found), "precision": "EXACT"}

    return count


def _installation(access: Access) -> dict[str, Any]:
    scopes = [{"handle": scope, "description": scope.replace("_", " ").capitalize()} for scope in sorted(access.scopes)]
    app = {"id": "gid://shopify/App/1", "title": "Sandbox app", "handle": "sandbox-app"}
    return {"id": f"gid://shopify/AppInstallation/{access.store.id}", "accessScopes": scopes, "app": app}


_ROOTS: dict[str, Callable[..., Any]] = {
    "shop": lambda access: access.store,
    "currentAppInstallation": _installation,
    "node": _node,
    "nodes": lambda access, ids: [_node(access, id) for id in ids],
    "segment": _segment,
    "customerSegmentMembers": members_page,
    "bulkOperation": lambda access, id: access.bulk.get(access.shop, number_of(id, "BulkOperation")),
    "webhookSubscription": lambda access, id: access.shop.subscriptions.get(number_of(id, "WebhookSubscription")),
    **{kind: _held(held) for kind, held in [("customer", "Customer"), ("order", "Order"), ("product", "Product"), ("collection", "Collection")]},
    **{root + "Count": _count(root) for root in ("customers", "orders", "products", "segments", "abandonedCheckouts")},
}
