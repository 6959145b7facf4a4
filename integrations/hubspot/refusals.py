"""What HubSpot's refusals mean: an answer other than success becomes the one error of `integrations.errors` that fits.

Sources: developers.hubspot.com, "Error handling" (status codes and the error body) and "API usage guidelines" (429 and
its policyName).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from integrations.errors import IntegrationError, Misconfigured, NotFound, RateLimited, Rejected, Transient, UnknownOutcome

Json = dict[str, object]

# How long a 429 lasts when HubSpot does not say: the window of the policy that was hit. The daily limit ends at the portal's
# own midnight, which no answer tells, so it is asked for again every hour.
_POLICY_WAIT = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "DAILY": 3600.0}
_LOCKED_WAIT = 2.0
_MIGRATION_WAIT = 3600.0
_LONGEST_WAIT = 24 * 3600.0
_WORDS = 280
_ADDRESS = re.compile(r"[^\s\"'<>\[\]{}(),;:=]+@[^\s\"'<>\[\]{}(),;:=]+")


class TooLarge(Rejected):
    """The body is larger than HubSpot takes (413): the same items in smaller requests may pass."""


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, write: bool, now: datetime) -> IntegrationError:
    """The error for an answer that is no success and no 401. `write` says whether the call could have changed something."""
    told = parsed(body)
    said = words(told)
    if status == 429:
        policy = str(told.get("policyName") or "TEN_SECONDLY_ROLLING").upper()
        limit = {"SECONDLY": "per-second", "DAILY": "daily"}.get(policy, "ten-second")
        return RateLimited(f"HubSpot's {limit} limit is used up.", _wait(headers, now, _POLICY_WAIT.get(policy, 10.0)))
    if status == 423:
        return Transient("HubSpot has locked this record for a moment.", _wait(headers, now, _LOCKED_WAIT))
    if status == 477:
        return Transient("HubSpot is moving this account to another data centre.", _wait(headers, now, _MIGRATION_WAIT))
    if status >= 500 or status in (408, 421, 425):
        kind = UnknownOutcome if write else Transient
        return kind(f"HubSpot answered {status}.", _wait(headers, now, None))
    if status == 403:
        return Misconfigured(_forbidden(told, said))
    if status == 402:
        return Misconfigured(f"HubSpot asks for a payment before it answers: {said or 'see the account’s plan'}.")
    if status in (404, 410):
        return NotFound(said or "HubSpot does not have this (any more).")
    if status == 413:
        return TooLarge(said or "The request is larger than HubSpot takes.")
    return Rejected(said or f"HubSpot refused the request ({status}).")


def parsed(body: bytes) -> Json:
    """The error body as an object; {} when it is not one (a proxy's page, for instance)."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def words(told: Json) -> str:
    """HubSpot's own words on what is wrong, in at most 280 characters, e-mail addresses taken out."""
    message = str(told.get("message") or "")
    details = [str(item["message"]) for item in _errors(told) if item.get("message")]
    if message.startswith("Property values were not valid") and details:  # the rest of that message is the details again, as JSON
        message = ""
    text = " ".join(dict.fromkeys(part.strip() for part in [message, *details] if part.strip()))
    text = _ADDRESS.sub("(address)", text)
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"


def needed_scopes(told: Json) -> list[str]:
    """The scopes that a MISSING_SCOPES refusal names, sorted."""
    scopes: set[str] = set()
    for item in _errors(told):
        context = item.get("context")
        named = context.get("requiredGranularScopes", context.get("requiredScopes")) if isinstance(context, dict) else None
        if isinstance(named, list):
            scopes.update(str(scope) for scope in named)
    return sorted(scopes)


def _forbidden(told: Json, said: str) -> str:
    scopes = needed_scopes(told)
    if scopes:
        return f"HubSpot has not granted {', '.join(scopes)}: connect HubSpot again and allow it."
    if told.get("category") == "MISSING_SCOPES":
        return "HubSpot has not granted all scopes that this needs: connect HubSpot again and allow them."
    return f"HubSpot does not allow this for the account: {said or 'the plan may lack it'}"


def _errors(told: Json) -> list[Json]:
    errors = told.get("errors")
    return [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []


def _wait(headers: Mapping[str, str], now: datetime, default: float | None) -> float | None:
    """Retry-After in seconds (RFC 9110: a number of seconds or a date), else `default`."""
    value = headers.get("Retry-After") or ""
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return default
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else default
