"""One authenticated request to HubSpot's API, and the careful reading of what it carries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from werkzeug.wrappers import Request

from integrations.sandbox.hubspot.refusals import invalid
from integrations.sandbox.hubspot.state import Portal

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer: JSON `body`, or nothing for 204."""

    body: Json | None
    status: int = 200


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request whose token and scopes were accepted: `portal` is the token's account, `now` the sandbox's instant."""

    request: Request
    portal: Portal
    scopes: frozenset[str]
    now: datetime
    path: str
    user_id: int
    app_id: int
    token: str

    def text(self, name: str) -> str | None:
        """A query parameter, None when absent or empty."""
        return self.request.args.get(name) or None

    def texts(self, name: str) -> list[str]:
        """A query parameter given several times or with commas; blanks left out, order kept."""
        return [part.strip() for value in self.request.args.getlist(name) for part in value.split(",") if part.strip()]

    def flag(self, name: str) -> bool:
        """A true/false query parameter; absent is false. Raises a 400 for anything else."""
        value = (self.request.args.get(name) or "false").lower()
        if value not in ("true", "false"):
            raise invalid(f"The query parameter '{name}' must be true or false.")
        return value == "true"

    def number(self, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """A whole-number query parameter within bounds. Raises a 400 that names the bound."""
        return bounded(self.request.args.get(name), name, default, least=least, most=most)

    def payload(self) -> object:
        """The JSON body. Raises a 400 when it is not JSON."""
        try:
            parsed: object = orjson.loads(self.request.get_data(cache=True) or b"null")
        except orjson.JSONDecodeError:
            raise invalid("Invalid input JSON: the request body could not be read.") from None
        return parsed

    def body(self) -> Json:
        """The JSON body as an object. Raises a 400 when it is anything else."""
        return as_object(self.payload(), "the request body")


def bounded(value: object, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """`value` as a whole number within bounds, `default` when None. Raises a 400 that names `name` and the bound."""
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"-?\d{1,18}", str(value)):
        raise invalid(f"Invalid value for '{name}': a whole number is needed.")
    number = int(value)
    if number < least or (most is not None and number > most):
        bound = f"between {least} and {most}" if most is not None else f"at least {least}"
        raise invalid(f"Invalid value for '{name}': {number} is not {bound}.")
    return number


def as_object(value: object, what: str) -> Json:
    """`value` as a JSON object. Raises a 400 naming `what` otherwise."""
    if not isinstance(value, dict):
        raise invalid(f"Invalid input JSON: {what} must be an object.")
    return value


def as_list(value: object, what: str) -> list[object]:
    """`value` as a JSON array. Raises a 400 naming `what` otherwise."""
    if not isinstance(value, list):
        raise invalid(f"Invalid input JSON: {what} must be an array.")
    return value


def as_text(value: object, what: str) -> str:
    """`value` as non-blank text. Raises a 400 naming `what` otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"Invalid input JSON: some required fields were not set: [{what}]")
    return value


def as_texts(value: object, what: str) -> list[str]:
    """`value` as an array of text. Raises a 400 naming `what` otherwise."""
    items = as_list(value, what)
    if not all(isinstance(item, str) for item in items):
        raise invalid(f"Invalid input JSON: every item of {what} must be a string.")
    return [str(item) for item in items]


def iso(at: datetime) -> str:
    """An instant as HubSpot writes it: UTC, milliseconds only where there are any, trailing Z."""
    at = at.astimezone(UTC)
    milliseconds = at.microsecond // 1000
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{milliseconds:03d}Z" if milliseconds else "Z")


def millis(at: datetime) -> int:
    """An instant as milliseconds since 1970."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def from_millis(value: int) -> datetime:
    """The instant `value` milliseconds since 1970; the far future when that is beyond the calendar."""
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def instant(value: str) -> datetime | None:
    """An instant given as ISO 8601 or as milliseconds, None when it is neither. Without a zone it is UTC."""
    if re.fullmatch(r"-?\d{1,17}", value):
        return from_millis(int(value))
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
