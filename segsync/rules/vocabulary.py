"""What a shop adds to the language: the properties of its HubSpot portal and its Shopify metafields by type, and its segments' handles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal, get_args

from segsync.rules.context import ShopContext
from segsync.rules.entries import Attribute, Type
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment

PropertyType = Literal["number", "date", "datetime", "bool", "enumeration", "string"]
# Families of names, by what they begin with, and what provides them.
FAMILIES: Mapping[str, tuple[str, str]] = {
    "hubspot.": ("HubSpot property", "the property definitions of a connected HubSpot portal"),
    "metafields.": ("Shopify metafield", "Shopify's customer metafield definitions"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class PropertyDefinition:
    """A property as its platform defines it: `name` in the language (`hubspot.lifecyclestage`), its type, the values of an enumeration.

    `multiple`: the text holds several values with `;` between them. `label` is what people call it.
    """

    name: str
    type: PropertyType
    options: tuple[str, ...] = ()
    multiple: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What names beyond the catalogue mean in one shop.

    `properties` are definitions by name in the language; `handles` the shop's segments, None when they are not known and any
    handle will do. `withheld` names facts that the shop's platforms keep back (an attribute, or `activity.parameter`), each with
    what it would take to get them.
    """

    properties: Mapping[str, PropertyDefinition] = field(default_factory=dict, hash=False)
    handles: frozenset[str] | None = None
    withheld: Mapping[str, str] = field(default_factory=dict, hash=False)

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name in a family; without a reader when no definitions of its family are known; None for no such property."""
        family = next((prefix for prefix in FAMILIES if name.startswith(prefix) and len(name) > len(prefix)), None)
        if family is None:
            return None
        definition = self.properties.get(name)
        if definition is not None:
            return property_attribute(definition, FAMILIES[family][0])
        if any(known.startswith(family) for known in self.properties):
            return None
        label, provider = FAMILIES[family]
        key = name.removeprefix(family)
        return Attribute(name=name, type=Type.TEXT, label=f"{label} {key}", help=f"The {label} {key}.", source=label, awaits=provider)

    def to_json(self) -> list[dict[str, Any]]:
        """The definitions as plain JSON values, to be kept beside a shop's connection; handles are the shop's own and stay out."""
        return [asdict(definition) for definition in self.properties.values()]

    @classmethod
    def from_json(cls, data: Iterable[Mapping[str, Any]], handles: frozenset[str] | None = None) -> Vocabulary:
        """Back from `to_json`. Raises ValueError for a type that no property has."""
        found: dict[str, PropertyDefinition] = {}
        for one in data:
            if one["type"] not in get_args(PropertyType):
                raise ValueError(f"`{one['type']}` is not a type of property; pull the definitions again.")
            options = tuple(one.get("options", ()))
            definition = PropertyDefinition(one["name"], one["type"], options, bool(one.get("multiple")), one.get("label", ""))
            found[definition.name] = definition
        return cls(found, handles)


NO_VOCABULARY = Vocabulary()

TYPES: Mapping[PropertyType, Type] = {
    "number": Type.DECIMAL,
    "date": Type.DATE,
    "datetime": Type.DATE,
    "bool": Type.FLAG,
    "enumeration": Type.ENUM,
    "string": Type.TEXT,
}


def property_attribute(definition: PropertyDefinition, family: str) -> Attribute:
    """The attribute that a definition makes. An enumeration that lists no values is a text: its platform keeps them elsewhere."""
    name, kind = definition.name, TYPES[definition.type]
    if kind is Type.ENUM and not definition.options:
        kind = Type.TEXT
    if definition.type == "enumeration" and definition.multiple:
        kind = Type.LIST
    convert = CONVERTERS["several" if kind is Type.LIST else definition.type]

    def read(facts: CustomerFacts, moment: Moment, _context: ShopContext) -> Any:
        text = facts.properties.get(name)
        return convert(text, moment) if text else None

    label = definition.label or f"{family} {name.partition('.')[2]}"
    return Attribute(
        name=name,
        type=kind,
        label=label,
        help=f"The {family} {name.partition('.')[2]}.",
        source=f"{family}, by its own type ({definition.type})",
        values=definition.options if kind in (Type.ENUM, Type.LIST) else (),
        exact_case=kind is Type.LIST,
        needs=frozenset({"properties"}),
        read=read,
    )


def number(text: str, _moment: Moment | None = None) -> Fraction | None:
    """A number as text, exactly; None for what is none or beyond a billion billions."""
    if not _PLAIN_NUMBER.fullmatch(text.strip()):
        return None
    try:
        return Fraction(Decimal(text.strip()))
    except InvalidOperation:
        return None


def day(text: str, _moment: Moment | None = None) -> date | None:
    """A calendar day: YYYY-MM-DD, or milliseconds since 1970 at midnight UTC (developers.hubspot.com, Properties)."""
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        found = instant(text)
        return None if found is None else found.date()
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def instant(text: str, _moment: Moment | None = None) -> datetime | None:
    """An instant: ISO 8601 (UTC where it names no zone), or milliseconds since 1970. None for what is none, and at the ends of the calendar
    (years 1 and 9999), where it may fall on no day of a shop's."""
    try:
        if re.fullmatch(r"-?[0-9]{1,15}", text):
            found = _EPOCH + timedelta(milliseconds=int(text))
        else:
            told = datetime.fromisoformat(text)
            found = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 1 < found.year < 9999 else None


def _day_start(text: str, moment: Moment) -> datetime | None:
    """A day has no zone: it stands for the same day of the shop's calendar, held by the instant at which it begins."""
    found = day(text)
    return moment.day_bounds(found).start if found is not None and 1 < found.year < 9999 else None


def _flag(text: str, _moment: Moment) -> bool | None:
    return {"true": True, "false": False}.get(text.strip().lower())


def _several(text: str, _moment: Moment) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _same(text: str, _moment: Moment) -> str:
    return text


CONVERTERS: Mapping[str, Callable[[str, Moment], Any]] = {
    "number": number,
    "date": _day_start,
    "datetime": instant,
    "bool": _flag,
    "enumeration": _same,
    "string": _same,
    "several": _several,
}
