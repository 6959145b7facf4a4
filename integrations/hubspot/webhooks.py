"""HubSpot's webhooks: who sent them, and one delivery for each event.

Sources: developers.hubspot.com, "Validating requests" (signature v3) and "Webhooks" (batches, duplicates, no order).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import defaultdict
from datetime import datetime
from urllib.parse import unquote

import orjson
import structlog
from django.conf import settings
from django.http import HttpRequest

from integrations.hubspot.mapping import from_millis, millis
from integrations.models import Connection, Delivery
from integrations.webhooks import BadSignature

log = structlog.get_logger(__name__)

OLDEST_MS = 300_000
AHEAD_MS = 60_000
_DECODED = re.compile(r"%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)  # what HubSpot decodes before it signs


def receive(request: HttpRequest, now: datetime) -> list[Delivery]:
    """The events of a request as unsaved deliveries, one for each shop that has connected the portal.

    Raises BadSignature unless HubSpot signed exactly this body for this address between 300 s ago and 60 s from now.
    Malformed events and those of unknown portals are left out and counted in the log.
    """
    _verify(request, now)
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    given = body if isinstance(body, list) else [body]
    events = [event for event in given if _whole(event)]
    shops: dict[str, list[int]] = defaultdict(list)
    there = Connection.objects.filter(vendor="hubspot", account__in={str(event["portalId"]) for event in events})
    for account, shop_id in there.exclude(status=Connection.Status.DISCONNECTED).values_list("account", "shop_id"):
        shops[account].append(shop_id)
    malformed = len(given) - len(events)
    unknown = sum(1 for event in events if str(event["portalId"]) not in shops)
    if malformed or unknown:
        log.warning("webhook.left_out", vendor="hubspot", malformed=malformed, unknown_portal=unknown, of=len(given))
    return [_delivery(event, shop_id, now) for event in events for shop_id in shops.get(str(event["portalId"]), ())]


def _verify(request: HttpRequest, now: datetime) -> None:
    sent_at = request.headers.get("X-HubSpot-Request-Timestamp", "")
    signature = request.headers.get("X-HubSpot-Signature-v3", "")
    secret = settings.HUBSPOT_CLIENT_SECRET
    if not secret or not signature or not (sent_at.isascii() and sent_at.isdigit()):
        raise BadSignature
    if not -AHEAD_MS <= millis(now) - int(sent_at) <= OLDEST_MS:
        raise BadSignature
    address = _DECODED.sub(lambda found: unquote(found[0]), settings.PUBLIC_URL + request.get_full_path())
    signed = f"{request.method}{address}".encode() + request.body + sent_at.encode()
    expected = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256"))
    if not hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape")):
        raise BadSignature


def _whole(event: object) -> bool:
    if not isinstance(event, dict):
        return False
    numbers = (event.get("portalId"), event.get("objectId"), event.get("occurredAt"))
    kind = event.get("subscriptionType")
    named = isinstance(kind, str) and 0 < len(kind) <= 64
    return (
        named
        and all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers)
        and (from_millis(event["occurredAt"]) is not None)
    )


def _delivery(event: dict[str, object], shop_id: int, now: datetime) -> Delivery:
    return Delivery(
        shop_id=shop_id,
        vendor="hubspot",
        delivery_id=_identity(event),
        topic=str(event["subscriptionType"]),
        body=orjson.dumps(event),
        received_at=now,
        triggered_at=from_millis(event["occurredAt"]),
    )


def _identity(event: dict[str, object]) -> str:
    """What the event says, hashed: HubSpot's own eventId is not unique, and a repeated one differs in `attemptNumber`."""
    names = ("portalId", "subscriptionType", "objectId", "propertyName", "propertyValue", "occurredAt")
    return hashlib.sha256(orjson.dumps([event.get(name) for name in names])).hexdigest()
