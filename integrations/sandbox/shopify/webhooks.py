"""Webhooks as Shopify sends them: signed, identified, retried (shopify.dev, "Verify webhook deliveries", "Webhook structure").

Two kinds of subscription exist: the topics of the app's configuration file, sent to one address while the app is installed,
and those the app makes through the Admin API, which Shopify deletes with the installation or after 8 failed retries.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from integrations.sandbox.shopify.readers import decimal_text, iso
from integrations.sandbox.shopify.schema import LATEST
from integrations.sandbox.shopify.state import Checkout, Customer, Order, Product, Store

if TYPE_CHECKING:
    from integrations.sandbox.deliveries import Deliveries
    from integrations.sandbox.shopify.shop import Shop, WebhookSubscription
    from integrations.sandbox.world import World

RETRY_DELAYS = (15, 60, 180, 600, 1_500, 3_000, 4_200, 4_845)  # seconds: 8 retries, growing, within 4 hours
CONFIG_TOPICS = frozenset(
    {
        "app/uninstalled", "app/scopes_update", "bulk_operations/finish", "checkouts/create", "checkouts/delete", "checkouts/update",
        "customer.tags_added", "customer.tags_removed", "customers/create", "customers/data_request", "customers/delete", "customers/redact",
        "customers/update", "orders/cancelled", "orders/create", "orders/delete", "orders/updated", "products/create", "products/delete",
        "products/update", "refunds/create", "segments/delete", "segments/update",
        "shop/redact",
    }
)  # fmt: skip


def header_topic(topic: str) -> str:
    """The topic as deliveries name it: `orders/create` for `ORDERS_CREATE`."""
    if topic.startswith("CUSTOMER_TAGS_"):
        return "customer." + topic.removeprefix("CUSTOMER_").lower()
    if topic == "APP_SCOPES_UPDATE":
        return "app/scopes_update"
    group, _, verb = topic.lower().rpartition("_")
    return f"{group}/{verb}"


def signature(secret: str, body: bytes) -> str:
    """`X-Shopify-Hmac-Sha256`: base64 of the HMAC-SHA256 of the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class Webhooks:
    """Sends what subscriptions ask for. Emitting is cheap and never fails the caller."""

    def __init__(self, world: World, deliveries: Deliveries, shop_of: Callable[[str], Shop]) -> None:
        self._world = world
        self._deliveries = deliveries
        self._shop_of = shop_of

    def emit(self, store: Store, topic: str, object_id: int, **facts: Any) -> None:
        """Send `topic` (as deliveries spell it, `orders/create`) about the object of that id; `facts` join the payload."""
        payload = self._payload(store, topic, object_id)
        if payload is not None:
            self.send(store, topic, payload | facts)

    def send(self, store: Store, topic: str, payload: dict[str, Any]) -> None:
        """Send a payload of one's own to everybody who subscribes to `topic`; nothing is sent for an app that is not installed."""
        shop = self._shop_of(store.domain)
        if shop.installed_at is None and topic not in ("app/uninstalled", "shop/redact"):
            return
        event, at = str(uuid.uuid4()), self._world.clock.now()
        if self._world.config.shopify_webhook_url and topic in CONFIG_TOPICS:
            self._deliver(store, topic, self._world.config.shopify_webhook_url, orjson.dumps(payload), event, at, None)
        for subscription in list(shop.subscriptions.values()):
            if header_topic(subscription.topic) != topic:
                continue
            kept = payload
            if subscription.include_fields:
                kept = {key: value for key, value in payload.items() if key in subscription.include_fields}
            self._deliver(store, topic, subscription.uri, orjson.dumps(kept), event, at, self._deleter(shop, subscription))

    def _deliver(self, store: Store, topic: str, url: str, body: bytes, event: str, at: datetime, gave_up: Callable[[], None] | None) -> None:
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": store.domain,
            "X-Shopify-API-Version": LATEST,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        secret = self._world.config.shopify_client_secret

        def sign(raw: bytes, _now: datetime) -> dict[str, str]:
            return headers | {"X-Shopify-Hmac-Sha256": signature(secret, raw)}

        self._deliveries.submit("shopify", store.domain, url, body, sign, RETRY_DELAYS, topic=topic, gave_up=gave_up)

    @staticmethod
    def _deleter(shop: Shop, subscription: WebhookSubscription) -> Callable[[], None]:
        def delete() -> None:
            shop.subscriptions.pop(subscription.id, None)

        return delete

    def _payload(self, store: Store, topic: str, number: int) -> dict[str, Any] | None:
        group = topic.partition("/")[0]
        if group == "orders" and number in store.orders:
            return order_payload(store, store.orders[number])
        if group == "customers" and number in store.customers:
            return customer_payload(store.customers[number])
        if group == "checkouts" and number in store.checkouts:
            return checkout_payload(store, store.checkouts[number])
        if group == "products" and number in store.products:
            return product_payload(store.products[number])
        if group == "refunds":
            return next((refund_payload(o.id, r.id, r.created_at) for o in store.orders.values() for r in o.refunds if r.id == number), None)
        if group in ("app", "shop"):
            return {"id": store.id, "name": store.name, "domain": store.domain, "myshopify_domain": store.domain, "shop_id": store.id,
                    "shop_domain": store.domain, "currency": store.currency, "iana_timezone": store.timezone}  # fmt: skip
        return {"id": number, "admin_graphql_api_id": f"gid://shopify/{_KINDS.get(group, group.title())}/{number}"}


_KINDS = {"segments": "Segment", "orders": "Order", "customers": "Customer", "products": "Product", "checkouts": "AbandonedCheckout"}


def customer_payload(customer: Customer) -> dict[str, Any]:
    """`customers/*`: without tags, consent and totals, which left these payloads with 2025-01."""
    return {
        "id": customer.id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer.id}",
        "email": customer.email,
        "created_at": iso(customer.created_at),
        "updated_at": iso(customer.updated_at),
        "state": customer.state.lower(),
    }


def order_payload(store: Store, order: Order) -> dict[str, Any]:
    """`orders/*`, with the customer's id."""
    return {
        "id": order.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.id}",
        "name": f"#{order.number}",
        "created_at": iso(order.created_at),
        "updated_at": iso(order.updated_at),
        "processed_at": iso(order.processed_at),
        "cancelled_at": iso(order.cancelled_at),
        "test": order.test,
        "financial_status": order.financial_status.lower(),
        "currency": store.currency,
        "total_price": decimal_text(order.total_minor, 2),
        "customer": _customer_ref(order.customer_id),
    }


def checkout_payload(store: Store, checkout: Checkout) -> dict[str, Any]:
    """`checkouts/*`, with the customer's id."""
    return {
        "id": checkout.id,
        "admin_graphql_api_id": f"gid://shopify/AbandonedCheckout/{checkout.id}",
        "created_at": iso(checkout.created_at),
        "updated_at": iso(checkout.updated_at),
        "completed_at": iso(checkout.completed_at),
        "currency": store.currency,
        "customer": _customer_ref(checkout.customer_id),
    }


def product_payload(product: Product) -> dict[str, Any]:
    """`products/*`."""
    return {
        "id": product.id,
        "admin_graphql_api_id": f"gid://shopify/Product/{product.id}",
        "title": product.title,
        "handle": product.handle,
        "updated_at": iso(product.updated_at),
        "status": product.status.lower(),
    }


def refund_payload(order_id: int, refund_id: int, created_at: datetime) -> dict[str, Any]:
    """`refunds/create`."""
    return {"id": refund_id, "admin_graphql_api_id": f"gid://shopify/Refund/{refund_id}", "order_id": order_id, "created_at": iso(created_at)}


def _customer_ref(number: int | None) -> dict[str, Any] | None:
    return None if number is None else {"id": number, "admin_graphql_api_id": f"gid://shopify/Customer/{number}"}
