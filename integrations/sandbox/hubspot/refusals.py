"""How HubSpot says no: one exception that carries the status and the JSON body of an error.

Shapes: developers.hubspot.com, "Error handling".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime


class Refusal(Exception):
    """An answer other than success. `body` is the error as HubSpot's JSON has it, without its correlation id."""

    def __init__(self, status: int, message: str, category: str = "", **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body: dict[str, object] = {"status": "error", "message": message}
        if category:
            self.body["category"] = category
        self.body.update(more)


def invalid(message: str, **more: object) -> Refusal:
    """400: the request itself is wrong."""
    return Refusal(400, message, "VALIDATION_ERROR", **more)


def not_found(message: str = "resource not found") -> Refusal:
    """404: no such record."""
    return Refusal(404, message, "OBJECT_NOT_FOUND")


def conflict(existing_id: int) -> Refusal:
    """409: another contact has that e-mail address; names its id ("Contact already exists. Existing ID: n")."""
    return Refusal(409, f"Contact already exists. Existing ID: {existing_id}", "CONFLICT")


def missing_scopes(needed: Iterable[str]) -> Refusal:
    """403 MISSING_SCOPES, naming the scopes that would let the call through."""
    errors = [{"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": sorted(needed)}}]
    return Refusal(403, "This app hasn't been granted all required scopes to make this call.", "MISSING_SCOPES", errors=errors)


def expired(since: datetime, now: datetime) -> Refusal:
    """401 for an access token past its 30 minutes."""
    minutes = int((now - since).total_seconds() // 60)
    return Refusal(
        401,
        f"The OAuth token used to make this call expired {minutes} minute(s) ago.",
        "EXPIRED_AUTHENTICATION",
        context={"expire time": [since.isoformat().replace("+00:00", "Z")]},
    )


def unauthenticated() -> Refusal:
    """401 for a missing, unknown or revoked access token."""
    return Refusal(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0; send a bearer token.",
        "INVALID_AUTHENTICATION",
    )


class PropertyProblem:
    """One property of a write that HubSpot will not take, and its code (PROPERTY_DOESNT_EXIST, INVALID_EMAIL, …)."""

    def __init__(self, name: str, code: str, message: str) -> None:
        self.name = name
        self.code = code
        self.message = message


def invalid_properties(problems: list[PropertyProblem], portal_id: int) -> Refusal:
    """400 for property values: the message repeats the problems as JSON text, `errors` lists them by code and property."""
    told = [
        {"isValid": False, "message": p.message, "error": p.code, "name": p.name, "localizedErrorMessage": p.message, "portalId": portal_id} for p in problems
    ]
    errors = [{"message": p.message, "code": p.code, "context": {"propertyName": [p.name]}} for p in problems]
    return invalid(f"Property values were not valid: {json.dumps(told, separators=(',', ':'))}", errors=errors)
