from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import jwt
import requests

from integrations.sandbox.shopify.oauth import query_hmac
from tests.sandbox.shopify_store import ALL_SCOPES, CLIENT_ID, CLIENT_SECRET, OFFLINE, SHOP, Shopify, hidden_fields

BACK = "http://127.0.0.1:8000/shopify/callback"
ASK = {"client_id": CLIENT_ID, "scope": ALL_SCOPES, "redirect_uri": BACK, "state": "nonce-1"}


def consent(shopify: Shopify, **changes: str) -> requests.Response:
    return shopify.http.get(f"{shopify.base}/admin/oauth/authorize", params=ASK | changes, allow_redirects=False)


def decide(shopify: Shopify, decision: str, scopes: list[str] | None = None, **changes: str) -> dict[str, str]:
    form: list[tuple[str, str]] = [*(hidden_fields(consent(shopify, **changes).text) | {"decision": decision}).items()]
    form += [("granted", scope) for scope in (scopes if scopes is not None else ALL_SCOPES.split(","))]
    answer = shopify.http.post(f"{shopify.base}/admin/oauth/authorize", data=form, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(BACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def test_the_query_hmac_agrees_with_shopifys_published_example() -> None:
    params = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "shop": "some-shop.myshopify.com",
        "state": "0.6784241404160823",
        "timestamp": "1337178173",
    }
    assert query_hmac(params, "hush") == "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf"


def test_the_consent_page_lists_every_scope_and_both_decisions(stranger: Shopify) -> None:
    page = consent(stranger).text
    for told in (*ALL_SCOPES.split(","), "Approve", "Deny", SHOP):
        assert told in page


def test_approval_comes_back_signed_with_code_shop_host_state_and_time(stranger: Shopify) -> None:
    params = decide(stranger, "approve")
    assert set(params) == {"code", "hmac", "host", "shop", "state", "timestamp"}
    assert params["hmac"] == query_hmac(params, CLIENT_SECRET)
    assert (params["shop"], params["state"]) == (SHOP, "nonce-1")
    assert not params["host"].endswith("=")


def test_denial_comes_back_signed_with_an_error_and_no_code(stranger: Shopify) -> None:
    params = decide(stranger, "deny")
    assert params["error"] == "access_denied"
    assert params["state"] == "nonce-1"
    assert params["hmac"] == query_hmac(params, CLIENT_SECRET)
    assert "code" not in params


def test_a_code_is_exchanged_once_for_an_expiring_pair(stranger: Shopify) -> None:
    code = decide(stranger, "approve")["code"]
    pair = stranger.ask_token(code=code, expiring="1").json()
    assert pair["expires_in"] == 3600
    assert pair["refresh_token_expires_in"] == 7_776_000
    assert set(pair["scope"].split(",")) == set(ALL_SCOPES.split(","))
    again = stranger.ask_token(code=code, expiring="1")
    assert again.status_code == 400


def test_the_merchant_can_grant_fewer_scopes_than_asked(stranger: Shopify) -> None:
    code = decide(stranger, "approve", scopes=["read_customers"])["code"]
    assert stranger.ask_token(code=code, expiring="1").json()["scope"] == "read_customers"


def test_a_non_expiring_token_is_given_but_the_admin_api_refuses_it(stranger: Shopify) -> None:
    stranger.token = stranger.ask_token(code=decide(stranger, "approve")["code"]).json()["access_token"]
    answer = stranger.post("{ shop { name } }")
    assert answer.status_code == 403
    assert "Non-expiring access tokens are no longer accepted" in answer.json()["errors"]


def test_a_non_expiring_token_can_be_migrated_to_an_expiring_one(stranger: Shopify) -> None:
    old = stranger.ask_token(code=decide(stranger, "approve")["code"]).json()["access_token"]
    stranger.token = stranger.exchange(old, subject_token_type=OFFLINE).json()["access_token"]
    assert stranger.data("{ shop { name } }")["shop"]["name"] == "Tiny"


def test_an_unknown_client_a_foreign_redirect_and_an_unknown_scope_are_refused(stranger: Shopify) -> None:
    for changes in (
        {"client_id": "somebody"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"scope": "read_minds"},
    ):
        assert consent(stranger, **changes).status_code == 400


def test_a_store_that_does_not_exist_is_not_found(stranger: Shopify) -> None:
    stranger.shop = "nobody.myshopify.com"
    assert consent(stranger).status_code == 404


def test_wrong_credentials_are_invalid_client(stranger: Shopify) -> None:
    answer = stranger.ask_token(client_secret="wrong", code="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_a_session_token_is_exchanged_for_an_offline_token(stranger: Shopify) -> None:
    stranger.connected()
    assert stranger.data("{ shop { myshopifyDomain } }")["shop"]["myshopifyDomain"] == SHOP


def test_session_tokens_expire_after_a_minute(stranger: Shopify) -> None:
    token = stranger.server.shopify.issue_session_token(SHOP)
    stranger.world.clock.advance(timedelta(seconds=75))
    answer = stranger.exchange(token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_subject_token")


def test_session_tokens_of_another_store_audience_signature_or_algorithm_are_refused(stranger: Shopify) -> None:
    good = stranger.server.shopify.issue_session_token(SHOP)
    claims = jwt.decode(good, options={"verify_signature": False})
    forged = [
        jwt.encode(claims | {"dest": "https://other.myshopify.com"}, CLIENT_SECRET, "HS256"),
        jwt.encode(claims | {"aud": "another-app"}, CLIENT_SECRET, "HS256"),
        jwt.encode(claims, "some-other-secret-of-32-characters", "HS256"),
        jwt.encode(claims, "", "none"),
        jwt.encode({k: v for k, v in claims.items() if k != "exp"}, CLIENT_SECRET, "HS256"),
    ]
    for token in forged:
        assert stranger.exchange(token).json()["error"] == "invalid_subject_token"


def test_access_tokens_live_an_hour(shopify: Shopify) -> None:
    shopify.world.clock.advance(timedelta(minutes=59))
    assert shopify.post("{ shop { name } }").status_code == 200
    shopify.world.clock.advance(timedelta(minutes=2))
    answer = shopify.post("{ shop { name } }")
    assert answer.status_code == 401
    assert "Invalid API key or access token" in answer.json()["errors"]


def test_a_refresh_rotates_the_pair_and_leaves_the_old_access_token_alive(shopify: Shopify) -> None:
    pair = shopify.exchange().json()
    renewed = shopify.refresh(pair["refresh_token"]).json()
    assert renewed["refresh_token"] != pair["refresh_token"]
    for token in (pair["access_token"], renewed["access_token"]):
        shopify.token = token
        assert shopify.post("{ shop { name } }").status_code == 200


def test_a_refresh_token_can_be_retried_until_its_replacement_is_used(shopify: Shopify) -> None:
    first = shopify.exchange().json()["refresh_token"]
    lost = shopify.refresh(first).json()["refresh_token"]
    second = shopify.refresh(first).json()["refresh_token"]
    assert shopify.refresh(lost).json()["error"] == "invalid_grant"
    assert shopify.refresh(second).status_code == 200
    assert shopify.refresh(first).json()["error"] == "invalid_grant"


def test_the_retry_of_a_refresh_token_ends_after_thirty_days(shopify: Shopify) -> None:
    first = shopify.exchange().json()["refresh_token"]
    shopify.refresh(first)
    shopify.world.clock.advance(timedelta(days=31))
    assert shopify.refresh(first).json()["error"] == "invalid_grant"


def test_refresh_tokens_live_ninety_days(shopify: Shopify) -> None:
    token = shopify.exchange().json()["refresh_token"]
    shopify.world.clock.advance(timedelta(days=89))
    token = shopify.refresh(token).json()["refresh_token"]
    shopify.world.clock.advance(timedelta(days=91))
    assert shopify.refresh(token).json()["error"] == "invalid_grant"


def test_a_new_exchange_ends_the_refresh_tokens_of_earlier_ones(shopify: Shopify) -> None:
    earlier = shopify.exchange().json()["refresh_token"]
    shopify.exchange()
    assert shopify.refresh(earlier).json()["error"] == "invalid_grant"


def test_uninstalling_ends_every_token(shopify: Shopify) -> None:
    pair = shopify.exchange().json()
    shopify.server.shopify.uninstall(SHOP)
    assert shopify.post("{ shop { name } }").status_code == 401
    assert shopify.refresh(pair["refresh_token"]).json()["error"] == "invalid_client"
