"""The segments that a new shop begins with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from segsync.rules import tree
from segsync.rules.errors import RuleError
from segsync.rules.format import format_value
from segsync.rules.parse import parse_rule

PLACE = "'{top_category}'"


@dataclass(frozen=True, slots=True)
class Starter:
    """A ready segment: its handle, what to call it, what it is for, and its rule."""

    handle: str
    name: str
    description: str
    rule: str


def starters(top_category: str | None) -> tuple[Starter, ...]:
    """The starters for a shop whose best-selling category this is. Without one, or with a name that no rule can hold, the starter
    about a category is left out."""
    with Path(__file__).with_name("starters.toml").open("rb") as file:
        every = [Starter(**entry) for entry in tomllib.load(file)["starter"]]
    quoted = quoted_category(top_category)
    filled = (Starter(s.handle, s.name, s.description, s.rule.replace(PLACE, quoted or PLACE)) for s in every)
    return tuple(starter for starter in filled if quoted or PLACE not in starter.rule)


def quoted_category(category: str | None) -> str | None:
    """The category as a text of the language; None for nothing, and for characters or a length that a rule refuses."""
    if not category or not category.strip():
        return None
    text = format_value(tree.Text(category))
    try:
        parse_rule(f"top_category = {text}")
    except RuleError:
        return None
    return text
