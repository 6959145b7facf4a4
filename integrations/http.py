"""The one place that speaks HTTP to platforms: always with time-outs, never following redirects, failures as decisions.

A connection that could not be made is Transient; no answer after sending, a 5xx or a cut body is UnknownOutcome, unless the
call is `safe` (changes nothing): then it is Transient too.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn

import orjson
import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError

from integrations import waiting
from integrations.errors import Misconfigured, NotFound, RateLimited, Rejected, Transient, UnknownOutcome

TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes
_PERSONAL = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+|\+?\d[\d\s().\-]{7,}\d")
_BEFORE_SENDING = (NewConnectionError, ConnectTimeoutError, SSLError)
_local = threading.local()


class Unauthorized(Transient):
    """The platform does not take the token (401). Renew it once, then try again; the call was not carried out."""


class Refused(Rejected):
    """A 4xx answer. `status` is its number and `payload` its parsed JSON (None when it is none)."""

    def __init__(self, message: str, status: int, payload: Any) -> None:
        super().__init__(message)
        self.status = status
        self.payload = payload


def send(
    method: str,
    url: str,
    *,
    safe: bool,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
    json: Any = None,
    data: Any = None,
    files: Any = None,
) -> requests.Response:
    """Return a 2xx answer with its whole body read; raises an error of `integrations.errors` for anything else."""
    waiting.go_on()
    headers = dict(headers or {})
    if json is not None:
        data, headers["Content-Type"] = orjson.dumps(json), "application/json"
    try:
        response = session().request(method, url, headers=headers, params=params, data=data, files=files, timeout=TIMEOUT, allow_redirects=False, auth=_no_auth)
    except requests.RequestException as error:
        raise failure(error, safe=safe) from None  # its text holds the address, which may hold secrets
    if not response.ok or response.is_redirect:
        raise_for(response, safe=safe)
    return response


def send_json(method: str, url: str, *, safe: bool, **rest: Any) -> Any:
    """Like `send`, returning the parsed body; a body that is no JSON is an unknown outcome (None for an empty one)."""
    response = send(method, url, safe=safe, **rest)
    if not response.content:
        return None
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise _no_answer("The platform's answer is cut off or not JSON.", safe) from None


def session() -> requests.Session:
    """This thread's (and process's) connection pool. It keeps no cookies: nothing of one account goes along to another."""
    if getattr(_local, "pid", None) != os.getpid():  # a forked worker must not share its parent's sockets
        made = requests.Session()
        made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        made.headers["User-Agent"] = "SegSync"
        _local.session, _local.pid = made, os.getpid()
    kept: requests.Session = _local.session
    return kept


def failure(error: requests.RequestException, *, safe: bool) -> Transient:
    """The decision for a call that got no whole answer."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, _BEFORE_SENDING):
        return Transient("The platform cannot be reached.")
    if isinstance(error, requests.Timeout):
        return _no_answer("The platform did not answer in time.", safe)
    return _no_answer("The connection broke before the answer was complete.", safe)


def raise_for(response: requests.Response, *, safe: bool) -> NoReturn:
    """Raise the decision for an answer that is not 2xx, in the platform's words where it gave any."""
    status, (payload, words) = response.status_code, _words(response)
    said = f"The platform answered {status}" + (f": {words}" if words else ".")
    wait = retry_after(response)
    if status in (429, 430) or (status in (423, 477) and wait is not None):
        raise RateLimited(said, retry_after=wait)
    if status >= 500:
        raise _no_answer(said, safe, wait)
    if status == 401:
        raise Unauthorized(said)
    if status in (402, 403, 423):
        raise Misconfigured(said)
    if status == 404:
        raise NotFound(said)
    if status < 400:
        raise Refused(f"The platform answered {status} with a redirect, which is never followed.", status, None)
    raise Refused(said, status, payload)


def retry_after(response: requests.Response) -> float | None:
    """Seconds of the Retry-After header, which may be "4.0", a whole number or a date (RFC 9110, 10.2.3); None without."""
    text = response.headers.get("Retry-After", "")
    try:
        return min(max(0.0, float(text)), 86_400.0) if text else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def without_personal_data(text: str) -> str:
    """`text` in one line of at most 300 characters, e-mail addresses and long numbers left out."""
    return _PERSONAL.sub("…", " ".join(text.split()))[:300]


def _words(response: requests.Response) -> tuple[Any, str]:
    try:
        payload = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None, ""
    found: Any = payload
    if isinstance(payload, dict):
        found = next((payload[key] for key in ("message", "error_description", "errors", "error") if payload.get(key)), "")
    if isinstance(found, list) and found:
        found = found[0].get("message", "") if isinstance(found[0], dict) else found[0]
    return payload, without_personal_data(found if isinstance(found, str) else "")


def _no_answer(message: str, safe: bool, wait: float | None = None) -> Transient:
    return Transient(message, wait) if safe else UnknownOutcome(message, wait)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # given so that requests does not put a ~/.netrc login over our header
