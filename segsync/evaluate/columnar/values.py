"""Where the value of any attribute stands: one of the catalogue, or a property by the type that its definition gives it."""

from __future__ import annotations

from typing import Any

from segsync.evaluate.columnar.attributes import ATTRIBUTES, DAYS, Read, Summary
from segsync.evaluate.columnar.conditions import Scaled, literal
from segsync.evaluate.columnar.derived import DERIVED
from segsync.evaluate.columnar.layout import NUMBER_SCALE, table
from segsync.rules import catalogue
from segsync.rules.entries import Type
from segsync.rules.predicates import Terms
from segsync.rules.vocabulary import Vocabulary

# Which column of `properties` holds the value of a property of each type.
_COLUMNS = {Type.DECIMAL: "number", Type.FLAG: "flag", Type.ENUM: "value", Type.TEXT: "folded", Type.LIST: "several"}


def value_of(name: str, vocabulary: Vocabulary) -> Read | Summary:
    """Where an attribute's value is. Raises KeyError for a name that `check_tree` refuses."""
    return ATTRIBUTES.get(name) or DERIVED.get(name) or _property(name, vocabulary, day=False)


def day_of(name: str, vocabulary: Vocabulary) -> Read | Summary:
    """Where the local day of a date's instant is. Raises KeyError for a name that `check_tree` refuses."""
    return DAYS.get(name) or _property(name, vocabulary, day=True)


def _property(name: str, vocabulary: Vocabulary, *, day: bool) -> Summary:
    definition, entry = vocabulary.properties[name], catalogue.attribute(name, vocabulary)
    if entry is None:
        raise KeyError(name)
    dated = f"{'date' if definition.type == 'date' else 'time'}_{'day' if day else 'at'}"
    column = dated if entry.type is Type.DATE else _COLUMNS[entry.type]

    def people(_: Terms) -> Any:
        properties = table("properties")
        return properties.filter(properties.name == literal(name, "string"))

    def value(people: Any, _: Terms) -> Any:
        return Scaled(people[column], NUMBER_SCALE) if column == "number" else people[column]

    return Summary(people=people, value=value, empty=None)
