"""Webhooks: only HubSpot's own, each event once, whatever is wrong with its neighbours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from integrations.hubspot.webhooks import receive
from integrations.models import Connection, Delivery, Shop
from integrations.webhooks import BadSignature

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
PATH = "/webhooks/hubspot"
FACTS = Path(__file__).resolve().parents[4] / "shared" / "platforms"


@pytest.fixture(autouse=True)
def app(settings: Settings) -> None:
    settings.HUBSPOT_CLIENT_SECRET = SECRET
    settings.PUBLIC_URL = "https://segsync.example"
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def connected(db: None) -> Connection:
    shop = Shop.objects.create(domain="one.myshopify.com")
    return Connection.objects.create(shop=shop, vendor="hubspot", account="123456", connected_at=NOW)


def _event(number: int = 1, **changes: object) -> dict[str, object]:
    base = {"eventId": number, "subscriptionId": 5, "portalId": 123456, "appId": 9, "occurredAt": 1_763_600_000_000 + number, "attemptNumber": 0}
    return {**base, "subscriptionType": "contact.propertyChange", "objectId": 101, "propertyName": "email", "propertyValue": "ü@x.example", **changes}


def _signed(body: bytes, *, at: datetime = NOW, secret: str = SECRET, uri: str = f"https://segsync.example{PATH}") -> dict[str, str]:
    sent_at = str(int(at.timestamp() * 1000))
    digest = hmac.new(secret.encode(), b"POST" + uri.encode() + body + sent_at.encode(), hashlib.sha256).digest()
    return {"X-HubSpot-Signature-v3": base64.b64encode(digest).decode(), "X-HubSpot-Request-Timestamp": sent_at}


def _request(body: bytes, headers: dict[str, str]) -> HttpRequest:
    return RequestFactory().post(PATH, body, content_type="application/json", headers=headers)


def _body(*events: object) -> bytes:
    return json.dumps(events, ensure_ascii=False).encode()


def test_each_event_becomes_a_delivery_of_its_shop(connected: Connection) -> None:
    body = _body(_event(1), _event(2, subscriptionType="contact.creation"))
    first, second = receive(_request(body, _signed(body)), NOW)
    assert (first.shop_id, first.vendor, first.topic, second.topic) == (connected.shop_id, "hubspot", "contact.propertyChange", "contact.creation")
    assert json.loads(bytes(first.body)) == _event(1)
    assert first.received_at == NOW
    assert first.triggered_at == datetime.fromtimestamp(1_763_600_000, UTC) + timedelta(milliseconds=1)


def test_a_repeated_event_has_the_same_id_and_another_one_another(connected: Connection) -> None:
    body = _body(_event(1), _event(1, attemptNumber=3, eventId=77), _event(1, propertyValue="other"))
    first, repeated, other = receive(_request(body, _signed(body)), NOW)
    assert first.delivery_id == repeated.delivery_id != other.delivery_id
    assert len(first.delivery_id) <= 128


@pytest.mark.parametrize("seconds", [-300, 0, 60])
def test_recent_ones_are_taken(connected: Connection, seconds: int) -> None:
    body = _body(_event())
    assert len(receive(_request(body, _signed(body, at=NOW + timedelta(seconds=seconds))), NOW)) == 1


@pytest.mark.parametrize("seconds", [-301, 61, 86_400])
def test_fault_18_old_and_future_ones_are_refused(connected: Connection, seconds: int) -> None:
    body = _body(_event())
    with pytest.raises(BadSignature):
        receive(_request(body, _signed(body, at=NOW + timedelta(seconds=seconds))), NOW)


def test_fault_17_what_hubspot_did_not_sign_is_refused(connected: Connection, settings: Settings) -> None:
    body = _body(_event())
    good = _signed(body)
    later = {**good, "X-HubSpot-Request-Timestamp": str(int(good["X-HubSpot-Request-Timestamp"]) + 1)}
    v1_only = {"X-HubSpot-Signature": hashlib.sha256(SECRET.encode() + body).hexdigest()}
    bad = [{}, v1_only, later, _signed(body, secret="other"), _signed(body, uri="https://evil.example/webhooks/hubspot")]
    bad += [{**good, "X-HubSpot-Signature-v3": odd} for odd in ("", "é", good["X-HubSpot-Signature-v3"][:-1])]
    bad += [{**good, "X-HubSpot-Request-Timestamp": odd} for odd in ("", "x", "-1", "１２")]
    for headers in bad:
        with pytest.raises(BadSignature):
            receive(_request(body, headers), NOW)
    with pytest.raises(BadSignature):
        receive(_request(body.replace(b"101", b"102"), good), NOW)
    settings.HUBSPOT_CLIENT_SECRET = ""
    with pytest.raises(BadSignature):
        receive(_request(body, _signed(body, secret="")), NOW)


def test_fault_18_one_malformed_of_a_hundred_leaves_ninety_nine(connected: Connection) -> None:
    events: list[object] = [_event(n) for n in range(100)]
    events[57] = {"portalId": 123456, "objectId": "abc"}
    body = _body(*events)
    assert len(receive(_request(body, _signed(body)), NOW)) == 99


@pytest.mark.parametrize("odd", [b"{", b"null", b"[]", b"3", b'[null, 1, "x", [], {}]', _body(_event(portalId=True)), _body(_event(occurredAt=10**30))])
def test_signed_nonsense_is_dropped(connected: Connection, odd: bytes) -> None:
    assert receive(_request(odd, _signed(odd)), NOW) == []


def test_fault_16_an_unknown_portal_is_dropped(connected: Connection) -> None:
    body = _body(_event(portalId=1))
    assert receive(_request(body, _signed(body)), NOW) == []
    Connection.objects.update(status=Connection.Status.DISCONNECTED)
    body = _body(_event())
    assert receive(_request(body, _signed(body)), NOW) == []


def test_a_portal_that_another_shop_had_before_tells_only_the_shop_that_has_it_now(connected: Connection) -> None:
    other = Shop.objects.create(domain="two.myshopify.com")
    Connection.objects.create(shop=other, vendor="hubspot", account="123456", connected_at=NOW, status=Connection.Status.DISCONNECTED)
    body = _body(_event())
    assert {one.shop_id for one in receive(_request(body, _signed(body)), NOW)} == {connected.shop_id}


def test_the_known_vector_of_the_signature_is_accepted(connected: Connection, settings: Settings) -> None:
    file = FACTS / "hubspot-signature-vectors.json"
    if not file.exists():
        pytest.skip("the platform facts are not beside this checkout")
    known = json.loads(file.read_text())["v3_selfmade"]
    settings.PUBLIC_URL, settings.HUBSPOT_CLIENT_SECRET = "https://www.example.com", known["secret"]
    headers = {"X-HubSpot-Signature-v3": known["signature"], "X-HubSpot-Request-Timestamp": known["timestamp"]}
    request = RequestFactory().post("/webhook_uri", known["body"], content_type="application/json", headers=headers)
    assert receive(request, datetime.fromtimestamp(int(known["timestamp"]) / 1000, UTC)) == []  # accepted, and of no portal of ours


def test_over_http_the_same_batch_twice_is_stored_once(connected: Connection, client: Client) -> None:
    body = _body(_event(1), _event(2), _event(2, attemptNumber=1))
    for _ in range(2):
        headers = _signed(body, at=datetime.now(UTC))
        assert client.post(PATH, body, content_type="application/json", headers=headers).status_code == 200
    assert Delivery.objects.count() == 2
    assert client.post(PATH, body, content_type="application/json").status_code == 401
