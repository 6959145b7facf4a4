"""The page on which a portal's admin lets the app in or sends it away.

Sources: developers.hubspot.com, "Manage OAuth access tokens" (authorisation URL, redirects) and "Scopes" (required scopes
must all be asked for, undeclared ones fail the install, optional ones may be left out and are dropped silently where the
account lacks the feature).
"""

from __future__ import annotations

import ipaddress
from datetime import datetime
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from werkzeug.datastructures import MultiDict
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from integrations.sandbox.hubspot.grants import OPTIONAL_SCOPES, REQUIRED_SCOPES, Grant, Grants
from integrations.sandbox.hubspot.state import Portal

_ASKED = ("client_id", "redirect_uri", "scope", "optional_scope", "state", "code_challenge", "code_challenge_method")
_STYLE = (
    "body{font:16px system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#2d3e50}"
    "h1{font-size:1.3rem}li{margin:.2rem 0}"
    "button{font:inherit;padding:.5rem 1.2rem;margin-right:.5rem;border-radius:4px;border:1px solid #ff5c35}"
    ".go{background:#ff5c35;color:#fff}select{font:inherit}.no{color:#a1261a}"
)


class _Unfit(Exception):
    """Why the app may not ask as it did: one sentence for the page."""


def authorize(
    request: Request,
    grants: Grants,
    portals: dict[int, Portal],
    client_id: str,
    origins: tuple[str, ...],
    hub_id: int | None,
    now: datetime,
) -> Response:
    """GET shows the consent page; POST with `decision` approve or deny redirects with a code or with access_denied. A wrong request is a
    400 page and redirects nowhere."""
    asked: MultiDict[str, str] = request.form if request.method == "POST" else request.args
    try:
        required, optional = _scopes(asked, client_id, origins)
        choices = _choices(portals, hub_id)
        if request.method != "POST":
            return _page(asked, choices, required, optional)
        if asked.get("decision") == "approve":
            portal = _chosen(asked, choices)
            ticked = [scope for scope in optional if scope in asked.getlist("granted") and scope not in portal.unavailable_scopes]
            grant = Grant(portal.hub_id, portal.user_id, tuple(dict.fromkeys([*required, *ticked])))
            code = grants.give_code(grant, asked["redirect_uri"], now, asked.get("code_challenge", ""))
            return _back(asked, code=code)
        if asked.get("decision") == "deny":
            return _back(asked, error="access_denied", error_description="User denied access")
        raise _Unfit("Choose Connect app or Cancel.")
    except _Unfit as unfit:
        head = f"<!doctype html><title>Authorization failed</title><style>{_STYLE}</style><h1>Authorization failed</h1>"
        return Response(f"{head}<p class=no>{escape(str(unfit))}", 400, mimetype="text/html")


def _scopes(asked: MultiDict[str, str], client_id: str, origins: tuple[str, ...]) -> tuple[list[str], list[str]]:
    if asked.get("client_id") != client_id:
        raise _Unfit("The client_id is missing or not the app's; check the app's credentials.")
    if not _may_redirect(asked.get("redirect_uri", ""), origins):
        raise _Unfit("The redirect_uri is missing or not one that the app registered; add it to the app's redirect URLs.")
    if asked.get("code_challenge") and asked.get("code_challenge_method", "S256") != "S256":
        raise _Unfit("The code_challenge_method must be S256.")
    required, optional = asked.get("scope", "").split(), asked.get("optional_scope", "").split()
    missing = REQUIRED_SCOPES.difference(required)
    if missing:
        raise _Unfit(f"The authorization URL leaves out scopes that the app requires: {', '.join(sorted(missing))}.")
    undeclared = {*required, *optional} - REQUIRED_SCOPES - OPTIONAL_SCOPES
    if undeclared:
        raise _Unfit(f"The authorization URL asks for scopes that the app does not declare: {', '.join(sorted(undeclared))}.")
    return list(dict.fromkeys(required)), [scope for scope in dict.fromkeys(optional) if scope not in required]


def _may_redirect(uri: str, origins: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host or parts.fragment or parts.username is not None:
        return False
    if origins:
        return f"{parts.scheme}://{parts.netloc}" in origins
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _choices(portals: dict[int, Portal], hub_id: int | None) -> list[Portal]:
    choices = [portals[hub_id]] if hub_id in portals else list(portals.values()) if hub_id is None else []
    if not choices:
        raise _Unfit("There is no such account; use /oauth/authorize to choose one.")
    return choices


def _chosen(asked: MultiDict[str, str], choices: list[Portal]) -> Portal:
    given = asked.get("portal") or (str(choices[0].hub_id) if len(choices) == 1 else "")
    for portal in choices:
        if str(portal.hub_id) == given:
            return portal
    raise _Unfit("Choose the account to connect.")


def _back(asked: MultiDict[str, str], **answer: str) -> Response:
    parts = urlsplit(asked["redirect_uri"])
    state = {"state": asked["state"]} if asked.get("state") else {}
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *answer.items(), *state.items()])
    return redirect(urlunsplit(parts._replace(query=query)), 302)


def _page(asked: MultiDict[str, str], choices: list[Portal], required: list[str], optional: list[str]) -> Response:
    hidden = "".join(f'<input type=hidden name="{name}" value="{escape(asked[name])}">' for name in _ASKED if asked.get(name))
    accounts = "".join(f'<option value="{one.hub_id}">{escape(one.domain)} ({one.hub_id})</option>' for one in choices)
    needed = "".join(f"<li>{escape(scope)}</li>" for scope in required)
    boxes = "".join(f'<li><label><input type=checkbox name=granted value="{escape(scope)}" checked> {escape(scope)}</label></li>' for scope in optional)
    body = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Connect app to HubSpot (sandbox)</title><style>{_STYLE}</style>"
        "<h1>Connect the app to a HubSpot account (sandbox)</h1><form method=post>"
        f"{hidden}<p><label>Account <select name=portal>{accounts}</select></label>"
        f"<p>The app asks to:<ul>{needed}</ul>" + (f"<p>Optional:<ul>{boxes}</ul>" if boxes else "") + "<p><button class=go name=decision value=approve>"
        "Connect app</button><button name=decision value=deny>Cancel</button></form></html>"
    )
    return Response(body, mimetype="text/html")
