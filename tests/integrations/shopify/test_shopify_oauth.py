"""Installing into a store: addresses, signatures, consents, tokens and scopes."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from pytest_django import Settings

from integrations.errors import Misconfigured, NeedsReconnect, Rejected
from integrations.oauth import OAuthRefused
from integrations.sandbox.server import SandboxServer
from integrations.shopify import oauth
from integrations.shopify.shop import shop_facts

DOMAIN = "amber.myshopify.com"
BACK = "http://localhost/callback"


def signed(secret: str = "hush", **params: str) -> dict[str, str]:
    params = {"shop": DOMAIN, "timestamp": str(int(time.time())), **params}
    message = "&".join(f"{key}={params[key]}" for key in sorted(params))
    return {**params, "hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}


def answer_to_consent(decision: str, scopes: list[str] | None = None) -> dict[str, str]:
    """What the store's owner sends back to us after deciding on the consent page."""
    asked = dict(parse_qsl(urlsplit(oauth.authorize_url(DOMAIN, "state-1", BACK)).query))
    form = {**asked, "decision": decision, **({"granted": scopes} if scopes else {})}
    decided = requests.post(f"{oauth.store_address(DOMAIN)}/admin/oauth/authorize", data=form, allow_redirects=False, timeout=5)
    return dict(parse_qsl(urlsplit(decided.headers["Location"]).query))


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("amber.myshopify.com", DOMAIN),
        ("https://Amber.myshopify.com/admin", DOMAIN),
        (" https://Amber.myshopify.com ", DOMAIN),
        ("amber", DOMAIN),
        ("evil.com", None),
        ("amber.myshopify.com.evil.com", None),
        ("amber.myshopify.com\n", DOMAIN),
        ("amber.myshopify.com\r\nX: y", None),
        ("-amber.myshopify.com", None),
        ("amber.myshopify.com@evil.com", None),
        ("", None),
        ("a" * 10_000, None),
    ],
)
def test_only_a_stores_own_domain_is_taken(typed: str, domain: str | None) -> None:
    if domain is not None:
        assert oauth.clean_domain(typed) == domain
        return
    with pytest.raises(Rejected, match="give it as it stands"):
        oauth.clean_domain(typed)


def test_the_known_signature_of_the_documentation_is_right_but_long_out_of_date(settings: Settings) -> None:
    settings.SHOPIFY_CLIENT_SECRETS = ["hush"]
    vector = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "shop": "some-shop.myshopify.com",
        "state": "0.6784241404160823",
        "timestamp": "1337178173",
        "hmac": "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
    }
    with pytest.raises(OAuthRefused, match="too old"):
        oauth.verify_callback(vector)
    with pytest.raises(OAuthRefused, match="not signed"):
        oauth.verify_callback({**vector, "code": "another"})


@pytest.mark.parametrize("secret", ["in-force", "before"])
def test_a_signature_by_any_listed_secret_is_taken(settings: Settings, secret: str) -> None:
    settings.SHOPIFY_CLIENT_SECRETS = ["in-force", "before"]
    oauth.verify_callback(signed(secret, code="x", state="y"))


@pytest.mark.parametrize(
    "forged",
    [
        signed("somebody else's"),
        {**signed(), "shop": "other.myshopify.com"},
        {key: value for key, value in signed().items() if key != "hmac"},
        {**signed(), "hmac": "ä"},
        {},
        signed(timestamp="soon"),
    ],
    ids=["other secret", "changed", "unsigned", "no ASCII", "empty", "no time"],
)
def test_what_shopify_did_not_sign_is_refused(settings: Settings, forged: dict[str, str]) -> None:
    settings.SHOPIFY_CLIENT_SECRETS = ["hush"]
    with pytest.raises(OAuthRefused):
        oauth.verify_callback(forged)


def test_without_a_secret_nothing_is_taken(settings: Settings) -> None:
    settings.SHOPIFY_CLIENT_SECRETS = []
    with pytest.raises(Misconfigured, match="SHOPIFY_CLIENT_SECRETS"):
        oauth.verify_callback(signed())


def test_the_consent_page_is_asked_for_our_scopes(settings: Settings) -> None:
    settings.SHOPIFY_CLIENT_ID, settings.SHOPIFY_CLIENT_SECRETS, settings.SHOPIFY_SHOP_URL = "client-1", ["hush"], "https://{shop}"
    url = urlsplit(oauth.authorize_url(DOMAIN, "state-1", BACK))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"https://{DOMAIN}/admin/oauth/authorize"
    assert parse_qs(url.query) == {
        "client_id": ["client-1"],
        "scope": [",".join(settings.SHOPIFY_SCOPES)],
        "redirect_uri": [BACK],
        "state": ["state-1"],
    }


def test_a_consent_ends_in_tokens_that_expire_and_open_the_store(sandbox: SandboxServer) -> None:
    answer = answer_to_consent("approve")
    oauth.verify_callback(answer)
    assert answer["state"] == "state-1"
    granted = oauth.exchange_code(DOMAIN, answer["code"])
    assert granted.access_expires_at is not None
    assert granted.refresh_token is not None
    assert oauth.missing_scopes(granted.scopes) == []
    facts = shop_facts(DOMAIN, granted.access_token)
    assert (facts.domain, facts.currency, facts.timezone) == (DOMAIN, "GBP", "Europe/London")
    renewed = oauth.refresh(DOMAIN, granted.refresh_token)
    assert renewed.access_token != granted.access_token
    assert renewed.refresh_token != granted.refresh_token


def test_a_refused_consent_is_signed_too_and_holds_no_code(sandbox: SandboxServer) -> None:
    answer = answer_to_consent("deny")
    oauth.verify_callback(answer)
    assert answer["error"] == "access_denied"
    with pytest.raises(OAuthRefused, match="start installing again"):
        oauth.exchange_code(DOMAIN, answer.get("code", ""))


def test_scopes_that_were_left_out_are_named(sandbox: SandboxServer) -> None:
    granted = oauth.exchange_code(DOMAIN, answer_to_consent("approve", ["write_customers", "read_products"])["code"])
    assert oauth.missing_scopes(granted.scopes) == ["read_orders"]


def test_a_write_scope_implies_reading() -> None:
    assert oauth.missing_scopes(["write_customers"], ["read_customers"]) == []
    assert oauth.missing_scopes(["read_customers"], ["write_customers"]) == ["write_customers"]


def test_a_code_is_good_once_and_a_dead_refresh_token_needs_a_person(sandbox: SandboxServer) -> None:
    answer = answer_to_consent("approve")
    oauth.exchange_code(DOMAIN, answer["code"])
    with pytest.raises(OAuthRefused):
        oauth.exchange_code(DOMAIN, answer["code"])
    with pytest.raises(NeedsReconnect, match="install the app again"):
        oauth.refresh(DOMAIN, "shprt_unknown")
    with pytest.raises(OAuthRefused, match="reload the app"):
        oauth.exchange_session_token(DOMAIN, "no.session.token")


def test_a_wrong_client_secret_is_the_operators_to_mend(sandbox: SandboxServer, settings: Settings) -> None:
    settings.SHOPIFY_CLIENT_SECRETS = ["wrong"]
    with pytest.raises(Misconfigured, match="client id and secret"):
        oauth.refresh(DOMAIN, "shprt_any")
