"""The contact properties of a portal as neutral definitions.

Source: developers.hubspot.com, "Properties": types and field types; a checkbox field holds several values with `;` between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.hubspot.client import items
from integrations.records import PropertyDefinition, PropertyDefinitions

_LABEL = 255
_OPTIONS = 5_000  # of one property; HubSpot allows no more


def definitions(answers: Iterable[Mapping[str, Any]]) -> PropertyDefinitions:
    """All properties of which a rule can ask. Coordinates, JSON and whatever else rules have no values for are left out."""
    found = (_definition(answer) for answer in answers)
    return PropertyDefinitions(tuple(sorted((one for one in found if one is not None), key=lambda one: one.name)))


def _definition(answer: Mapping[str, Any]) -> PropertyDefinition | None:
    name, label = str(answer.get("name") or ""), str(answer.get("label") or "")[:_LABEL]
    if not name or answer.get("archived") is True:
        return None
    match answer.get("type"):
        case "enumeration":
            values = tuple(str(option.get("value")) for option in items(answer, "options")[:_OPTIONS] if option.get("value") not in (None, ""))
            return PropertyDefinition(name, "enumeration", values, answer.get("fieldType") == "checkbox", label)
        case "string" | "phone_number":
            return PropertyDefinition(name, "string", label=label)
        case "number" | "date" | "datetime" | "bool" as kind:
            return PropertyDefinition(name, kind, label=label)
        case _:
            return None
