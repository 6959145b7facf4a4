"""One comparison as a function of one value: the meaning of every operator for every type.

A missing value makes every comparison false, the ones with NOT and != included; only IS NULL and a NOT around the clause see it. A
missing list is an empty list, so a list never lacks an answer: `NOT CONTAINS` and `!=` hold for it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, cast

from segsync.rules import tree
from segsync.rules.context import ShopContext
from segsync.rules.entries import Entry, Type
from segsync.rules.facts import fold
from segsync.rules.moments import Moment, Period
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

Predicate = Callable[[Any], bool]
_MOST_ANSWERS = 2_000
_ALWAYS, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule is read with: the moment, how many decimals the shop's currency has, the shop's cuts and its vocabulary."""

    moment: Moment
    exponent: int
    context: ShopContext = field(default_factory=ShopContext)
    vocabulary: Vocabulary = NO_VOCABULARY


def predicate(test: tree.Test, entry: Entry, terms: Terms) -> Predicate:
    """Whether a value read for `entry` passes `test`. The test must have been checked against the entry."""
    several = entry.many or entry.type is Type.LIST
    if test.operator == "IS NULL":
        return _is_null(several, test.negated)
    inverted = test.negated != (test.operator == "!=")
    if several:
        return _known(_of_several(_positive(test, entry, terms), inverted, entry.type is Type.LIST))
    if entry.type is Type.DATE:
        return _of_one(_dates(test, terms.moment), inverted)
    passes = _of_one(_positive(test, entry, terms), inverted)
    return _known(passes) if _folds(entry) else passes


def span(test: tree.Test, moment: Moment) -> tuple[datetime, datetime] | None:
    """From when up to but not including when a timestamp passes `test`; None where that is not one span of time."""
    if test.negated or test.operator not in ("=", ">", ">=", "<", "<=", "BETWEEN"):
        return None
    periods: list[Period] = [moment.period(cast(tree.DateValue, value)) for value in test.values]
    start, end = periods[0]
    match test.operator:
        case ">":
            return end, _NEVER
        case ">=":
            return start, _NEVER
        case "<":
            return _ALWAYS, start
        case "<=":
            return _ALWAYS, end
        case _:
            return start, periods[-1].end


def _known(passes: Predicate) -> Predicate:
    """`passes`, with its answers kept by value: texts are few, and comparing them costs more than finding them."""
    answers: dict[Any, bool] = {}

    def answer(value: Any) -> bool:
        try:
            return answers[value]
        except KeyError:
            if len(answers) >= _MOST_ANSWERS:
                answers.clear()
            found = answers[value] = passes(value)
            return found

    return answer


def limit(value: tree.Value, entry: Entry, terms: Terms) -> Any:
    """A value of the rule in the form in which facts hold it; amounts in minor units, exactly, however many decimals they have."""
    match value:
        case tree.Number() if entry.type is Type.ID or entry.ids:
            return f"{value.value:.0f}"
        case tree.Number():
            exact = Fraction(value.value) * (10**terms.exponent if entry.type is Type.MONEY else 1)
            return exact.numerator if exact.denominator == 1 else exact
        case tree.Text():
            return fold(value.value) if _folds(entry) else value.value
        case tree.Flag():
            return value.value
        case _:
            return terms.moment.period(value)


def _folds(entry: Entry) -> bool:
    return entry.type in (Type.TEXT, Type.LIST) and not entry.exact_case


def _is_null(several: bool, negated: bool) -> Predicate:
    if several:
        return (lambda values: bool(values)) if negated else (lambda values: not values)
    return (lambda value: value is not None) if negated else (lambda value: value is None)


def _of_one(positive: Predicate, inverted: bool) -> Predicate:
    if inverted:
        return lambda value: value is not None and not positive(value)
    return lambda value: value is not None and positive(value)


def _of_several(positive: Predicate, inverted: bool, empty_is_a_list: bool) -> Predicate:
    if not inverted:
        return lambda values: any(positive(value) for value in values or ())
    if empty_is_a_list:
        return lambda values: not any(positive(value) for value in values or ())
    return lambda values: bool(values) and not any(positive(value) for value in values)


def _positive(test: tree.Test, entry: Entry, terms: Terms) -> Predicate:
    """The comparison without its negation, for one value that is there."""
    plain = _plain(test, [limit(value, entry, terms) for value in test.values], entry)
    return (lambda value: plain(fold(value))) if _folds(entry) else plain


def _plain(test: tree.Test, limits: list[Any], entry: Entry) -> Predicate:
    first = limits[0]
    match test.operator:
        case "BETWEEN":
            last = limits[1]
            return lambda value: bool(first <= value <= last)
        case "IN":
            chosen = frozenset(limits)
            return lambda value: value in chosen
        case "CONTAINS" if entry.type is not Type.LIST:
            return lambda value: first in value
        case "STARTS WITH":
            return lambda value: bool(value.startswith(first))
        case "ENDS WITH":
            return lambda value: bool(value.endswith(first))
        case "CONTAINS" | "!=":
            return lambda value: bool(value == first)
        case _:
            compare = COMPARISONS[test.operator]
            return lambda value: compare(value, first)


def _dates(test: tree.Test, moment: Moment) -> Predicate:
    """A timestamp against days or instants, both half-open periods: later than a day is at or after its end."""
    found = span(replace(test, negated=False), moment)
    if found is not None:
        since, until = found
        return lambda at: bool(since <= at < until)
    periods: list[Period] = [moment.period(cast(tree.DateValue, value)) for value in test.values]
    return lambda at: any(period.start <= at < period.end for period in periods)
