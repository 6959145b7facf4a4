"""Shopify's HTTP side: OAuth and the Admin GraphQL API of every store in the world, under `/shopify/{shop domain}/…`."""

from __future__ import annotations

import re
import threading
from datetime import datetime
from typing import Any

import orjson
from werkzeug.wrappers import Request, Response

from integrations.sandbox.connection import Answer
from integrations.sandbox.deliveries import Deliveries
from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.bulk import BulkDesk
from integrations.sandbox.shopify.cost import Bucket
from integrations.sandbox.shopify.execute import operation_name, run
from integrations.sandbox.shopify.oauth import OAuth, session_token
from integrations.sandbox.shopify.schema import VERSIONS
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.shopify.tokens import TokenDesk
from integrations.sandbox.shopify.webhooks import Webhooks
from integrations.sandbox.world import World

DEFAULT_SCOPES = ("read_all_orders", "read_customers", "read_locations", "read_orders", "read_products", "write_customers")
_PATH = re.compile(r"/([^/]+)(/.*)?\Z")
_GRAPHQL = re.compile(r"/admin/api/([\w-]+)/graphql\.json\Z")
NOT_RECOGNIZED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
NON_EXPIRING = (
    "[API] Non-expiring access tokens are no longer accepted for the Admin API. Start using expiring offline tokens: "
    "https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens"
)


class ShopifyApp:
    """Serves every store. `managed_scopes` are what a managed installation (token exchange without consent page) grants."""

    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self.world = world
        self.tokens = TokenDesk()
        self.bulk = BulkDesk(world)
        self.managed_scopes: tuple[str, ...] = DEFAULT_SCOPES
        self.webhooks = Webhooks(world, deliveries, self._shop_of_store)
        self.oauth = OAuth(self)
        self._shops: dict[str, Shop] = {}
        self._lock = threading.Lock()

    def shop(self, domain: str) -> Shop | None:
        """What is remembered of the app in that store; None when there is no such store."""
        store = self.world.stores.get(domain)
        if store is None:
            return None
        with self._lock:
            if domain not in self._shops:
                bucket = Bucket(store.plan, self.world.clock)
                self._shops[domain] = Shop(domain, lambda: self.world.stores[domain], self.world.clock, bucket)
            return self._shops[domain]

    def operation(self, request: Request) -> tuple[str, str]:
        """(shop domain, GraphQL operation name, or `METHOD /path`)."""
        _, domain, rest = (*request.path.split("/", 3)[1:], "", "")[:3]
        if request.method == "POST" and _GRAPHQL.match("/" + rest):
            body = _json(request)
            return domain, operation_name(body) if body is not None else "graphql"
        return domain, f"{request.method} /{rest}"

    def handle(self, request: Request, path: str) -> Response:
        """Answer a request to one store; 404 for a store that does not exist."""
        found = _PATH.match(path)
        shop = self.shop(found[1]) if found else None
        if found is None or shop is None:
            return json_answer({"errors": "Not Found"}, 404)
        rest = found[2] or "/"
        if rest == "/admin/oauth/authorize" and request.method in ("GET", "POST"):
            return self.oauth.authorize(request, shop)
        if rest == "/admin/oauth/access_token" and request.method == "POST":
            return self.oauth.access_token(request, shop)
        api = _GRAPHQL.match(rest)
        if api and api[1] in VERSIONS and request.method == "POST":
            return self._graphql(request, shop, api[1])
        return json_answer({"errors": "Not Found"}, 404)

    def install(self, shop: Shop, scopes: frozenset[str], now: datetime) -> None:
        """Note that the store has the app, with these scopes."""
        shop.installed_at = shop.installed_at or now
        shop.granted = scopes

    def issue_session_token(self, domain: str, user: int = 1, *, seconds: int = 60) -> str:
        """The session token that App Bridge would give a page of the app in this store; opening the app installs it (managed installation)."""
        shop = self.shop(domain)
        if shop is None:
            raise KeyError(f"The sandbox has no store {domain}.")
        if shop.installed_at is None:
            self.install(shop, frozenset(self.managed_scopes), self.world.clock.now())
        return session_token(self.world.config, domain, user, self.world.clock.now(), seconds)

    def uninstall(self, domain: str) -> None:
        """What follows when the merchant removes the app: tokens die, subscriptions of the API go, `app/uninstalled` is sent."""
        shop = self.shop(domain)
        if shop is None:
            raise KeyError(f"The sandbox has no store {domain}.")
        with self.world.lock:
            self.tokens.revoke(domain)
            self.bulk.stop_shop(shop)
            shop.subscriptions.clear()
            shop.installed_at, shop.granted = None, frozenset()
            self.webhooks.emit(shop.store, "app/uninstalled", shop.store.id)

    def close(self) -> None:
        """End bulk operations and delete their files."""
        self.bulk.close()

    def access_for(self, shop: Shop, scopes: frozenset[str]) -> Access:
        """The app's access to the store at this moment."""
        now = self.world.clock.now()
        return Access(shop.store, shop, scopes, now, self.webhooks, self.bulk, self.world.config.base_url)

    def _graphql(self, request: Request, shop: Shop, version: str) -> Response:
        now = self.world.clock.now()
        token = self.tokens.find(request.headers.get("X-Shopify-Access-Token", ""), shop.domain, now)
        if token is None:
            return json_answer({"errors": NOT_RECOGNIZED}, 401)
        if token.expires_at is None:
            return json_answer({"errors": NON_EXPIRING}, 403)
        body = _json(request)
        if body is None:
            return json_answer({"errors": "Bad Request: the body must be a JSON object."}, 400)
        with self.world.lock:
            answer, throttled = run(self.access_for(shop, token.scopes), body)
        response = json_answer(answer, 200)
        response.throttled = throttled
        response.headers["X-Shopify-API-Version"] = version
        return response

    def _shop_of_store(self, domain: str) -> Shop:
        shop = self.shop(domain)
        if shop is None:
            raise KeyError(f"The sandbox has no store {domain}.")
        return shop


def json_answer(body: Any, status: int) -> Answer:
    """A JSON answer."""
    return Answer(orjson.dumps(body), status, mimetype="application/json")


def _json(request: Request) -> dict[str, Any] | None:
    try:
        body = orjson.loads(request.get_data(cache=True))
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
