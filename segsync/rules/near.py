"""What is missing for a customer to enter: `1 more order of at least 50.00 before 3 December`.

What a customer can still do is named with its amount and its deadline; whatever else a condition asks is told as the condition itself.
Where any of several would do, the one that takes least is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from math import ceil, floor
from typing import Any

from segsync.rules import catalogue, tree
from segsync.rules.choose import chooser
from segsync.rules.context import ShopContext
from segsync.rules.english import explain_clause, parameter_phrase
from segsync.rules.entries import Activity, Type
from segsync.rules.evidence import value_evidence
from segsync.rules.facts import CustomerFacts, money
from segsync.rules.forecast import row_changes
from segsync.rules.interpret import EMPTY, judge_clause
from segsync.rules.moments import Moment
from segsync.rules.phrases import AMOUNTS
from segsync.rules.predicates import Terms, limit, predicate
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

LOWER = frozenset({">=", ">", "=", "BETWEEN"})
TOTALS = {"number_of_orders": ("more order", "more orders"), "amount_spent": ("more spent", "more spent")}


def near_miss(
    rule: tree.Rule, facts: CustomerFacts, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = ""
) -> tuple[str, ...]:
    """What is missing, each a phrase without a full stop; none for somebody who belongs. The rule must have been checked."""
    terms = Terms(moment, facts.currency_exponent, replace(context, rule_salt=salt), vocabulary)
    return tuple(dict.fromkeys(_missing(rule.root, True, facts, terms)))


def _missing(node: tree.Node, wanted: bool, facts: CustomerFacts, terms: Terms) -> list[str]:
    match node:
        case tree.Not():
            return _missing(node.item, not wanted, facts, terms)
        case tree.Clause():
            if judge_clause(node.body, terms)(facts) == wanted:
                return []
            return [_needed(node.body, facts, terms) if wanted else f"to be no longer among those {explain_clause(node.body, terms.vocabulary)}"]
        case _:
            each = [_missing(item, wanted, facts, terms) for item in node.items]
            if isinstance(node, tree.And) == wanted:
                return [phrase for phrases in each for phrase in phrases]
            return min(each, key=len)


def _needed(body: tree.Body, facts: CustomerFacts, terms: Terms) -> str:
    match body:
        case tree.Test():
            return _more_of_a_total(body, facts, terms) or f"{_to_be(body, terms)} ({value_evidence(body.name, facts, terms)})"
        case tree.Rank():
            return f"{_to_be(body, terms)} ({value_evidence(body.name, facts, terms)})"
        case tree.Matches():
            return _more_rows(body, facts, terms) or _to_be(body, terms)
        case _:
            return _to_be(body, terms)


def _to_be(body: tree.Body, terms: Terms) -> str:
    return f"to be among those {explain_clause(body, terms.vocabulary)}"


def _shortfall(test: tree.Test, value: Any, kind: Type, entry: catalogue.Attribute | Any, terms: Terms) -> int | None:
    """How much is lacking to the least that passes, in whole units or minor units; None when more would not help."""
    if test.operator not in LOWER or test.negated or value is None:
        return None
    least = limit(test.values[0], entry, terms)
    lacking = floor(least - value) + 1 if test.operator == ">" else ceil(least - value)
    return lacking if lacking > 0 and kind in (Type.INTEGER, Type.MONEY) else None


def _more_of_a_total(test: tree.Test, facts: CustomerFacts, terms: Terms) -> str | None:
    if test.name not in TOTALS:
        return None
    entry = catalogue.ATTRIBUTES[test.name]
    value = entry.read(facts, terms.moment, terms.context) if entry.read else None
    lacking = _shortfall(test, value, entry.type, entry, terms)
    if lacking is None:
        return None
    one, many = TOTALS[test.name]
    amount = money(lacking, terms.exponent) if entry.type is Type.MONEY else str(lacking)
    return f"{amount} {one if lacking == 1 else many}"


def _more_rows(body: tree.Matches, facts: CustomerFacts, terms: Terms) -> str | None:
    """`1 more order of at least 50.00 before 3 December`, when more of what is asked would do and can still be done."""
    activity = catalogue.ACTIVITIES[body.name]
    if body.negated or not _may_happen_now(body, terms):
        return None
    rows = list(chooser(body, terms)(facts))
    failing = [test for test in _aggregates(body, activity) if not _passes(test, activity, rows, terms)]
    if not failing and not _aggregates(body, activity):
        return f"{_counted(1, activity, bool(rows))}{_such(body, activity, terms)}"
    if len(failing) != 1:
        return None
    test, parameter = failing[0], activity.parameters[failing[0].name]
    value = parameter.read(rows) if parameter.read else None
    lacking = _shortfall(test, value, parameter.type, parameter, terms)
    if lacking is None or test.name not in ("count", "sum_amount", "sum_quantity"):
        return None
    such, deadline = _such(body, activity, terms), _before(body, facts, rows, terms)
    if test.name == "count":
        return f"{_counted(lacking, activity, bool(rows))}{such}{deadline}"
    amount = money(lacking, terms.exponent) if parameter.type is Type.MONEY else str(lacking)
    return f"{amount} more in {activity.many}{such}{deadline}"


def _counted(lacking: int, activity: Activity, more: bool) -> str:
    one, many = activity.counts or (activity.one.partition(" ")[2], activity.many)
    what = f"{lacking} {'more ' if more else ''}{one if lacking == 1 else many}"
    return f"{what} with {activity.one}" if activity.counts else what


def _aggregates(body: tree.Matches, activity: Activity) -> list[tree.Test]:
    return [test for test in body.parameters if activity.parameters[test.name].scope == "aggregate"]


def _passes(test: tree.Test, activity: Activity, rows: Sequence[Any], terms: Terms) -> bool:
    parameter = activity.parameters[test.name]
    return parameter.read is not None and predicate(test, parameter, terms)(parameter.read(rows))


def _may_happen_now(body: tree.Matches, terms: Terms) -> bool:
    """Whether something done now would fall into the rule's dates."""
    date_entry = catalogue.ACTIVITIES[body.name].parameters["date"]
    return all(predicate(test, date_entry, terms)(terms.moment.now) for test in body.parameters if test.name == "date")


def _such(body: tree.Matches, activity: Activity, terms: Terms) -> str:
    """What the rows must be like, dates and totals aside."""
    of, rest = "", []
    for test in body.parameters:
        parameter = activity.parameters[test.name]
        if test.name == "date" or parameter.scope == "aggregate":
            continue
        if parameter.type is Type.MONEY and test.operator in AMOUNTS and not of:
            amount = limit(test.values[0], parameter, terms)
            of = f" of {AMOUNTS[test.operator].format(money(ceil(amount), terms.exponent))}"
        else:
            rest.append(parameter_phrase(test, parameter))
    return f"{of} ({', '.join(rest)})" if rest else of


def _before(body: tree.Matches, facts: CustomerFacts, rows: Sequence[Any], terms: Terms) -> str:
    """` before 3 December`: the day on which the first of the rows that count now no longer does."""
    if not rows:
        return ""
    for at in row_changes(body, facts, terms.moment):
        later = replace(terms, moment=Moment(at, terms.moment.tz))
        if len(list(chooser(body, later)(facts))) < len(rows):
            return f" before {_day(at, terms)}"
    return ""


def _day(at: datetime, terms: Terms) -> str:
    day: date = terms.moment.local_day(at)
    year = "" if day.year == terms.moment.today.year else f" {day.year}"
    clock = "" if terms.moment.day_bounds(day).start == at else f" at {at.astimezone(terms.moment.tz):%H:%M}"
    return f"{day.day} {day:%B}{year}{clock}"
