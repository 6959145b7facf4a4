"""The mutations of the schema. Each answers a payload with userErrors, or raises GraphQLError for a top-level error."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.shopify import segments, tags
from integrations.sandbox.shopify.access import Access, denied, not_found, number_of, split_gid
from integrations.sandbox.shopify.shop import TagCall, WebhookSubscription
from integrations.sandbox.shopify.staged import stage

Payload = dict[str, Any]
_TAGGABLE = {"Customer": "customers", "Order": "orders", "Product": "products"}


def _change_tags(access: Access, field: str, gid: str, given: list[str]) -> Payload:
    kind, rest = split_gid(gid)
    if kind not in _TAGGABLE or not rest.isdigit():
        raise not_found(gid)
    scope = "write_" + _TAGGABLE[kind]
    if not access.may(scope):
        raise denied(field, scope)
    target = getattr(access.store, _TAGGABLE[kind]).get(int(rest))
    if target is None:
        return {"node": None, "userErrors": [{"field": ["id"], "message": f"{kind} does not exist"}]}
    change = tags.add(target.tags, given) if field == "tagsAdd" else tags.remove(target.tags, given)
    if change.error is not None:
        return {"node": target, "userErrors": [{"field": ["tags"], "message": change.error}]}
    if kind == "Customer":
        access.shop.tag_calls.append(TagCall(access.now, target.id, field == "tagsAdd", tuple(given)))
    if change.changed:
        target.tags = change.tags
        target.updated_at = access.now
        if kind == "Customer":
            topic = "customer.tags_added" if field == "tagsAdd" else "customer.tags_removed"
            access.webhooks.send(access.store, topic, {"customerId": gid, "tags": change.changed, "occurredAt": access.now.isoformat()})
            access.webhooks.emit(access.store, "customers/update", target.id)
    return {"node": target, "userErrors": []}


def tags_add(access: Access, id: str, tags: list[str]) -> Payload:
    """shopify.dev, tagsAdd."""
    return _change_tags(access, "tagsAdd", id, tags)


def tags_remove(access: Access, id: str, tags: list[str]) -> Payload:
    """shopify.dev, tagsRemove."""
    return _change_tags(access, "tagsRemove", id, tags)


def _need(access: Access, field: str, *scopes: str) -> None:
    for scope in scopes:
        if not access.may(scope):
            raise denied(field, scope)


def segment_create(access: Access, name: str, query: str) -> Payload:
    """shopify.dev, segmentCreate."""
    _need(access, "segmentCreate", "read_customers", "write_customers")
    segment, errors = segments.create(access, name, query)
    return {"segment": segment, "userErrors": errors}


def segment_update(access: Access, id: str, name: str | None = None, query: str | None = None) -> Payload:
    """shopify.dev, segmentUpdate."""
    _need(access, "segmentUpdate", "read_customers", "write_customers")
    segment, errors = segments.update(access, number_of(id, "Segment"), name, query)
    return {"segment": segment, "userErrors": errors}


def segment_delete(access: Access, id: str) -> Payload:
    """shopify.dev, segmentDelete."""
    _need(access, "segmentDelete", "read_customers", "write_customers")
    errors = segments.delete(access, number_of(id, "Segment"))
    return {"deletedSegmentId": None if errors else id, "userErrors": errors}


def webhook_subscription_create(access: Access, topic: str, webhookSubscription: Payload) -> Payload:
    """shopify.dev, webhookSubscriptionCreate: the address is HTTPS, or a loopback address here; topic and address are unique together."""
    uri = (webhookSubscription.get("uri") or "").strip()
    errors = []
    if not _acceptable(uri):
        errors.append({"field": ["webhookSubscription", "uri"], "message": "Address is invalid; it needs an https:// URL."})
    elif any(s.topic == topic and s.uri == uri for s in access.shop.subscriptions.values()):
        errors.append({"field": ["webhookSubscription", "uri"], "message": "Address for this topic has already been taken"})
    if webhookSubscription.get("format") == "XML":
        errors.append({"field": ["webhookSubscription", "format"], "message": "Format must be JSON in the sandbox"})
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    number = next(access.shop.serial)
    made = WebhookSubscription(
        number, topic, uri, "JSON", None, list(webhookSubscription.get("includeFields") or []), webhookSubscription.get("name"), access.now, access.now
    )
    access.shop.subscriptions[number] = made
    return {"webhookSubscription": made, "userErrors": []}


def _acceptable(uri: str) -> bool:
    parts = urlsplit(uri)
    if parts.scheme == "https" and parts.hostname:
        return True
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def webhook_subscription_delete(access: Access, id: str) -> Payload:
    """shopify.dev, webhookSubscriptionDelete."""
    if access.shop.subscriptions.pop(number_of(id, "WebhookSubscription"), None) is None:
        return {"deletedWebhookSubscriptionId": None, "userErrors": [{"field": ["id"], "message": "Webhook subscription does not exist"}]}
    return {"deletedWebhookSubscriptionId": id, "userErrors": []}


def staged_uploads_create(access: Access, input: list[Payload]) -> Payload:
    """shopify.dev, stagedUploadsCreate: here for bulk mutation variables only."""
    for index, wanted in enumerate(input):
        if wanted["resource"] != "BULK_MUTATION_VARIABLES" or wanted.get("httpMethod", "PUT") != "POST":
            message = "The sandbox stages BULK_MUTATION_VARIABLES by POST only"
            return {"stagedTargets": None, "userErrors": [{"field": ["input", str(index), "resource"], "message": message}]}
    return {"stagedTargets": [stage(access, wanted["filename"], wanted["mimeType"]) for wanted in input], "userErrors": []}


def bulk_operation_run_query(access: Access, query: str, groupObjects: bool = False) -> Payload:
    """shopify.dev, bulkOperationRunQuery."""
    operation, errors = access.bulk.start_query(access, query, group_objects=groupObjects)
    return {"bulkOperation": operation, "userErrors": errors}


def bulk_operation_run_mutation(access: Access, mutation: str, stagedUploadPath: str, clientIdentifier: str | None = None) -> Payload:
    """shopify.dev, bulkOperationRunMutation."""
    operation, errors = access.bulk.start_mutation(access, mutation, stagedUploadPath, clientIdentifier)
    return {"bulkOperation": operation, "userErrors": errors}


def bulk_operation_cancel(access: Access, id: str) -> Payload:
    """shopify.dev, bulkOperationCancel."""
    operation, errors = access.bulk.cancel(access, number_of(id, "BulkOperation"))
    return {"bulkOperation": operation, "userErrors": errors}


MUTATIONS: dict[str, Callable[..., Payload]] = {
    "tagsAdd": tags_add,
    "tagsRemove": tags_remove,
    "segmentCreate": segment_create,
    "segmentUpdate": segment_update,
    "segmentDelete": segment_delete,
    "webhookSubscriptionCreate": webhook_subscription_create,
    "webhookSubscriptionDelete": webhook_subscription_delete,
    "stagedUploadsCreate": staged_uploads_create,
    "bulkOperationRunQuery": bulk_operation_run_query,
    "bulkOperationRunMutation": bulk_operation_run_mutation,
    "bulkOperationCancel": bulk_operation_cancel,
}
