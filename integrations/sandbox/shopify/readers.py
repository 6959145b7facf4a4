"""How a field is read: an entry makes a reader once per selection (`entry(access, arguments)`), which is then called per object.

The readers of the plainest fields also say what they do as a Python expression, so that a bulk query over a million lines can be
compiled into one function per type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from integrations.sandbox.shopify.access import Access

Args = Mapping[str, Any]
Reader = Callable[[Any], Any]
Entry = Callable[[Access, Args], Reader]
Table = dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Inline:
    """A reader that is also known as an expression: `text` with {} for the object, `names` what else it mentions."""

    read: Reader
    text: str
    names: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, o: Any) -> Any:
        """The value read from `o`."""
        return self.read(o)


def iso(instant: datetime | None) -> str | None:
    """An instant (UTC) as the API prints it: to the second, with a Z."""
    return None if instant is None else instant.isoformat(timespec="seconds")[:19] + "Z"


def decimal_text(minor: int, digits: int) -> str:
    """An amount as the API prints it: a decimal with at least one digit after the point ("10.0", "10.55")."""
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    if digits == 0:
        return f"{sign}{minor}.0"
    whole, rest = divmod(minor, 10**digits)
    return f"{sign}{whole}.{str(rest).rjust(digits, '0').rstrip('0') or '0'}"


def attr(name: str) -> Entry:
    """The attribute as it is."""
    reader = Inline(attrgetter(name), "{}." + name)
    return lambda _access, _args: reader


def of(read: Callable[[Any], Any]) -> Entry:
    """Computed from the object alone."""
    return lambda _access, _args: read


def from_store(read: Callable[[Access, Any], Any]) -> Entry:
    """Computed from the object and the store."""
    return lambda access, _args: partial(read, access)


def gid(kind: str) -> Entry:
    """The global id of an object of `kind`."""
    prefix = f"gid://shopify/{kind}/"
    return of(Inline(lambda o: f"{prefix}{o.id}", 'f"' + prefix + '{{{}.id}}"'))


def time_of(name: str) -> Entry:
    """The instant in that attribute, printed."""
    read = attrgetter(name)
    return of(lambda o: None if (at := read(o)) is None else at.isoformat(timespec="seconds")[:19] + "Z")
