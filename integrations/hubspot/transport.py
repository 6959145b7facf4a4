"""The one door to HubSpot's API: dated version, pace, token, one renewal on 401, one meaning per failure.

Sources: developers.hubspot.com, "API usage guidelines" (limits) and "API versioning" (dated paths).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
import requests
from django.conf import settings

from integrations import http, throttle, tokens, waiting
from integrations.errors import RateLimited, Transient, UnknownOutcome
from integrations.hubspot import oauth
from integrations.hubspot.refusals import refusal
from integrations.models import Connection

Json = dict[str, Any]
Query = Sequence[tuple[str, object]]

# Of 110 requests per 10 s and account, and 5 searches per second ("API usage guidelines"), what leaves room for clock differences.
REQUESTS, _SEARCHES = (100, 10.0), (4, 1.0)
_NUMBERED = re.compile(r"^/crm/v3/(objects|lists|properties)(/.*)?$")
_SEARCH = re.compile(r"/search$")
_READING = re.compile(r"/(?:search|batch/read)$")  # POST, yet nothing changes

_MOST = "X-HubSpot-RateLimit-Max"  # how many calls this account may make in a window: more than of a marketplace app for some plans
_KEPT_OF_MOST = REQUESTS[0] / 110


def dated(path: str, version: str) -> str:
    """The path of the SDK's numbered API in the dated one (developers.hubspot.com, "API versioning": only the path differs)."""
    found = _NUMBERED.match(path)
    if not found:
        return path
    rest = (found[2] or "").rstrip("/")
    return f"/crm/{found[1]}/{version}{rest}"


class Transport:
    """Requests of one connection. Raises the errors of `integrations.errors`, nothing else."""

    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    def answer(self, method: str, path: str, query: Query, body: object) -> Json:
        """Send one request and return its JSON object ({} for an empty body); a body that is none tells nothing."""
        path = dated(path, settings.HUBSPOT_API_VERSION)
        write = method not in ("GET", "HEAD") and not _READING.search(path)
        self._pacer(search=bool(_SEARCH.search(path))).wait()
        token = self._token(None)
        try:
            response = self._send(method, path, query, body, token, write)
        except http.Unauthorized:
            renewed = self._token(token)
            try:
                response = self._send(method, path, query, body, renewed, write)
            except http.Unauthorized:
                raise tokens.refused(self._connection, renewed) from None
        if not response.content:
            return {}
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise (UnknownOutcome if write else Transient)("HubSpot's answer is cut off or not JSON.")
        return answer

    def _send(self, method: str, path: str, query: Query, body: object, token: str, write: bool) -> requests.Response:
        waiting.go_on()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}
        try:
            response = http.session().request(
                method,
                settings.HUBSPOT_API_URL + path,
                params=[(name, str(value)) for name, value in query],
                data=orjson.dumps(body) if body is not None else None,
                headers=headers,
                timeout=http.TIMEOUT,
                allow_redirects=False,
                auth=_no_auth,
            )
        except requests.RequestException as error:
            raise http.failure(error, safe=not write) from None  # its text holds the address
        if 200 <= response.status_code < 300:
            most = response.headers.get(_MOST, "")
            if most.isdigit():
                self._pacer(search=False).raise_limit(int(int(most) * _KEPT_OF_MOST))
            return response
        if response.status_code == 401:
            raise http.Unauthorized("HubSpot does not take the token.")
        meant = refusal(response.status_code, response.headers, response.content, write=write, now=self._now())
        if isinstance(meant, RateLimited):
            self._close(meant.retry_after or 0.0, search=bool(_SEARCH.search(path)))
        raise meant

    def _token(self, stale: str | None) -> str:
        return tokens.access_token(self._connection, oauth.refresh, now=self._now(), stale=stale)

    def _pacer(self, *, search: bool) -> throttle.WindowPacer:
        """The pace of all processes that call this account; searches do not count against the limit of other calls."""
        limit, seconds = _SEARCHES if search else REQUESTS
        return throttle.WindowPacer(limit, seconds, kept=throttle.Shared(self._connection.pk, "searches" if search else "calls"))

    def _close(self, seconds: float, *, search: bool) -> None:
        """Keep everybody from calling for so long; the limit per second of searches says nothing of other calls."""
        for kind in (True,) if search and seconds <= throttle.BRIEF else (True, False):
            self._pacer(search=kind).close(seconds)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # given so that requests does not put a ~/.netrc login over our header
