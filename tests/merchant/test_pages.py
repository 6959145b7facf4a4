from __future__ import annotations

from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_the_first_page_offers_to_install_and_to_sign_in(client: Client) -> None:
    page = client.get("/").content.decode()
    assert 'action="/shopify/install"' in page
    assert 'href="/admin/"' in page


@pytest.mark.parametrize("address", ["/", "/connect", "/shopify/install?shop=x.y", "/shopify/callback", "/hubspot/callback"])
def test_no_page_may_be_framed_or_cached(client: Client, address: str) -> None:
    answer = client.get(address)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("address", ["/shopify/install", "/shopify/callback", "/hubspot/connect", "/hubspot/callback"])
def test_only_a_browser_that_follows_a_link_gets_anywhere(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 405


def test_what_a_stranger_types_is_shown_as_text(client: Client) -> None:
    page = client.get("/", {"shop": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>" not in page


def test_a_missing_app_secret_is_told_without_a_trace(client: Client, settings: Settings) -> None:
    settings.SHOPIFY_CLIENT_SECRETS = []
    answer = client.get("/shopify/callback", {"shop": "tiny.myshopify.com", "hmac": "00", "code": "c", "state": "s"})
    assert answer.status_code == 503
    assert "ask whoever runs it" in answer.content.decode()


def test_an_unknown_address_has_a_page(client: Client) -> None:
    answer = client.get("/no-such-page")
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_an_error_of_ours_has_a_page_that_tells_nothing(client: Client) -> None:
    client.raise_request_exception = False
    with patch("segsync.merchant.views.overview", side_effect=RuntimeError("secret")), patch("segsync.merchant.views._shop"):
        answer = client.get("/connect")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_health_says_whether_the_database_answers(client: Client) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    with patch.object(connection, "cursor", side_effect=OperationalError("password authentication failed for user x")):
        answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"ok": False, "database": "not answering"})
