"""How the app gets its tokens (shopify.dev, "Authorization code grant", "Token exchange", "About offline access tokens")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import ipaddress
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import jwt
import orjson
from werkzeug.wrappers import Request, Response

from integrations.sandbox.connection import Answer
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.shopify.tokens import Refused
from integrations.sandbox.world import SandboxConfig

if TYPE_CHECKING:
    from integrations.sandbox.shopify.app import ShopifyApp

EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
SESSION_TYPE = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
LEEWAY = 10  # seconds, for exp and nbf of session tokens
KNOWN_SCOPES = frozenset(
    f"{verb}_{what}"
    for verb in ("read", "write")
    for what in (
        "customers",
        "orders",
        "products",
        "checkouts",
        "discounts",
        "inventory",
        "marketing_events",
        "reports",
        "themes",
        "content",
        "draft_orders",
        "files",
        "fulfillments",
        "gift_cards",
        "companies",
        "locations",
        "markets",
        "metaobjects",
        "pixels",
        "price_rules",
        "publications",
        "returns",
        "shipping",
    )
) | {"read_all_orders", "read_customer_events"}


def query_hmac(params: Mapping[str, str], secret: str) -> str:
    """The `hmac` of a query: HMAC-SHA256, in hex, of the other parameters sorted and joined as k=v with &."""
    message = "&".join(f"{key}={params[key]}" for key in sorted(params) if key != "hmac")
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def session_token(config: SandboxConfig, domain: str, user: int, now: datetime, seconds: int) -> str:
    """A session token as App Bridge gives it, good for `seconds`."""
    at = int(now.timestamp())
    claims = {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": config.shopify_client_id,
        "sub": str(user),
        "exp": at + seconds,
        "nbf": at,
        "iat": at,
        "jti": secrets.token_hex(16),
        "sid": secrets.token_hex(32),
    }
    return jwt.encode(claims, config.shopify_client_secret, algorithm="HS256")


class OAuth:
    """The authorize page and the token endpoint of every store."""

    def __init__(self, app: ShopifyApp) -> None:
        self._app = app

    def authorize(self, request: Request, shop: Shop) -> Response:
        """The consent page (GET), and what the merchant decided (POST): back to the app with a code, or with error=access_denied."""
        given = request.args if request.method == "GET" else request.form
        config = self._app.world.config
        if given.get("client_id") != config.shopify_client_id:
            return _oops("application_cannot_be_found", "No app has this client_id.")
        target = given.get("redirect_uri", "")
        if not _redirect_allowed(config, target):
            return _oops("invalid_request", "The redirect_uri is not whitelisted: it must be an address of the app.")
        wanted = [scope.strip() for scope in given.get("scope", "").split(",") if scope.strip()] or list(self._app.managed_scopes)
        unknown = [scope for scope in wanted if scope not in KNOWN_SCOPES]
        if unknown:
            return _oops("invalid_scope", f"The access scope is invalid: {', '.join(unknown)}.")
        if request.method == "GET":
            return Answer(_consent_page(request, shop, wanted), mimetype="text/html")
        now = self._app.world.clock.now()
        host = base64.b64encode(f"admin.shopify.com/store/{shop.domain.partition('.')[0]}".encode()).decode().rstrip("=")
        params = {"host": host, "shop": shop.domain, "state": given.get("state", ""), "timestamp": str(int(now.timestamp()))}
        if given.get("decision") == "approve":
            granted = [scope for scope in wanted if scope in set(request.form.getlist("granted"))] if "granted" in request.form else wanted
            self._app.install(shop, frozenset(granted), now)
            params["code"] = self._app.tokens.new_code(shop.domain, granted, now)
        else:
            params |= {"error": "access_denied", "error_description": "The merchant declined the request."}
        params["hmac"] = query_hmac(params, config.shopify_client_secret)
        joint = "&" if urlsplit(target).query else "?"
        return Answer(status=302, headers={"Location": f"{target}{joint}{urlencode(sorted(params.items()))}"})

    def access_token(self, request: Request, shop: Shop) -> Response:
        """The token endpoint: authorization code, token exchange and refresh; errors are 400 with an OAuth error code."""
        given = _fields(request)
        config = self._app.world.config
        try:
            if given.get("client_id") != config.shopify_client_id or given.get("client_secret") != config.shopify_client_secret:
                raise Refused("invalid_client", "The client credentials are invalid.")
            return _json(self._grant(given, shop), 200)
        except Refused as refused:
            return _json({"error": refused.error, "error_description": refused.description}, 400)

    def _grant(self, given: Mapping[str, str], shop: Shop) -> dict[str, object]:
        now, tokens = self._app.world.clock.now(), self._app.tokens
        grant = given.get("grant_type") or "authorization_code"
        expiring = str(given.get("expiring", "0")).lower() in ("1", "true")
        if grant == "authorization_code":
            return tokens.redeem(given.get("code", ""), shop.domain, expiring=expiring, now=now)
        if shop.installed_at is None:
            raise Refused("invalid_client", "The app is not installed in this store.")
        if grant == "refresh_token":
            return tokens.rotate(given.get("refresh_token", ""), shop.domain, now)
        if grant == EXCHANGE_GRANT:
            return self._exchange(given, shop, expiring=expiring, now=now)
        raise Refused("unsupported_grant_type", "The grant type is not supported.")

    def _exchange(self, given: Mapping[str, str], shop: Shop, *, expiring: bool, now: datetime) -> dict[str, object]:
        if given.get("requested_token_type") != OFFLINE:
            raise Refused("invalid_request", f"The sandbox gives offline tokens only; requested_token_type must be {OFFLINE}.")
        kind, subject = given.get("subject_token_type"), given.get("subject_token", "")
        if kind == OFFLINE and expiring:  # migration of an old token, which ends with it
            old = self._app.tokens.find(subject, shop.domain, now)
            if old is None or old.expires_at is not None:
                raise Refused("invalid_subject_token", "The subject token is not a non-expiring offline token of this store.")
            del self._app.tokens.access[subject]
        elif kind == SESSION_TYPE:
            self._verify(subject, shop, now)
        else:
            raise Refused("invalid_request", f"subject_token_type must be {SESSION_TYPE}.")
        return self._app.tokens.issue(shop.domain, shop.granted, expiring=expiring, now=now)

    def _verify(self, subject: str, shop: Shop, now: datetime) -> None:
        config = self._app.world.config
        checks: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "nbf", "iss", "dest", "aud", "sub"]}
        try:
            claims = jwt.decode(subject, config.shopify_client_secret, algorithms=["HS256"], audience=config.shopify_client_id, options=checks)
            at = now.timestamp()
            in_time = float(claims["nbf"]) - LEEWAY <= at <= float(claims["exp"]) + LEEWAY
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise Refused("invalid_subject_token", "The session token is invalid.") from error
        ours = claims["dest"] == f"https://{shop.domain}" and claims["iss"] == f"https://{shop.domain}/admin"
        if not in_time or not ours:
            raise Refused("invalid_subject_token", "The session token has expired or is of another store.")


def _redirect_allowed(config: SandboxConfig, target: str) -> bool:
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        return False
    if config.redirect_origins:
        return f"{parts.scheme}://{parts.netloc}" in config.redirect_origins
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _fields(request: Request) -> dict[str, str]:
    if request.mimetype == "application/json":
        try:
            body = orjson.loads(request.get_data())
        except orjson.JSONDecodeError:
            return {}
        return {key: str(value) for key, value in body.items()} if isinstance(body, dict) else {}
    return request.form.to_dict()


def _json(body: Mapping[str, object], status: int) -> Answer:
    return Answer(orjson.dumps(body), status, {"Cache-Control": "no-store"}, mimetype="application/json")


def _oops(error: str, message: str) -> Answer:
    return Answer(f"Oauth error {error}: {message}\n", 400, mimetype="text/plain")


def _consent_page(request: Request, shop: Shop, scopes: list[str]) -> str:
    kept = {key: request.args.get(key, "") for key in ("client_id", "redirect_uri", "state")} | {"scope": ",".join(scopes)}
    hidden = "".join(f'<input type="hidden" name="{key}" value="{html.escape(value, quote=True)}">' for key, value in kept.items())
    boxes = "".join(
        f'<li><label><input type="checkbox" name="granted" value="{html.escape(s, quote=True)}" checked> <code>{html.escape(s)}</code></label></li>'
        for s in scopes
    )
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Install app</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#202223}}
ul{{list-style:none;padding:0}}button{{font:inherit;padding:.5rem 1.2rem;border-radius:.5rem;border:1px solid #8a8f94;background:#fff}}
button[value=approve]{{background:#008060;border-color:#008060;color:#fff}}
</style></head><body><h1>Install app in {html.escape(shop.store.name)}</h1>
<p>This is a sandbox of Shopify: nothing here reaches a real store. The app asks {html.escape(shop.domain)} for:</p>
<form method="post" action="{html.escape(request.path, quote=True)}">{hidden}<input type="hidden" name="granted" value=""><ul>{boxes}</ul>
<button name="decision" value="approve">Approve</button> <button name="decision" value="deny">Deny</button></form></body></html>"""
