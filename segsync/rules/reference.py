"""The reference page of the language, made from the catalogue: `docs/rules-reference.md` is `reference()` written down."""

from __future__ import annotations

from collections.abc import Iterable

from segsync.rules import catalogue
from segsync.rules.entries import Activity, Attribute, Entry, Type
from segsync.rules.scan import MAX_CHARACTERS, MAX_CLAUSES, MAX_DEPTH, MAX_LIST_VALUES
from segsync.rules.templates import GROUPS, templates
from segsync.rules.vocabulary import FAMILIES, TYPES

INTRODUCTION = f"""# The rule language: reference

Made from the catalogue by `segsync.rules.reference`; change the catalogue, not this page.

A rule is one condition, or several joined by `AND`, `OR` and `NOT`; `AND` binds tighter than `OR`. It may hold {MAX_CLAUSES} conditions,
groups {MAX_DEPTH} deep, {MAX_LIST_VALUES} values in a list and {MAX_CHARACTERS:,} characters. Comments run from `--` to the end of the line.

| form | example |
|---|---|
| comparison | `number_of_orders >= 3` |
| range, both ends included | `last_order_date BETWEEN -180d AND -91d` |
| list of values | `rfm_group IN ('LOYAL', 'CHAMPIONS')` |
| parts of a text, elements of a list | `customer_email ENDS WITH '.edu'`, `customer_tags CONTAINS 'vip'` |
| known or not | `customer_language IS NOT NULL` |
| place among the customers | `amount_spent IN TOP 10%`, `number_of_orders NOT IN BOTTOM 500` |
| what customers did | `orders_placed MATCHES (date >= -30d, count >= 2)` |
| one thing and then another | `emails.clicked MATCHES () THEN orders_placed NOT MATCHES () WITHIN 24h` |
| a day that comes round | `anniversary('first_order_date') BETWEEN today AND +7d` |
| another segment | `segments CONTAINS 'repeat-buyers'` |

Days: `2026-01-31`, `today`, `yesterday`, `-30d`, `-2w`, `-6m`, `-1y`. Instants: `2026-01-31T16:00:00`, `now`, `-24h`, `-90min`. All are read in
the shop's time zone. A comparison with a missing value is false; `NOT` around it is plain negation."""


def reference() -> str:
    """The whole page as Markdown, the same for the same catalogue."""
    return "\n\n".join([INTRODUCTION, *_attributes(), *_activities(), *_templates()]) + "\n"


def _attributes() -> Iterable[str]:
    yield "## Attributes"
    shared = (entry for entry in catalogue.ATTRIBUTES.values() if not entry.unshared)
    yield _table(("attribute", "type", "operators", "meaning", "from"), (_attribute(entry) for entry in shared))
    yield "### Properties of the connected accounts"
    types = ", ".join(f"{name} is {kind.value}" for name, kind in TYPES.items())
    rows = ((f"`{family}<name>`", label, f"takes {provider}") for family, (label, provider) in FAMILIES.items())
    yield f"Each has the type of its definition: {types}; an enumeration with several values is a list."
    yield _table(("name", "what", "data"), rows)


def _attribute(entry: Attribute) -> tuple[str, ...]:
    operators = [*entry.operators, *(("IN TOP", "IN BOTTOM") if entry.type.is_ordered else ())]
    data = f"no data yet: takes {entry.awaits}" if entry.awaits else entry.source
    return f"`{entry.name}`", _type(entry), " ".join(f"`{operator}`" for operator in operators), entry.help, data


def _activities() -> Iterable[str]:
    yield "## Activities"
    for activity in catalogue.ACTIVITIES.values():
        if not activity.unshared:
            yield f"### {activity.name}"
            yield _about(activity)
            parameters = activity.parameters.values()
            yield _table(
                ("parameter", "type", "asked of", "meaning"),
                (
                    (
                        f"`{entry.name}`",
                        _type(entry),
                        {"row": "each", "line": "one line", "aggregate": "all together"}[entry.scope],
                        entry.help + (f" No data yet: takes {entry.awaits}." if entry.awaits else ""),
                    )
                    for entry in parameters
                ),
            )
    yield "### Read, not answered"
    attributes = [entry.unshared for entry in catalogue.ATTRIBUTES.values()]
    activities = [entry.unshared for entry in catalogue.ACTIVITIES.values()]
    yield "\n".join(f"- {refusal}" for refusal in (*attributes, *activities) if refusal)


def _about(activity: Activity) -> str:
    awaits = f" No data yet: takes {activity.awaits}." if activity.awaits else ""
    return f"{activity.help} From: {activity.source}.{awaits}"


def _templates() -> Iterable[str]:
    yield "## Templates"
    every = templates("Shoes")
    for group in GROUPS:
        yield f"### {group.capitalize()}"
        rows = ((template.name, f"`{template.rule}`", template.meaning, template.action) for template in every if template.group == group)
        yield _table(("segment", "rule", "who", "what to do"), rows)


def _type(entry: Entry) -> str:
    if entry.type is Type.ENUM:
        return ", ".join(f"`'{value}'`" for value in entry.values)
    return f"{entry.type.value}, such as `{entry.example}`" if entry.example else entry.type.value


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
