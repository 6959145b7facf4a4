"""The one catalogue: every attribute and activity of the language by name. Checker, evaluators, English and reference read it."""

from __future__ import annotations

from collections.abc import Mapping

from segsync.rules.activities import ACTIVITIES as ANSWERED_ACTIVITIES
from segsync.rules.attributes import ATTRIBUTES as ANSWERED_ATTRIBUTES
from segsync.rules.awaited import AWAITED_ACTIVITIES, AWAITED_ATTRIBUTES, PREFIXES
from segsync.rules.entries import Activity, Attribute, Type

ATTRIBUTES: Mapping[str, Attribute] = {entry.name: entry for entry in (*ANSWERED_ATTRIBUTES, *AWAITED_ATTRIBUTES)}
ACTIVITIES: Mapping[str, Activity] = {entry.name: entry for entry in (*ANSWERED_ACTIVITIES, *AWAITED_ACTIVITIES)}


def attribute(name: str) -> Attribute | None:
    """The attribute of that name; a name in a family such as `hubspot.` is one too. None for no attribute."""
    if found := ATTRIBUTES.get(name):
        return found
    for prefix, label in PREFIXES.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            key = name.removeprefix(prefix)
            return Attribute(name=name, type=Type.TEXT, label=f"{label} {key}", help=f"The {label} {key}.", source=label)
    return None


def activity(name: str) -> Activity | None:
    """The activity of that name, or None."""
    return ACTIVITIES.get(name)
