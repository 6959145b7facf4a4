"""What HubSpot checks before it stores a property value that came through the API, and how it stores it.

Sources: developers.hubspot.com, "Contacts", "Properties" and "Enhanced validations for non-string properties" (changelog).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from integrations.sandbox.hubspot.call import Json, as_object, instant, iso, millis
from integrations.sandbox.hubspot.contact_values import known
from integrations.sandbox.hubspot.index import normalised
from integrations.sandbox.hubspot.property_catalogue import LIFECYCLE
from integrations.sandbox.hubspot.refusals import PropertyProblem, invalid, invalid_properties
from integrations.sandbox.hubspot.state import Contact, Portal

_Problem = Callable[[str, str], None]
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\\\]]+@(?:[\w](?:[\w-]*[\w])?\.)+[\w-]{2,}", re.UNICODE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff]")
MAX_VALUE = 65_536  # characters of one text value: knowledge.hubspot.com, "Property field types"


def is_email(text: str) -> bool:
    """Whether HubSpot takes `text` as an e-mail address."""
    return bool(_EMAIL.fullmatch(text)) and ".." not in text and len(text) <= 254


def clean(portal: Portal, raw: object, contact: Contact | None = None) -> dict[str, str | None]:
    """The values to store for a write's `properties`; None clears. `contact` is who is written to, None for a new one.

    Unknown and read-only names, invalid addresses, numbers, dates and options are refused together in one 400.
    """
    problems: list[PropertyProblem] = []
    values: dict[str, str | None] = {}
    for name, given in as_object(raw, "properties").items():
        defined = known(portal, name)
        if defined is None:
            problems.append(PropertyProblem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
            continue
        if _read_only(defined):
            problems.append(PropertyProblem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'))
            continue
        text = _as_text(given, name)
        if text is None or text == "":
            values[name] = None
            continue
        if name == "email" and normalised(text) in portal.blocked_emails:
            problems.append(PropertyProblem(name, "INVALID_EMAIL", "This email address was permanently deleted and cannot be used again"))
            continue
        stored = _stored(defined, text, contact, problems)
        if stored is not None:
            values[name] = stored
    if problems:
        raise invalid_properties(problems, portal.hub_id)
    if contact is not None and _goes_back(contact, values.get("lifecyclestage")):
        del values["lifecyclestage"]
    return values


def _as_text(given: object, name: str) -> str | None:
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return str(given)
    raise invalid(f"Invalid input JSON: the value of property '{name}' must be text, a number, true, false or null.")


def _read_only(defined: Json) -> bool:
    return bool(as_object(defined.get("modificationMetadata") or {}, "modificationMetadata").get("readOnlyValue"))


def _stored(defined: Json, text: str, contact: Contact | None, problems: list[PropertyProblem]) -> str | None:
    """The value as HubSpot keeps it, or None after noting why it cannot."""
    name, kind = str(defined["name"]), str(defined["type"])

    def problem(code: str, message: str) -> None:
        problems.append(PropertyProblem(name, code, message))

    if len(text) > MAX_VALUE:
        problem("VALUE_TOO_LONG", f"{name} is longer than {MAX_VALUE} characters.")
        return None
    if name == "email":  # stored lower-cased and trimmed; the identity of a contact
        address = normalised(text)
        if not is_email(address):
            problem("INVALID_EMAIL", f"Email address {text} is invalid")
            return None
        return address
    if kind == "number":
        if not _NUMBER.fullmatch(text):
            problem("INVALID_NUMBER", f"{text} was not a valid number.")
            return None
        return text
    if kind in ("datetime", "date"):
        at = instant(text)
        if at is None:
            problem("INVALID_DATE", f"{text} was not a valid {'date' if kind == 'date' else 'long'}.")
            return None
        if kind == "date":
            if millis(at) % 86_400_000:
                problem("INVALID_DATE", f"{text} is at a time of day; a date must be midnight UTC.")
                return None
            return at.date().isoformat()
        return iso(at)
    if kind in ("enumeration", "bool"):
        return _option(defined, text, contact, problem)
    return text


def _option(defined: Json, text: str, contact: Contact | None, problem: _Problem) -> str | None:
    name, several = str(defined["name"]), defined.get("fieldType") == "checkbox"
    options = defined.get("options")
    allowed = [str(option["value"]) for option in options if isinstance(option, dict)] if isinstance(options, list) else []
    appended = several and text.startswith(";")  # a leading semicolon adds to what is there: "Properties", multiple checkboxes
    parts = [part for part in text.split(";") if part] if several else [text]
    for part in parts:
        if part != part.strip() or _INVISIBLE.search(part):
            problem("INVALID_OPTION", f"{part!r} has blanks around it or invisible characters, which {name} does not take.")
            return None
        if part not in allowed:
            problem("INVALID_OPTION", f"{part} was not one of the allowed options: {', '.join(allowed)}")
            return None
    if appended and contact is not None:
        parts = [part for part in (contact.properties.get(name) or "").split(";") if part] + parts
    return ";".join(dict.fromkeys(parts)) or None


def _goes_back(contact: Contact, stage: str | None) -> bool:
    """Whether a write would move the lifecycle stage backwards, which the API leaves as it was without an error."""
    order = list(LIFECYCLE)
    current = contact.properties.get("lifecyclestage")
    return stage in order and current in order and order.index(stage) < order.index(current)
