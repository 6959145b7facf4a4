"""The inbox: what is signed is kept once, what is not is refused, and the sender learns the truth."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from integrations import webhooks
from integrations.models import Delivery, Shop
from tests.line import Killed

AMBER = "amber.myshopify.com"
BODY = json.dumps({"id": 42, "admin_graphql_api_id": "gid://shopify/Order/42"}).encode()
Send = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def our_secrets(settings: Settings) -> None:
    settings.SHOPIFY_CLIENT_SECRETS = ["secret-in-force", "secret-before"]
    settings.ROOT_URLCONF = "integrations.urls"


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop.objects.create(domain=AMBER, status=Shop.Status.INSTALLED)


@pytest.fixture
def send(client: Client) -> Send:
    """Send a webhook as Shopify does; any header can be replaced."""

    def send(
        body: bytes = BODY, *, secret: str = "secret-in-force", topic: str = "orders/create", webhook_id: str = "delivery-1", **headers: Any
    ) -> HttpResponse:
        signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        sent = {
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": AMBER,
            "X-Shopify-Webhook-Id": webhook_id,
            "X-Shopify-Triggered-At": "2026-11-20T11:59:58.123456789Z",
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        return client.post("/webhooks/shopify", body, content_type="application/json", headers=sent)

    return send


def test_a_signed_delivery_is_stored_as_it_came(shop: Shop, send: Send) -> None:
    assert send().status_code == 200
    row = Delivery.objects.get()
    assert (row.shop, row.vendor, row.topic, row.delivery_id, bytes(row.body)) == (shop, "shopify", "orders/create", "delivery-1", BODY)
    assert row.outcome == Delivery.Outcome.WAITING
    assert row.triggered_at is not None
    assert row.triggered_at.isoformat().startswith("2026-11-20T11:59:58.123456")


def test_fault_13_the_same_delivery_again_is_answered_and_stored_once(shop: Shop, send: Send) -> None:
    assert [send().status_code for _ in range(20)] == [200] * 20
    assert send(webhook_id="delivery-2").status_code == 200
    assert Delivery.objects.count() == 2


def test_fault_1_killed_before_the_row_is_committed_there_is_one_row_once_it_is_sent_again(shop: Shop, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = QuerySet.bulk_create

    def dies(rows: QuerySet[Delivery], objects: Iterable[Delivery], **how: Any) -> None:
        with transaction.atomic():
            insert(rows, objects, **how)
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "bulk_create", dies)
        with pytest.raises(Killed):
            send()
    assert Delivery.objects.count() == 0
    assert send().status_code == 200
    assert Delivery.objects.count() == 1


def test_fault_2_killed_before_the_answer_the_same_delivery_again_is_answered_and_changes_nothing(
    shop: Shop, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(**_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(webhooks, "HttpResponse", dies)
        with pytest.raises(Killed):
            send()
    rows = list(Delivery.objects.values())
    assert len(rows) == 1
    assert send().status_code == 200
    assert list(Delivery.objects.values()) == rows


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "somebody else's"},
        {"X_Shopify_Hmac_Sha256": ""},
        {"X_Shopify_Hmac_Sha256": "ä not base64"},
        {"X_Shopify_Hmac_Sha256": base64.b64encode(hmac.new(b"secret-in-force", BODY + b" ", hashlib.sha256).digest()).decode()},
    ],
    ids=["other secret", "none", "no ASCII", "changed body"],
)
def test_fault_17_what_is_not_signed_by_us_is_refused(shop: Shop, send: Send, forged: dict[str, str]) -> None:
    assert send(**forged).status_code == 401
    assert Delivery.objects.count() == 0


def test_fault_17_the_secret_before_the_rotation_is_taken_while_it_is_listed(shop: Shop, send: Send, settings: Settings) -> None:
    assert send(secret="secret-before").status_code == 200
    settings.SHOPIFY_CLIENT_SECRETS = ["secret-in-force"]
    assert send(secret="secret-before", webhook_id="delivery-2").status_code == 401


def test_fault_16_a_store_that_is_not_ours_is_answered_and_dropped(shop: Shop, send: Send) -> None:
    assert send(X_Shopify_Shop_Domain="stranger.myshopify.com").status_code == 200
    Shop.objects.update(status=Shop.Status.UNINSTALLED)
    assert send().status_code == 200
    assert Delivery.objects.count() == 0


def test_privacy_requests_are_kept_although_the_app_was_removed(shop: Shop, send: Send) -> None:
    Shop.objects.update(status=Shop.Status.UNINSTALLED)
    body = json.dumps({"shop_id": 1, "shop_domain": AMBER}).encode()
    assert send(body, topic="shop/redact").status_code == 200
    assert Delivery.objects.get().topic == "shop/redact"


def test_a_body_that_names_another_store_than_the_header_is_dropped(shop: Shop, send: Send) -> None:
    body = json.dumps({"shop_id": 1, "shop_domain": "other.myshopify.com"}).encode()
    assert send(body, topic="customers/redact").status_code == 200
    assert Delivery.objects.count() == 0


def test_only_post_is_answered_and_no_form_token_is_asked_for(shop: Shop, send: Send) -> None:
    assert Client().get("/webhooks/shopify").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/webhooks/shopify", b"{}", content_type="application/json").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_fault_11_while_the_database_is_down_the_sender_is_told_to_come_again(send: Send) -> None:
    Shop.objects.create(domain=AMBER, status=Shop.Status.INSTALLED)

    def down(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "integrations_delivery" in sql:
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(down):
        assert send().status_code == 503
    assert Delivery.objects.count() == 0
    assert send().status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_read(shop: Shop, send: Send, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert send(b"x" * 2000).status_code == 413


TOLD: list[str] = []


def tell() -> None:
    TOLD.append("look")


def test_whoever_waits_for_webhooks_is_told_once_one_is_stored(send: Send, shop: Shop, settings: Settings) -> None:
    settings.WEBHOOKS_STORED = f"{__name__}.tell"
    TOLD.clear()
    assert send(secret="somebody-elses").status_code == 401
    assert TOLD == []
    assert send().status_code == 200
    assert TOLD == ["look"]
