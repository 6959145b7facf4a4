"""The sandbox's own JSON API and its page: what the platforms hold, and what their owners, merchants and marketers may do there.

Everything is under `/control/` and answers JSON; a refusal is a 4xx with `{"error": sentence}`. Nothing here passes
through the platforms' APIs, so it costs no points and meets no fault.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from integrations.sandbox import exports, overview
from integrations.sandbox.by_hand import Refused, change_list_members, change_tags, leave_checkout, order, simulate_life, uninstall
from integrations.sandbox.faults import Fault
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.shopify.state import Store
from integrations.sandbox.world import World

if TYPE_CHECKING:
    from integrations.sandbox.server import SandboxServer

_PAGE = Path(__file__).with_name("page.html")
_MOST_ROWS = 500
_IN_MEMORY = 4 * 1024 * 1024
_RULES = (
    ("GET", "/", "page"),
    ("GET", "/control/state", "state"),
    ("GET", "/control/calls", "calls"),
    ("GET", "/control/deliveries", "deliveries"),
    ("POST", "/control/clock", "advance"),
    ("GET", "/control/faults", "faults"),
    ("POST", "/control/faults", "add_fault"),
    ("DELETE", "/control/faults", "clear_faults"),
    ("GET", "/control/shops/<domain>/customers", "customers"),
    ("GET", "/control/shops/<domain>/tags", "tags"),
    ("GET", "/control/shops/<domain>/segments", "segments"),
    ("POST", "/control/shops/<domain>/simulate", "simulate"),
    ("POST", "/control/shops/<domain>/orders", "order"),
    ("POST", "/control/shops/<domain>/checkouts", "leave_checkout"),
    ("GET", "/control/shops/<domain>/tag-calls", "tag_calls"),
    ("POST", "/control/shops/<domain>/uninstall", "uninstall"),
    ("POST", "/control/shops/<domain>/customers/<int:customer_id>/tags", "change_tags"),
    ("GET", "/control/shops/<domain>/export/<what>.jsonl", "export_shop"),
    ("GET", "/control/portals/<int:hub_id>/lists", "lists"),
    ("GET", "/control/portals/<int:hub_id>/lists/<int:list_id>/members", "members"),
    ("POST", "/control/portals/<int:hub_id>/lists/<int:list_id>/members", "change_members"),
    ("GET", "/control/portals/<int:hub_id>/export/<what>.jsonl", "export_portal"),
)


def _json(answer: object, status: int = 200) -> Response:
    body = orjson.dumps(answer, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    return Response(body, status, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _body(request: Request, allowed: set[str]) -> dict[str, Any]:
    try:
        given = orjson.loads(request.get_data() or b"{}")
    except orjson.JSONDecodeError:
        raise Refused("The body is no JSON; send an object.") from None
    if not isinstance(given, dict):
        raise Refused("The body is no JSON object; send one.")
    if unknown := sorted(set(given) - allowed):
        raise Refused(f"{unknown[0]!r} is not known here; use only: {', '.join(sorted(allowed))}.")
    return given


def _number(given: object, name: str, least: int, most: int) -> int:
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise Refused(f"`{name}` must be a whole number from {least} to {most}.")
    return given


def _numbers(given: object, name: str) -> list[int]:
    if not isinstance(given, list):
        raise Refused(f"`{name}` must be a list of ids.")
    return [_number(one, name, 0, 10**18) for one in given]


def _texts(given: object, name: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Refused(f"`{name}` must be a list of texts.")
    return given


def _refuse_other_sites(request: Request) -> None:
    """A page of another site, open in the same browser, must not work these controls."""
    origin = request.headers.get("Origin")
    if request.method not in ("GET", "HEAD") and origin is not None and urlsplit(origin).netloc != request.host:
        raise Refused("Only the sandbox's own page may do that.", 403)


class Controls:
    """Answers every address of the sandbox that is not a platform's."""

    def __init__(self, world: World, server: SandboxServer) -> None:
        self._world = world
        self._server = server
        self._map = Map([Rule(path, endpoint=f"_{name}", methods=[method]) for method, path, name in _RULES])

    def handle(self, request: Request, path: str) -> Response:
        """The page, an answer as JSON, or a refusal with a sentence that says why."""
        try:
            _refuse_other_sites(request)
            endpoint, values = self._map.bind("").match(path, method=request.method)
            view: Callable[..., Response] = getattr(self, endpoint)
            return view(request, **values)
        except Refused as refusal:
            return _json({"error": str(refusal)}, refusal.status)
        except MethodNotAllowed as error:
            return _json({"error": f"{request.method} is not possible here; use {' or '.join(sorted(error.valid_methods or []))}."}, 405)
        except HTTPException as error:
            return _json({"error": f"There is nothing at {path}."}, error.code or 404)

    def _store(self, domain: str) -> Store:
        store = self._world.stores.get(domain)
        if store is None:
            raise Refused(f"There is no store {domain} here; there are: {', '.join(self._world.stores) or 'none'}.", 404)
        return store

    def _portal(self, hub_id: int) -> Portal:
        portal = self._world.portals.get(hub_id)
        if portal is None:
            raise Refused(f"There is no portal {hub_id} here; there are: {', '.join(map(str, self._world.portals)) or 'none'}.", 404)
        return portal

    def _page(self, request: Request) -> Response:
        return Response(_PAGE.read_bytes(), mimetype="text/html", headers={"Cache-Control": "no-store"})

    def _state(self, request: Request) -> Response:
        with self._world.lock:
            return _json(overview.state(self._world) | {"webhooks_waiting": self._server.deliveries.pending()})

    def _calls(self, request: Request) -> Response:
        return _json(overview.calls(self._world.calls, self._world.clock.now()))

    def _deliveries(self, request: Request) -> Response:
        limit = _number(request.args.get("limit", "50"), "limit", 1, _MOST_ROWS)
        recent = self._server.deliveries.recent()[-limit:]
        return _json({"deliveries": list(reversed(recent)), "waiting": self._server.deliveries.pending()})

    def _advance(self, request: Request) -> Response:
        given = _body(request, {"advance_seconds"}).get("advance_seconds")
        seconds = _number(given, "advance_seconds", 0, 10 * 366 * 86_400)
        return _json({"now": self._world.clock.advance(timedelta(seconds=seconds))})

    def _faults(self, request: Request) -> Response:
        return _json({"faults": self._world.faults.list()})

    def _add_fault(self, request: Request) -> Response:
        given = _body(request, {"kind", "platform", "account", "operation", "probability", "remaining", "retry_after", "seconds"})
        try:
            fault = Fault(**given)
        except (TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, ValueError) else "A fault needs a `kind`, and numbers where numbers belong."
            raise Refused(reason) from None
        if not all(isinstance(text, str) for text in (fault.kind, fault.platform, fault.account, fault.operation)):
            raise Refused("`platform`, `account` and `operation` of a fault are texts.")
        self._world.faults.add(fault)
        return self._faults(request)

    def _clear_faults(self, request: Request) -> Response:
        self._world.faults.clear()
        return self._faults(request)

    def _customers(self, request: Request, domain: str) -> Response:
        offset = _number(request.args.get("offset", "0"), "offset", 0, 10**9)
        limit = _number(request.args.get("limit", "25"), "limit", 1, _MOST_ROWS)
        with self._world.lock:
            return _json(overview.customers(self._store(domain), offset, limit, request.args.get("tag", ""), request.args.get("q", "")))

    def _tags(self, request: Request, domain: str) -> Response:
        with self._world.lock:
            return _json({"tags": overview.tags(self._store(domain))})

    def _segments(self, request: Request, domain: str) -> Response:
        with self._world.lock:
            return _json({"segments": overview.segments(self._store(domain))})

    def _simulate(self, request: Request, domain: str) -> Response:
        given = _body(request, {"seed", "customers"})
        seed = _number(given.get("seed", 1), "seed", 0, 10**9)
        customers = _number(given.get("customers", 20), "customers", 1, 10_000)
        return _json({"changes": simulate_life(self._world, self._server, self._store(domain), seed, customers)})

    def _order(self, request: Request, domain: str) -> Response:
        customer = _number(_body(request, {"customer"}).get("customer"), "customer", 1, 10**18)
        change, at = order(self._world, self._server, self._store(domain), customer)
        return _json({"order": int(change.object_id), "told_at": at})

    def _leave_checkout(self, request: Request, domain: str) -> Response:
        given = _body(request, {"customer", "seconds_ago"})
        customer = _number(given.get("customer"), "customer", 1, 10**18)
        store = self._store(domain)
        change, at = leave_checkout(self._world, self._server, store, customer, _number(given.get("seconds_ago", 0), "seconds_ago", 0, 366 * 86_400))
        return _json({"checkout": int(change.object_id), "left_at": store.checkouts[int(change.object_id)].created_at, "told_at": at})

    def _tag_calls(self, request: Request, domain: str) -> Response:
        customer = _number(request.args.get("customer", "0"), "customer", 0, 10**18)
        tag = request.args.get("tag", "")
        shop = self._server.shopify.shop(self._store(domain).domain)
        with self._world.lock:
            calls = list(shop.tag_calls) if shop else []
        return _json({"calls": [call for call in calls if customer in (0, call.customer_id) and (not tag or tag in call.tags)]})

    def _uninstall(self, request: Request, domain: str) -> Response:
        uninstall(self._server, self._store(domain))
        return _json({"uninstalled": domain})

    def _change_tags(self, request: Request, domain: str, customer_id: int) -> Response:
        given = _body(request, {"add", "remove"})
        add, remove = _texts(given.get("add", []), "add"), _texts(given.get("remove", []), "remove")
        tags = change_tags(self._world, self._server, self._store(domain), customer_id, add, remove)
        return _json({"id": customer_id, "tags": tags})

    def _lists(self, request: Request, hub_id: int) -> Response:
        with self._world.lock:
            return _json(overview.lists(self._portal(hub_id), with_members=request.args.get("members") != "no"))

    def _members(self, request: Request, hub_id: int, list_id: int) -> Response:
        offset = _number(request.args.get("offset", "0"), "offset", 0, 10**9)
        limit = _number(request.args.get("limit", "100"), "limit", 1, _MOST_ROWS)
        with self._world.lock:
            portal = self._portal(hub_id)
            if list_id not in portal.lists:
                raise Refused(f"Portal {hub_id} has no list {list_id}.", 404)
            return _json(overview.members(portal, portal.lists[list_id], offset, limit))

    def _change_members(self, request: Request, hub_id: int, list_id: int) -> Response:
        given = _body(request, {"add", "remove"})
        add, remove = _numbers(given.get("add", []), "add"), _numbers(given.get("remove", []), "remove")
        return _json({"id": list_id, "members": change_list_members(self._world, self._portal(hub_id), list_id, add, remove)})

    def _export_shop(self, request: Request, domain: str, what: str) -> Response:
        rows = exports.SHOP.get(what)
        if rows is None:
            raise Refused(f"A store has no export {what!r}; choose one of: {', '.join(exports.SHOP)}.", 404)
        return self._download(request, exports.json_lines(rows(self._store(domain))))

    def _export_portal(self, request: Request, hub_id: int, what: str) -> Response:
        rows = exports.PORTAL.get(what)
        if rows is None:
            raise Refused(f"A portal has no export {what!r}; choose one of: {', '.join(exports.PORTAL)}.", 404)
        return self._download(request, exports.json_lines(rows(self._portal(hub_id))))

    def _download(self, request: Request, lines: Iterator[bytes]) -> Response:
        """A file of known length, so that a million lines neither fill the memory nor hold the lock while the client reads."""
        spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed with the response)
        with self._world.lock:
            spool.writelines(lines)
        length = spool.tell()
        spool.seek(0)
        response = Response(wrap_file(request.environ, spool, 64 * 1024), mimetype="application/x-ndjson", direct_passthrough=True)
        response.content_length = length
        response.call_on_close(spool.close)
        return response
