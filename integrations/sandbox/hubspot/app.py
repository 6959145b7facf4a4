"""HubSpot's API and consent page over the portals of a world: finds the endpoint, checks token, limits and scopes, answers.

Source of the order and the shapes: developers.hubspot.com, "Error handling" and "API usage guidelines".
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import cast

import orjson
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, RequestRedirect
from werkzeug.wrappers import Request, Response

from integrations.sandbox.hubspot import consent, token_api
from integrations.sandbox.hubspot.call import ApiCall, Reply
from integrations.sandbox.hubspot.grants import Grants
from integrations.sandbox.hubspot.limits import RateLimits
from integrations.sandbox.hubspot.refusals import Refusal, missing_scopes, not_found, unauthenticated
from integrations.sandbox.hubspot.routes import VERSIONS, Route, url_map
from integrations.sandbox.hubspot.webhooks import Sender, Subscriptions
from integrations.sandbox.world import World

PREFIX = "/hubspot"
LONGEST_ADDRESS = 16_384  # characters; longer ones are refused with 414
_ID = re.compile(r"(?<=/)(?:\d+|[^/]*@[^/]*)(?=/|$)")
_GUID = re.compile(r"(/submissions/forms/)[^/]+")
_NAME = re.compile(r"(/object-type-id/[^/]+/name/).+")
_OAUTH = re.compile(rf"/oauth/(?:{'|'.join(VERSIONS)})/token(/introspect|/revoke)?")
_UNINSTALL = re.compile(rf"/appinstalls/(?:{'|'.join(VERSIONS)})/external-install")
_AUTHORIZE = re.compile(r"/oauth/(?:(\d{1,18})/)?authorize")


class HubSpotApp:
    """Answers HubSpot's requests. `grants` and `subscriptions` let whoever plays the portal's people disconnect the app and choose what
    it hears of; call `publish` after changing a portal outside a request."""

    def __init__(self, world: World, deliveries: Sender) -> None:
        self._world = world
        config = world.config
        self.grants = Grants(config.hubspot_client_id, config.hubspot_client_secret)
        self.limits = RateLimits()
        self.subscriptions = Subscriptions(deliveries, config.hubspot_webhook_url, config.hubspot_client_secret, config.hubspot_app_id)
        self._map: MapAdapter = url_map().bind("hubspot")

    def operation(self, request: Request, path: str | None = None) -> tuple[str, str]:
        """(hub id as text or "-", "METHOD /path" with ids as {id}) of a request, without executing it."""
        address = (request.path.removeprefix(PREFIX) if path is None else path).rstrip("/") or "/"
        hub_id = self.grants.hub_of(_bearer(request))
        name = _NAME.sub(r"\1{name}", _GUID.sub(r"\1{id}", _ID.sub("{id}", address)))
        return str(hub_id) if hub_id is not None else "-", f"{request.method} {name}"

    def publish(self) -> None:
        """Send subscribers what changed in the portals since the last time."""
        with self._world.lock:
            for portal in self._world.portals.values():
                self.subscriptions.publish(portal, installed=self.grants.installed(portal.hub_id))

    def handle(self, request: Request, path: str) -> Response:
        """Execute a request; `path` is the address after the platform's prefix. One request at a time."""
        headers: dict[str, str] = {}
        with self._world.lock:
            now = self._world.clock.now()
            try:
                answer = self._answer(request, path.rstrip("/") or "/", now, headers)
            except Refusal as refusal:
                headers |= refusal.headers
                answer = _json(refusal.body | {"correlationId": str(uuid.uuid4())}, refusal.status)
            self.publish()
        answer.headers.update(headers)
        return answer

    def _answer(self, request: Request, path: str, now: datetime, headers: dict[str, str]) -> Response:
        if len(request.full_path) > LONGEST_ADDRESS:
            raise Refusal(414, "The address is too long; ask for fewer properties at once.")
        asked = _AUTHORIZE.fullmatch(path)
        if asked and request.method in ("GET", "POST"):
            config, hub_id = self._world.config, int(asked[1]) if asked[1] else None
            return consent.authorize(request, self.grants, self._world.portals, config.hubspot_client_id, config.redirect_origins, hub_id, now)
        oauth = _OAUTH.fullmatch(path)
        if oauth and request.method == "POST":
            return _reply(self._token(request, oauth[1], now))
        if _UNINSTALL.fullmatch(path) and request.method == "DELETE":
            return _reply(token_api.uninstall(self._call(request, path, now), self.grants))
        route, arguments = self._route(request, path)
        call = self._call(request, path, now)
        headers |= self.limits.admit(call.portal.hub_id, call.portal.limits_scale, now, search=route.search)
        if not any(alternative <= call.scopes for alternative in route.scopes):
            raise missing_scopes(min(route.scopes, key=lambda alternative: len(alternative - call.scopes)) - call.scopes)
        return _reply(route.endpoint(call, **arguments))

    def _token(self, request: Request, what: str | None, now: datetime) -> Reply:
        if what == "/introspect":
            return token_api.introspect(request, self.grants, now, self._world.portals, self._world.config.hubspot_app_id)
        if what == "/revoke":
            return token_api.revoke(request, self.grants)
        return token_api.token(request, self.grants, now)

    def _route(self, request: Request, path: str) -> tuple[Route, dict[str, object]]:
        try:
            route, arguments = self._map.match(path, method=request.method)
        except MethodNotAllowed:
            raise Refusal(405, f"{request.method} is not allowed on this address.") from None
        except (NotFound, RequestRedirect):
            raise not_found() from None
        return cast(Route, route), dict(arguments)

    def _call(self, request: Request, path: str, now: datetime) -> ApiCall:
        token = _bearer(request)
        grant = self.grants.access(token, now).grant
        portal = self._world.portals.get(grant.hub_id)
        if portal is None:
            raise unauthenticated()
        return ApiCall(request, portal, frozenset(grant.scopes), now, path, grant.user_id, self._world.config.hubspot_app_id, token)


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _reply(reply: Reply) -> Response:
    return Response(status=reply.status) if reply.body is None else _json(reply.body, reply.status)


def _json(body: dict[str, object], status: int) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json", content_type="application/json;charset=utf-8")
