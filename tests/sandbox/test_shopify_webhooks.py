from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from integrations.sandbox.faults import Fault
from integrations.sandbox.shopify.webhooks import header_topic
from tests.sandbox.shopify_store import CLIENT_SECRET, SHOP, Shopify, until


def subscribe(shopify: Shopify, topic: str, uri: str, **more: Any) -> dict[str, Any]:
    document = """mutation Subscribe($topic: WebhookSubscriptionTopic!, $input: WebhookSubscriptionInput!) {
        webhookSubscriptionCreate(topic: $topic, webhookSubscription: $input) {
            webhookSubscription { id topic uri filter includeFields } userErrors { field message } } }"""
    made: dict[str, Any] = shopify.data(document, topic=topic, input={"uri": uri, "format": "JSON"} | more)["webhookSubscriptionCreate"]
    return made


def emit(shopify: Shopify, topic: str, number: int) -> None:
    shopify.server.shopify.webhooks.emit(shopify.store, topic, number)


def settled(shopify: Shopify) -> None:
    assert shopify.server.deliveries.drain(5)


@pytest.mark.parametrize(
    ("name", "header"),
    [("ORDERS_CREATE", "orders/create"), ("BULK_OPERATIONS_FINISH", "bulk_operations/finish"), ("APP_UNINSTALLED", "app/uninstalled"),
     ("APP_SCOPES_UPDATE", "app/scopes_update"), ("CUSTOMER_TAGS_ADDED", "customer.tags_added")],
)  # fmt: skip
def test_topics_are_spelled_as_in_deliveries(name: str, header: str) -> None:
    assert header_topic(name) == header


def test_a_delivery_is_signed_over_its_raw_body_and_names_topic_shop_and_times(shopify: Shopify, inbox: Any) -> None:
    emit(shopify, "orders/updated", 1001)
    settled(shopify)
    delivery = inbox.received[0]
    expected = base64.b64encode(hmac.new(CLIENT_SECRET.encode(), delivery.body, hashlib.sha256).digest()).decode()
    assert delivery.headers["x-shopify-hmac-sha256"] == expected
    assert delivery.headers["x-shopify-topic"] == "orders/updated"
    assert delivery.headers["x-shopify-shop-domain"] == SHOP
    for name in ("x-shopify-webhook-id", "x-shopify-event-id", "x-shopify-triggered-at", "x-shopify-api-version"):
        assert delivery.headers[name]
    body = json.loads(delivery.body)
    assert (body["id"], body["customer"]["id"]) == (1001, 101)


def test_two_subscriptions_get_one_event_under_two_delivery_ids(shopify: Shopify, inbox: Any) -> None:
    assert subscribe(shopify, "ORDERS_CREATE", inbox.url + "/api")["userErrors"] == []
    emit(shopify, "orders/create", 1001)
    settled(shopify)
    assert sorted(r.path for r in inbox.received) == ["/webhooks/api", "/webhooks/config"]
    assert len({r.headers["x-shopify-event-id"] for r in inbox.received}) == 1
    assert len({r.headers["x-shopify-webhook-id"] for r in inbox.received}) == 2


def test_included_fields_alone_are_sent(shopify: Shopify, inbox: Any) -> None:
    subscribe(shopify, "CUSTOMERS_UPDATE", inbox.url + "/api", includeFields=["id"])
    emit(shopify, "customers/update", 101)
    settled(shopify)
    assert [json.loads(r.body) for r in inbox.received if r.path.endswith("api")] == [{"id": 101}]


def test_customer_payloads_have_no_tags(shopify: Shopify, inbox: Any) -> None:
    emit(shopify, "customers/update", 101)
    settled(shopify)
    assert "tags" not in json.loads(inbox.received[0].body)


def test_a_change_of_tags_sends_what_changed(shopify: Shopify, inbox: Any) -> None:
    shopify.data('mutation T { tagsAdd(id: "gid://shopify/Customer/101", tags: ["a", "b"]) { userErrors { message } } }')
    shopify.data('mutation T { tagsAdd(id: "gid://shopify/Customer/101", tags: ["A"]) { userErrors { message } } }')
    settled(shopify)
    assert sorted(inbox.topics()) == ["customer.tags_added", "customers/update"]
    added = next(r for r in inbox.received if r.headers["x-shopify-topic"] == "customer.tags_added")
    assert json.loads(added.body)["tags"] == ["a", "b"]


def test_a_failed_delivery_is_retried_with_the_same_body_and_id(shopify: Shopify, inbox: Any) -> None:
    inbox.answers[:] = [500, 302]
    emit(shopify, "orders/create", 1001)
    settled(shopify)
    assert len(inbox.received) == 1
    shopify.world.clock.advance(timedelta(minutes=1))
    until(lambda: len(inbox.received) == 2)
    settled(shopify)
    shopify.world.clock.advance(timedelta(minutes=5))
    until(lambda: len(inbox.received) == 3)
    settled(shopify)
    assert len({(r.body, r.headers["x-shopify-webhook-id"]) for r in inbox.received}) == 1
    assert [d.outcome for d in shopify.server.deliveries.recent()] == ["failed", "failed", "delivered"]


def test_after_eight_failed_retries_the_apis_subscription_is_deleted(shopify: Shopify, inbox: Any) -> None:
    shopify.server.deliveries.time_scale = 0.0
    subscribe(shopify, "CUSTOMERS_MERGE", inbox.url + "/api")
    inbox.answers[:] = [500] * 9
    shopify.server.shopify.webhooks.send(shopify.store, "customers/merge", {"admin_graphql_api_customer_kept_id": "gid://shopify/Customer/101"})
    until(lambda: not shopify.data("{ webhookSubscriptions(first: 10) { nodes { id } } }")["webhookSubscriptions"]["nodes"])
    assert len(inbox.received) == 9


def test_deliveries_can_be_doubled_dropped_and_overtaken(shopify: Shopify, inbox: Any) -> None:
    faults = shopify.world.faults
    faults.add(Fault("duplicate", operation="orders/create", remaining=1))
    emit(shopify, "orders/create", 1001)
    settled(shopify)
    assert len(inbox.received) == 2
    assert len({r.headers["x-shopify-webhook-id"] for r in inbox.received}) == 1
    faults.add(Fault("drop", operation="orders/*", remaining=1))
    emit(shopify, "orders/create", 1002)
    settled(shopify)
    assert len(inbox.received) == 2
    faults.add(Fault("reorder", operation="orders/*", remaining=1, seconds=30))
    emit(shopify, "orders/create", 1003)
    emit(shopify, "orders/updated", 1003)
    settled(shopify)
    shopify.world.clock.advance(timedelta(seconds=31))
    until(lambda: len(inbox.received) == 4)
    assert inbox.topics()[2:] == ["orders/updated", "orders/create"]


def test_subscriptions_are_listed_unique_and_deletable(shopify: Shopify, inbox: Any) -> None:
    made = subscribe(shopify, "ORDERS_CREATE", inbox.url)["webhookSubscription"]
    assert subscribe(shopify, "ORDERS_CREATE", inbox.url)["userErrors"][0]["message"].endswith("has already been taken")
    assert subscribe(shopify, "ORDERS_CREATE", "http://example.com/x")["userErrors"]
    assert shopify.data("{ webhookSubscriptions(first: 10) { nodes { id topic uri filter includeFields } } }")["webhookSubscriptions"]["nodes"] == [made]
    document = "mutation D($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field } } }"
    assert shopify.data(document, id=made["id"])["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == made["id"]
    assert shopify.data(document, id=made["id"])["webhookSubscriptionDelete"]["userErrors"] == [{"field": ["id"]}]


def test_uninstalling_deletes_the_apis_subscriptions_and_tells_the_app(shopify: Shopify, inbox: Any) -> None:
    subscribe(shopify, "ORDERS_CREATE", inbox.url + "/api")
    shopify.server.shopify.uninstall(SHOP)
    emit(shopify, "orders/create", 1001)
    settled(shopify)
    assert inbox.topics() == ["app/uninstalled"]
    assert json.loads(inbox.received[0].body)["myshopify_domain"] == SHOP
    assert shopify.connected().data("{ webhookSubscriptions(first: 10) { nodes { id } } }")["webhookSubscriptions"]["nodes"] == []
