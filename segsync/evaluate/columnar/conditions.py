"""One comparison as a relational condition, for every operator and type; what `segsync.rules.predicates` says, said to a database.

A condition here may be null where its value is missing: null counts as false in a filter, and the compiler turns it into false before
anything negates it. Texts of a rule become literals that the SQL writer escapes; they never become part of a statement by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import reduce
from math import ceil, floor
from operator import and_, or_
from typing import Any, cast

import ibis
from ibis.expr import types as ir

from segsync.rules import tree
from segsync.rules.entries import Entry, Type
from segsync.rules.moments import Period
from segsync.rules.predicates import Terms, limit

# No amount or count that is held lies beyond this.
_FARTHEST = 2**63 - 1
# With a larger denominator the products could have more than the 38 digits that are held exactly.
MAX_DENOMINATOR = 10**17
# Up to this one the two sides can simply be multiplied out.
_SMALL = 10**6


@dataclass(frozen=True, slots=True)
class Ratio:
    """A value that is a fraction: missing where `below` is 0 or null. Never divided, so never rounded. Both are whole numbers."""

    above: Any
    below: Any


class Unanswered(Exception):
    """This evaluator has no exact answer to the rule; the interpreter has."""


def literal(value: Any, kind: str) -> ir.Value:
    """A value of a rule as a constant of the relational expression."""
    return cast(ir.Value, ibis.literal(value, type=kind))


def instant(at: datetime) -> ir.Value:
    """An instant as the tables hold it."""
    return literal(at.replace(tzinfo=None), "timestamp")


def condition(test: tree.Test, entry: Entry, terms: Terms, value: Any) -> Any:
    """Whether `value`, which stands for what `entry` reads, passes `test`."""
    several = isinstance(value, ir.ArrayValue)
    if test.operator == "IS NULL":
        return known(value) if test.negated else ~known(value)
    inverted = test.negated != (test.operator == "!=")
    limits = [limit(each, entry, terms) for each in test.values]
    if not several:
        positive = _positive(test, entry, limits, value)
        return ~positive if inverted else positive
    found = _any(test, entry, limits, value)
    if not inverted:
        return found
    return ~found if entry.type is Type.LIST else (value.length() > 0) & ~found


def beyond(value: Any, cut: int | Fraction | datetime, operator: tree.Operator) -> Any:
    """Whether a value lies at or beyond, or strictly beyond, an exact cut; null where the value is missing."""
    test = tree.Test("", operator)
    if isinstance(cut, datetime):
        return _date(test, [Period(cut, cut + timedelta(microseconds=1))], value)
    return _ratio(test, [cut], value) if isinstance(value, Ratio) else _number(test, [cut], value)


def every(conditions: Sequence[Any]) -> Any:
    """All of them; true of none."""
    return reduce(and_, conditions) if conditions else ibis.literal(True)


def some(conditions: Sequence[Any]) -> Any:
    """At least one of them; false of none."""
    return reduce(or_, conditions) if conditions else ibis.literal(False)


def known(value: Any) -> Any:
    """Whether there is a value; never null. An empty list is none."""
    if isinstance(value, ir.ArrayValue):
        return value.length() > 0
    if isinstance(value, Ratio):
        return (value.below != 0).fill_null(False)
    return value.notnull()


def _any(test: tree.Test, entry: Entry, limits: list[Any], value: Any) -> Any:
    """Whether one of several texts passes."""
    match test.operator:
        case "IN":
            return some([value.contains(literal(each, "string")) for each in limits])
        case "=" | "!=":
            return value.contains(literal(limits[0], "string"))
        case "CONTAINS" if entry.type is Type.LIST:
            return value.contains(literal(limits[0], "string"))
        case _:
            return value.filter(lambda each: _positive(test, entry, limits, each)).length() > 0


def _positive(test: tree.Test, entry: Entry, limits: list[Any], value: Any) -> Any:
    if entry.type is Type.DATE:
        return _date(test, limits, value)
    if isinstance(value, Ratio):
        return _ratio(test, limits, value)
    if entry.type in (Type.INTEGER, Type.MONEY, Type.DECIMAL):
        return _number(test, limits, value)
    if entry.type is Type.FLAG:
        return value == literal(limits[0], "boolean")
    first = literal(limits[0], "string")
    match test.operator:
        case "IN":
            return value.isin([literal(each, "string") for each in limits])
        case "CONTAINS":
            return value.contains(first)
        case "STARTS WITH":
            return value.startswith(first)
        case "ENDS WITH":
            return value.endswith(first)
        case _:
            return value == first


def _date(test: tree.Test, periods: list[Period], at: Any) -> Any:
    """Both days and instants are half-open periods: later than a day is at or after its end."""
    start, end = periods[0]
    match test.operator:
        case ">":
            return at >= instant(end)
        case ">=":
            return at >= instant(start)
        case "<":
            return at < instant(start)
        case "<=":
            return at < instant(end)
        case "BETWEEN":
            return (at >= instant(start)) & (at < instant(periods[1].end))
        case _:
            return some([(at >= instant(period.start)) & (at < instant(period.end)) for period in periods])


def _number(test: tree.Test, limits: list[Any], value: Any) -> Any:
    """Whole numbers against exact limits: a limit between two whole numbers moves to the one that gives the same answer."""
    match test.operator:
        case "BETWEEN":
            return (value >= _whole(ceil(limits[0]))) & (value <= _whole(floor(limits[1])))
        case "IN":
            return some([_never(value), *(value == _whole(int(each)) for each in limits if Fraction(each).denominator == 1)])
        case ">":
            return value > _whole(floor(limits[0]))
        case ">=":
            return value >= _whole(ceil(limits[0]))
        case "<":
            return value < _whole(ceil(limits[0]))
        case "<=":
            return value <= _whole(floor(limits[0]))
        case _:
            return value == _whole(int(limits[0])) if Fraction(limits[0]).denominator == 1 else _never(value)


def _ratio(test: tree.Test, limits: list[Any], value: Ratio) -> Any:
    """A fraction against exact limits, both sides multiplied out; null where the value is missing."""
    below = _wide(value.below.nullif(0))

    def sides(each: Any) -> tuple[Any, Any]:
        exact = min(max(Fraction(each), Fraction(-_FARTHEST)), Fraction(_FARTHEST))
        if exact.denominator > MAX_DENOMINATOR:
            raise Unanswered(f"{exact} has too many decimals.")
        if exact.denominator <= _SMALL and abs(exact.numerator) <= _FARTHEST:
            return _wide(value.above) * _exactly(exact.denominator), _exactly(exact.numerator) * below
        whole = floor(exact)
        # What is left above the whole part, kept so small that the products have 38 digits at most.
        rest = ibis.least(ibis.greatest(_wide(value.above) - _exactly(whole) * below, _exactly(-1)), below)
        return rest * _exactly(exact.denominator), _exactly((exact - whole).numerator) * below

    (left, right), *more = [sides(each) for each in limits]
    match test.operator:
        case "BETWEEN":
            above, limit_ = more[0]
            return (left >= right) & (above <= limit_)
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case _:
            return some([left == right, *(each == other for each, other in more)])


def _wide(value: Any) -> Any:
    return value.cast("decimal(38, 0)")


def _exactly(value: int) -> Any:
    return ibis.literal(value, type="int64")


def _whole(value: int) -> Any:
    return literal(min(max(value, -_FARTHEST), _FARTHEST), "int64")


def _never(value: Any) -> Any:
    """False where there is a value, null where there is none: so that its negation is not true of a missing value."""
    return value != value
