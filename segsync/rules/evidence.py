"""What made a condition true or false of a customer: the orders, lines, events and values that it looked at, named for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from segsync.rules import catalogue, tree
from segsync.rules.choose import chooser
from segsync.rules.entries import Activity, Type
from segsync.rules.facts import CustomerFacts, money
from segsync.rules.predicates import Terms
from segsync.rules.ranks import cut_in_force
from segsync.rules.sequences import Pair, deciding, pairs

Witness = Callable[[CustomerFacts], tuple[str, ...]]
MAX_EVIDENCE = 20


def witness(body: tree.Body, terms: Terms) -> Witness:
    """The evidence of one checked condition as a function of a customer's facts: at most `MAX_EVIDENCE` rows of it."""
    match body:
        case tree.Test():
            return lambda facts: (value_evidence(body.name, facts, terms),)
        case tree.Rank():
            entry = catalogue.attribute(body.name, terms.vocabulary)
            shown = _shown(cut_in_force(body, terms), entry.type if entry else Type.DECIMAL, terms)
            return lambda facts: (value_evidence(body.name, facts, terms), f"cut in force: {shown}")
        case tree.Matches():
            choose = chooser(body, terms)
            return lambda facts: _rows(catalogue.ACTIVITIES[body.name], choose(facts), terms)
        case tree.Sequence():
            return _sequence(body, terms)
        case tree.Anniversary():
            return lambda facts: (value_evidence(body.field_name, facts, terms),)


def value_evidence(name: str, facts: CustomerFacts, terms: Terms) -> str:
    """`label: value` of one attribute."""
    entry = catalogue.attribute(name, terms.vocabulary)
    if entry is None or entry.read is None:
        return f"{name}: not known"
    return f"{entry.label}: {_shown(entry.read(facts, terms.moment, terms.context), entry.type, terms)}"


def _rows(activity: Activity, rows: Sequence[Any], terms: Terms) -> tuple[str, ...]:
    describe = activity.describe
    if not rows or describe is None:
        return (f"no such {activity.many}",)
    shown = tuple(describe(row, terms.exponent, terms.moment) for row in rows[:MAX_EVIDENCE])
    return (*shown, f"and {len(rows) - MAX_EVIDENCE} more") if len(rows) > MAX_EVIDENCE else shown


def _sequence(body: tree.Sequence, terms: Terms) -> Witness:
    first, then = catalogue.ACTIVITIES[body.first.name], catalogue.ACTIVITIES[body.then.name]
    decide, pair_up = deciding(body, terms), pairs(body, terms)

    def shown(pair: Pair) -> str:
        before = first.describe(pair.first, terms.exponent, terms.moment) if first.describe else first.one
        if pair.then is None:
            return f"{before}, and no such {then.many} within {body.within.amount}{body.within.unit}"
        return f"{before}, then {then.describe(pair.then, terms.exponent, terms.moment) if then.describe else then.one}"

    def told(facts: CustomerFacts) -> tuple[str, ...]:
        found = decide(facts) or pair_up(facts)
        return tuple(shown(pair) for pair in found[:MAX_EVIDENCE]) if found else (f"no such {first.many}",)

    return told


def _shown(value: Any, kind: Type, terms: Terms) -> str:
    if value is None:
        return "not known"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, datetime):
        return f"{value.astimezone(terms.moment.tz):%Y-%m-%d %H:%M}"
    if kind is Type.MONEY:
        # For reading only: comparisons use the exact value.
        return money(round(value), terms.exponent)
    if isinstance(value, Fraction):
        return f"{float(value):.2f}".rstrip("0").rstrip(".")
    return str(value).lower() if isinstance(value, bool) else str(value)
