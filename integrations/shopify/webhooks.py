"""Webhooks as Shopify signs them (shopify.dev, "Verify webhook deliveries", "Webhook delivery structure")."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

import orjson
import structlog
from django.conf import settings
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

from integrations.base import Notice
from integrations.models import Delivery, Shop
from integrations.webhooks import BadSignature

log = structlog.get_logger(__name__)

# These still come, and oblige, after the app was removed (shopify.dev, "Privacy law compliance").
COMPLIANCE = frozenset({"customers/data_request", "customers/redact", "shop/redact"})

# Where bodies that are not the object name it, key within key.
_NAMED_BY = {
    "refunds/create": ("order_id",),
    "orders/edited": ("order_edit", "order_id"),
    "customer.tags_added": ("customerId",),
    "customer.tags_removed": ("customerId",),
    "customers_email_marketing_consent/update": ("customer_id",),
    "customers/merge": ("admin_graphql_api_customer_kept_id",),
}


def receive(request: HttpRequest, now: datetime) -> list[Delivery]:
    """The delivery to store: one, or none when the store is not (or no longer) ours. Raises BadSignature.

    The signature covers the body alone, so a body that names another store than the header is dropped too.
    """
    body = request.body
    _verify(body, request.headers.get("X-Shopify-Hmac-Sha256", ""))
    domain = request.headers.get("X-Shopify-Shop-Domain", "").lower()
    topic = request.headers.get("X-Shopify-Topic", "").lower()
    shop = Shop.objects.filter(domain=domain).first()
    if shop is None or (shop.status == Shop.Status.UNINSTALLED and topic not in COMPLIANCE) or not _names(body, domain):
        log.info("webhook.dropped", vendor="shopify", topic=topic[:64], known=shop is not None)
        return []
    delivery_id = request.headers.get("X-Shopify-Webhook-Id", "") or hashlib.sha256(topic.encode() + b"\n" + body).hexdigest()
    return [
        Delivery(
            shop=shop,
            vendor="shopify",
            delivery_id=delivery_id[:128],
            topic=topic[:64],
            body=body,
            received_at=now,
            triggered_at=_instant(request.headers.get("X-Shopify-Triggered-At", "")),
        )
    ]


def named(topic: str, body: bytes) -> str:
    """The number of the object that a delivery tells of: of the order, for a refund; "" where the body names none.

    shopify.dev, "Webhook topics": most bodies are the object itself; those listed here name it under a key of their own.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    for key in _NAMED_BY.get(topic, ("id",)):
        told = told.get(key) if isinstance(told, dict) else None
    return _number(told)


def notice(topic: str, body: bytes) -> Notice | None:
    """What a privacy webhook asks for (shopify.dev, "Privacy law compliance"); None for a body that names nobody."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict):
        return None
    if topic == "shop/redact":
        return Notice("erase_shop")
    named = told.get("customer")
    customer: dict[str, object] = named if isinstance(named, dict) else {}
    external_id, email = _number(customer.get("id")), str(customer.get("email") or "")[:320]
    if not external_id and not email:
        return None
    if topic == "customers/data_request":
        return Notice("tell", external_id, email, _numbers(told.get("orders_requested")))
    return Notice("erase_person", external_id, email, _numbers(told.get("orders_to_redact")))


def _numbers(given: object) -> tuple[str, ...]:
    return tuple(number for one in given if (number := _number(one))) if isinstance(given, list) else ()


def _number(given: object) -> str:
    """A number, or a global id, as the text of the number; "" for anything else."""
    found = str(given or "").rsplit("/", 1)[-1]
    return found if found.isascii() and found.isdigit() and len(found) <= 20 else ""


def _verify(body: bytes, given: str) -> None:
    sent = given.encode("utf-8", "surrogateescape")
    found = False
    for secret in settings.SHOPIFY_CLIENT_SECRETS:
        wanted = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
        found |= hmac.compare_digest(wanted, sent)
    if not found:
        raise BadSignature


def _names(body: bytes, domain: str) -> bool:
    """Whether the body, where it names a store, names this one."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    named = [told.get(key) for key in ("shop_domain", "myshopify_domain")] if isinstance(told, dict) else []
    return all(str(name).lower() == domain for name in named if name)


def _instant(text: str) -> datetime | None:
    try:
        instant = parse_datetime(text)
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo is not None else None
