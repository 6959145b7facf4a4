"""Installing into a store: the authorization code grant with expiring offline tokens.

shopify.dev, "Authorization code grant", "About offline access tokens". Signatures, addresses and scopes are ShopifyAPI's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from shopify import ApiAccess, Session
from shopify.api_access import ApiAccessError
from shopify.utils import shop_url

from integrations import http
from integrations.errors import Misconfigured, NeedsReconnect, Rejected, Transient
from integrations.oauth import OAuthRefused
from integrations.tokens import TokenSet

_DOMAIN = re.compile(r"^[a-z0-9][a-z0-9-]*\.myshopify\.com\Z")
_DAY = timedelta(days=1)


def clean_domain(text: str) -> str:
    """The store's myshopify.com domain from what a person typed; raises Rejected when it is none."""
    domain = shop_url.sanitize_shop_domain(text) if len(text) <= 255 else None
    if not domain or not _DOMAIN.match(domain):
        raise Rejected("That is not a Shopify store's address; give it as it stands in the Shopify admin, like your-store.myshopify.com.")
    return str(domain)


def store_address(shop_domain: str) -> str:
    """Where the store answers, without a trailing slash."""
    return str(settings.SHOPIFY_SHOP_URL.format(shop=shop_domain))


def authorize_url(shop_domain: str, state: str, redirect_uri: str) -> str:
    """Where the store's owner is asked for the scopes in the settings."""
    session = _session_class(settings.SHOPIFY_CLIENT_SECRETS[0] if settings.SHOPIFY_CLIENT_SECRETS else "")(shop_domain, settings.SHOPIFY_API_VERSION)
    made = urlsplit(session.create_permission_url(settings.SHOPIFY_SCOPES, redirect_uri, state))
    return f"{store_address(shop_domain)}{made.path}?{made.query}"


def verify_callback(params: Mapping[str, str]) -> None:
    """Check that Shopify signed these query parameters within the last day; raises OAuthRefused when it did not."""
    if not settings.SHOPIFY_CLIENT_SECRETS:
        raise Misconfigured("SHOPIFY_CLIENT_SECRETS is not set, so nothing that Shopify sends can be checked.")
    given = {key: str(value) for key, value in params.items()}
    try:
        signed = any(_session_class(secret).validate_hmac(given) for secret in settings.SHOPIFY_CLIENT_SECRETS)
        sent_at = datetime.fromtimestamp(int(given.get("timestamp", "")), tz=timezone.get_default_timezone())
    except (ValueError, OverflowError, OSError):  # text that cannot be encoded, or no number
        signed = False
    if not signed:
        raise OAuthRefused("This request is not signed by Shopify; open the app from your Shopify admin.")
    if timezone.now() - sent_at > _DAY:
        raise OAuthRefused("This answer from Shopify is too old; open the app from your Shopify admin again.")


def exchange_code(shop_domain: str, code: str) -> TokenSet:
    """The tokens for an authorization code. Raises OAuthRefused when Shopify does not take the code."""
    return _tokens(shop_domain, {"code": code, "expiring": "1"}, OAuthRefused("Shopify did not accept the consent; start installing again."))


def exchange_session_token(shop_domain: str, session_token: str) -> TokenSet:
    """The tokens for a session token of the embedded app (shopify.dev, "Token exchange"). Raises OAuthRefused when it is not taken."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": session_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": "1",
    }
    return _tokens(shop_domain, form, OAuthRefused("Shopify did not accept the session; reload the app in your Shopify admin."))


def refresh(shop_domain: str, refresh_token: str) -> TokenSet:
    """A new pair; the refresh token is replaced by it. Raises NeedsReconnect when Shopify refuses the grant."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _tokens(shop_domain, form, NeedsReconnect("Shopify no longer accepts the app's access to this store; install the app again."))


def missing_scopes(granted: Iterable[str], needed: Iterable[str] | None = None) -> list[str]:
    """The scopes `needed` (those in the settings) that `granted` does not cover, sorted; a write scope implies reading."""
    try:
        have = ApiAccess(list(granted))
        return sorted(scope for scope in (settings.SHOPIFY_SCOPES if needed is None else needed) if not have.covers(ApiAccess([scope])))
    except ApiAccessError:
        raise Rejected("Shopify named a scope that cannot be read; start installing again.") from None


def _tokens(shop_domain: str, form: dict[str, str], refusal: Exception) -> TokenSet:
    if not settings.SHOPIFY_CLIENT_ID or not settings.SHOPIFY_CLIENT_SECRETS:
        raise Misconfigured("SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRETS are not set.")
    form = {"client_id": settings.SHOPIFY_CLIENT_ID, "client_secret": settings.SHOPIFY_CLIENT_SECRETS[0], **form}
    asked_at = timezone.now()
    try:
        answer = http.send_json("POST", f"{store_address(shop_domain)}/admin/oauth/access_token", safe=False, data=form, headers={"Accept": "application/json"})
    except http.Refused as error:
        if isinstance(error.payload, dict) and error.payload.get("error") == "invalid_client":
            raise Misconfigured("Shopify does not know this app's client id and secret, or the app is not installed in the store.") from None
        code = error.payload.get("error") if isinstance(error.payload, dict) else None
        if code == "invalid_grant" or "code" in form or "subject_token" in form:
            raise refusal from None
        raise
    except http.Unauthorized:
        raise refusal from None
    return _read(answer, asked_at)


def _read(answer: Any, asked_at: datetime) -> TokenSet:
    try:
        renewal = answer.get("refresh_token")
        return TokenSet(
            access_token=str(answer["access_token"]),
            access_expires_at=_later(asked_at, answer.get("expires_in")),
            refresh_token=str(renewal) if renewal else None,
            refresh_expires_at=_later(asked_at, answer.get("refresh_token_expires_in")),
            scopes=tuple(filter(None, (scope.strip() for scope in str(answer.get("scope", "")).split(",")))),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Transient("Shopify's answer holds no access token.") from None


def _later(instant: datetime, seconds: object) -> datetime | None:
    return None if seconds is None else instant + timedelta(seconds=int(str(seconds)))


def _session_class(secret: str) -> type[Session]:
    """ShopifyAPI keeps its credentials on a class: one of our own for each use, so that threads cannot mix them."""
    return type("Session", (Session,), {"api_key": settings.SHOPIFY_CLIENT_ID, "secret": secret})
