"""Telling the app what changed: batches of events, signed, retried for about a day.

Source: developers.hubspot.com, "Webhooks" and "Validating requests from HubSpot". The legacy `X-HubSpot-Signature` (v1)
is sent beside v3, as HubSpot still does for CRM subscriptions. Retries repeat the body, so `attemptNumber` stays 0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import orjson

from integrations.sandbox.hubspot.call import Json, millis
from integrations.sandbox.hubspot.state import ContactChange, Portal

BATCH = 100
RETRY_DELAYS = (60.0, 180.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 14_400.0, 21_600.0, 25_200.0)  # ten, over 23.6 hours
SUBSCRIPTION_IDS = {"creation": 1001, "propertyChange": 1002, "deletion": 1003, "merge": 1004, "privacyDeletion": 1005}
PROPERTIES = frozenset({"email", "firstname", "lastname", "phone", "lifecyclestage", "hs_lead_status"})


class Sender(Protocol):
    """Whatever delivers a signed body in the background and retries it after each delay (seconds)."""

    def submit(
        self,
        platform: str,
        account: str,
        url: str,
        body: bytes,
        sign: Callable[[bytes, datetime], dict[str, str]],
        retry_delays: Sequence[float],
        *,
        topic: str = "",
    ) -> None:
        """Take one delivery over."""


def signature_v1(secret: str, body: bytes) -> str:
    """Hex SHA-256 of secret and body."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def signature_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Base64 HMAC-SHA256 of method, URI, raw body and timestamp (milliseconds), keyed with the app's client secret."""
    message = method.encode() + uri.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def signer(secret: str, uri: str) -> Callable[[bytes, datetime], dict[str, str]]:
    """What signs each attempt to POST to `uri`; the timestamp is that of the attempt."""

    def sign(body: bytes, now: datetime) -> dict[str, str]:
        timestamp = str(millis(now))
        return {
            "X-HubSpot-Signature-v3": signature_v3(secret, "POST", uri, body, timestamp),
            "X-HubSpot-Request-Timestamp": timestamp,
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature": signature_v1(secret, body),
        }

    return sign


class Subscriptions:
    """The app's subscriptions: every kind of contact change, and changes of the properties in `properties` (one each, no wildcard)."""

    def __init__(self, sender: Sender, url: str, secret: str, app_id: int) -> None:
        self._sender, self._url, self._sign, self._app_id = sender, url, signer(secret, url), app_id
        self._event_ids = itertools.count(100_000_001)
        self.properties: set[str] = set(PROPERTIES)

    def publish(self, portal: Portal, *, installed: bool) -> None:
        """Send what changed in the portal since the last time, in batches of 100; forget it unsent when the app is not installed."""
        changes, portal.changes = portal.changes, []
        if not self._url or not installed:
            return
        events = [self._event(portal, change) for change in changes if self._wanted(change)]
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            topic = str(batch[0]["subscriptionType"])
            self._sender.submit("hubspot", str(portal.hub_id), self._url, orjson.dumps(batch), self._sign, RETRY_DELAYS, topic=topic)

    def _wanted(self, change: ContactChange) -> bool:
        return change.kind != "propertyChange" or change.property_name in self.properties

    def _event(self, portal: Portal, change: ContactChange) -> Json:
        told: Json = {
            "eventId": next(self._event_ids),
            "subscriptionId": SUBSCRIPTION_IDS[change.kind],
            "portalId": portal.hub_id,
            "appId": self._app_id,
            "occurredAt": millis(change.at),
            "subscriptionType": f"contact.{change.kind}",
            "attemptNumber": 0,
            "objectId": change.contact_id,
            "changeSource": change.source,
            "sourceId": f"{self._app_id}" if change.source == "INTEGRATION" else f"userId:{portal.user_id}",
        }
        if change.kind == "propertyChange":
            told |= {"propertyName": change.property_name, "propertyValue": change.property_value}
            told["subscriptionId"] = 20_000 + zlib.crc32(str(change.property_name).encode()) % 10_000  # one subscription per property
        elif change.kind == "merge":
            told |= {
                "primaryObjectId": change.contact_id,
                "mergedObjectIds": list(change.merged_ids),
                "newObjectId": change.contact_id,
                "changeFlag": "MERGED",
            }
        else:
            told["changeFlag"] = "NEW" if change.kind == "creation" else "DELETED"
        return told
