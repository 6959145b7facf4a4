"""One comparison as a relational condition, for every operator and type; what `segsync.rules.predicates` says, said to a database.

A condition here may be null where its value is missing: null counts as false in a filter, and the compiler turns it into false before
anything negates it. Texts of a rule become literals that the SQL writer escapes; they never become part of a statement by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
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

# No amount or count that is held lies beyond this, nor a number of a wide column beyond the other.
_FARTHEST = 2**63 - 1
_FARTHEST_WIDE = 10**28 - 1
# No customer's totals reach this many minor units, so that fractions of them have no larger denominator and products no more than 38 digits.
MAX_DENOMINATOR = 10**18
# Up to this one the two sides can simply be multiplied out.
_SMALL = 10**6


@dataclass(frozen=True, slots=True)
class Ratio:
    """A value that is a fraction: missing where `below` is 0 or null. Never divided, so never rounded. Both are whole numbers."""

    above: Any
    below: Any


@dataclass(frozen=True, slots=True)
class Scaled:
    """A value held as a whole number of so many parts of one."""

    value: Any
    scale: int


Value = Any  # a column, a list column, a Ratio or a Scaled


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
    return _amount(test, [cut], value)


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
    return (value.value if isinstance(value, Scaled) else value).notnull()


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
    if entry.type in (Type.INTEGER, Type.MONEY, Type.DECIMAL):
        return _amount(test, limits, value)
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


def _amount(test: tree.Test, limits: list[Any], value: Any) -> Any:
    """A number of any form against exact limits."""
    if isinstance(value, Ratio):
        return _ratio(test, limits, value)
    if isinstance(value, Scaled):
        return _number(test, [Fraction(each) * value.scale for each in limits], value.value)
    return _number(test, limits, value)


def _number(test: tree.Test, limits: list[Any], value: Any) -> Any:
    """Whole numbers against exact limits: a limit between two whole numbers moves to the one that gives the same answer."""
    whole = _whole_wide if value.type().is_decimal() else _whole
    match test.operator:
        case "BETWEEN":
            return (value >= whole(ceil(limits[0]))) & (value <= whole(floor(limits[1])))
        case "IN":
            return some([_never(value), *(value == whole(int(each)) for each in limits if Fraction(each).denominator == 1)])
        case ">":
            return value > whole(floor(limits[0]))
        case ">=":
            return value >= whole(ceil(limits[0]))
        case "<":
            return value < whole(ceil(limits[0]))
        case "<=":
            return value <= whole(floor(limits[0]))
        case _:
            return value == whole(int(limits[0])) if Fraction(limits[0]).denominator == 1 else _never(value)


def _ratio(test: tree.Test, limits: list[Any], value: Ratio) -> Any:
    """A fraction against exact limits, both sides multiplied out; null where the value is missing."""
    match test.operator:
        case "BETWEEN":
            return _ratio(replace(test, operator=">="), limits[:1], value) & _ratio(replace(test, operator="<="), limits[1:], value)
        case "IN":
            return some([_ratio(replace(test, operator="="), [each], value) for each in limits])
    below = _wide(value.below.nullif(0))

    def sides(exact: Fraction) -> tuple[Any, Any]:
        if exact.denominator <= _SMALL and abs(exact.numerator) <= _FARTHEST:
            return _wide(value.above) * _exactly(exact.denominator), _exactly(exact.numerator) * below
        whole = floor(exact)
        # What is left above the whole part, kept so small that the products have 38 digits at most.
        rest = ibis.least(ibis.greatest(_wide(value.above) - _exactly(whole) * below, _exactly(-1)), below)
        return rest * _exactly(exact.denominator), _exactly((exact - whole).numerator) * below

    exact = min(max(Fraction(limits[0]), Fraction(-_FARTHEST)), Fraction(_FARTHEST))
    operator, near = _nearest(test.operator, exact)
    left, right = sides(near)
    match operator:
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case _:
            return left == right if near == exact else _never(left + right)


def _nearest(operator: tree.Operator, exact: Fraction) -> tuple[tree.Operator, Fraction]:
    """The same question with a denominator that can be multiplied: no value lies between a limit and the fraction nearest to it."""
    near = exact.limit_denominator(MAX_DENOMINATOR)
    if near == exact or operator in ("=", "!="):
        return operator, near
    if operator in (">", ">="):
        return (">=" if near > exact else ">"), near
    return ("<" if near > exact else "<="), near


def _wide(value: Any) -> Any:
    return value.cast("decimal(38, 0)")


def _exactly(value: int) -> Any:
    return ibis.literal(value, type="int64")


def _whole(value: int) -> Any:
    return literal(min(max(value, -_FARTHEST), _FARTHEST), "int64")


def _whole_wide(value: int) -> Any:
    return literal(Decimal(min(max(value, -_FARTHEST_WIDE), _FARTHEST_WIDE)), "decimal(28, 0)")


def _never(value: Any) -> Any:
    """False where there is a value, null where there is none: so that its negation is not true of a missing value."""
    return value != value
