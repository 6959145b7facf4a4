"""The one catalogue: every attribute and activity of the language by name. Checker, evaluators, English and reference read it."""

from __future__ import annotations

from collections.abc import Mapping

from segsync.rules.activities import ACTIVITIES as SHOP_ACTIVITIES
from segsync.rules.activities_engaged import ENGAGED_ACTIVITIES
from segsync.rules.attributes import ATTRIBUTES as OWN_ATTRIBUTES
from segsync.rules.attributes_derived import DERIVED
from segsync.rules.awaited import AWAITED_ATTRIBUTES, UNSHARED_ACTIVITIES, UNSHARED_ATTRIBUTES
from segsync.rules.entries import Activity, Attribute
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

ATTRIBUTES: Mapping[str, Attribute] = {entry.name: entry for entry in (*OWN_ATTRIBUTES, *DERIVED, *AWAITED_ATTRIBUTES, *UNSHARED_ATTRIBUTES)}
ACTIVITIES: Mapping[str, Activity] = {entry.name: entry for entry in (*SHOP_ACTIVITIES, *ENGAGED_ACTIVITIES, *UNSHARED_ACTIVITIES)}

__all__ = ["ACTIVITIES", "ATTRIBUTES", "NO_VOCABULARY", "Activity", "Attribute", "Vocabulary", "activity", "attribute"]


def attribute(name: str, vocabulary: Vocabulary = NO_VOCABULARY) -> Attribute | None:
    """The attribute of that name, the shop's properties included. None for no attribute."""
    return ATTRIBUTES.get(name) or vocabulary.attribute(name)


def activity(name: str) -> Activity | None:
    """The activity of that name, or None."""
    return ACTIVITIES.get(name)
