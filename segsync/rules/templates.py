"""Ready segments by group, each offered only where the data that its rule reads exists."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from segsync.rules import catalogue, tree
from segsync.rules.parse import parse_rule
from segsync.rules.starters import PLACE, quoted_category
from segsync.rules.vocabulary import FAMILIES, NO_VOCABULARY, Vocabulary

GROUPS = ("purchase", "usage", "benefits", "loyalty", "journey", "browsing", "feedback", "value", "win-back", "cart", "email", "lifecycle")
NPS_PROPERTY = "hubspot.hs_feedback_last_nps_rating"


@dataclass(frozen=True, slots=True)
class Template:
    """A ready segment: what it says, what to do with it, and its rule.

    `needs` names the data that it takes: kinds of facts (`orders`), activities (`emails.opened`) and properties
    (`hubspot.lifecyclestage`). Of each set in it, one is enough.
    """

    handle: str
    name: str
    group: str
    rule: str
    meaning: str
    action: str
    needs: tuple[frozenset[str], ...] = ()


def templates(top_category: str | None = None) -> tuple[Template, ...]:
    """All templates for a shop whose best-selling category this is; without one, those about a category are left out."""
    quoted = quoted_category(top_category)
    filled = (_filled(template, quoted or PLACE) for template in _written())
    return tuple(template for template in filled if quoted or PLACE not in template.rule)


def offered(template: Template, available: frozenset[str], vocabulary: Vocabulary = NO_VOCABULARY) -> bool:
    """Whether a shop with these data, and the properties of this vocabulary, can use the template. Profiles are always there."""
    return all(alternatives & available or alternatives & vocabulary.properties.keys() for alternatives in template.needs)


def data_needed(rule: tree.Rule) -> tuple[frozenset[str], ...]:
    """The data that a rule reads, each a set of which one is enough; in a stable order, none twice."""
    found = dict.fromkeys(needed for clause in tree.clauses(rule.root) for needed in _of_body(clause.body))
    return tuple(sorted(found, key=sorted))


def _of_body(body: tree.Body) -> Iterator[frozenset[str]]:
    match body:
        case tree.Matches():
            yield from _of_activity(body)
        case tree.Sequence():
            yield from _of_activity(body.first)
            yield from _of_activity(body.then)
        case tree.Anniversary():
            yield from _of_attribute(body.field_name)
        case _:
            yield from _of_attribute(body.name)


def _of_activity(body: tree.Matches) -> Iterator[frozenset[str]]:
    activity = catalogue.ACTIVITIES[body.name]
    kinds: set[str] = set(activity.needs).union(*(activity.parameters[test.name].needs for test in body.parameters))
    yield from (frozenset({body.name if kind == "activities" else kind}) for kind in kinds)


def _of_attribute(name: str) -> Iterator[frozenset[str]]:
    if name.startswith(tuple(FAMILIES)):
        yield frozenset({name})
        return
    entry = catalogue.ATTRIBUTES[name]
    events = frozenset(entry.activity_kinds)
    if events:
        yield events | {NPS_PROPERTY} if "properties" in entry.needs else events
    yield from (frozenset({kind}) for kind in entry.needs - {"profile", "activities", "properties", "segments"})


@cache
def _written() -> tuple[Template, ...]:
    with Path(__file__).with_name("templates.toml").open("rb") as file:
        every = [Template(**entry) for entry in tomllib.load(file)["template"]]
    return tuple(_with_needs(template) for template in every)


def _with_needs(template: Template) -> Template:
    needs = data_needed(parse_rule(template.rule))
    return Template(template.handle, template.name, template.group, template.rule, template.meaning, template.action, needs)


def _filled(template: Template, quoted: str) -> Template:
    rule = template.rule.replace(PLACE, quoted)
    return Template(template.handle, template.name, template.group, rule, template.meaning, template.action, template.needs)
