"""`anniversary('field') = today` over columns: a date's local day is taken apart into its year and its place in the year, once for all rules.

`segsync.rules.anniversaries` is the definition. Days of the year are compared as month × 100 + day.
"""

from __future__ import annotations

import calendar
from datetime import date
from typing import Any

import ibis

from segsync.evaluate.columnar.conditions import every, some
from segsync.evaluate.columnar.rows import EPOCH
from segsync.rules import tree
from segsync.rules.moments import Moment, local_date

_LEAP_DAY = 229


def anniversary(test: tree.Test, moment: Moment, day: Any) -> Any:
    """Whether a local day, counted from 1970-01-01, has an anniversary that passes; null for a missing day."""
    born = ibis.literal(EPOCH.date()) + day.as_interval("D")
    year, place = born.year().cast("int64"), born.month().cast("int64") * 100 + born.day()
    days = [local_date(moment, value) for value in test.values if not isinstance(value, tree.Text | tree.Number | tree.Flag)]
    inverted = test.negated != (test.operator == "!=")
    match test.operator:
        case "BETWEEN":
            first, last = days
            found = _comes_round(year, place, first, last)
        case "=" | "!=" | "IN":
            found = some([(year < wanted.year) & (_in_year(place, wanted.year) == _place(wanted)) for wanted in days])
        case _:
            # Compared within this calendar year.
            found = _compared(test.operator, year, place, days[0], moment.today.year)
    return ~found if inverted else found


def _place(day: date) -> int:
    return day.month * 100 + day.day


def _in_year(place: Any, year: int) -> Any:
    """Where the anniversary of a place lies in a year."""
    return place if calendar.isleap(year) else (place == _LEAP_DAY).ifelse(_LEAP_DAY - 1, place)


def _compared(operator: tree.Operator, year: Any, place: Any, limit: date, this_year: int) -> Any:
    at, bound = this_year * 10_000 + _in_year(place, this_year), limit.year * 10_000 + _place(limit)
    passes = {">": at > bound, ">=": at >= bound, "<": at < bound, "<=": at <= bound}[operator]
    return (year < this_year) & passes


def _comes_round(year: Any, place: Any, first: date, last: date) -> Any:
    """Within a whole year every day comes round; the anniversaries at either end, and the very first one, decide shorter stretches."""
    low, high = first.year * 10_000 + _place(first), last.year * 10_000 + _place(last)

    def within(at: Any) -> Any:
        return (at >= low) & (at <= high)

    # The year after a leap year is none.
    very_first = within((year + 1) * 10_000 + (place == _LEAP_DAY).ifelse(_LEAP_DAY - 1, place))
    others = sorted({first.year, first.year + 1, last.year})
    return some([very_first, *(every([year < other, within(other * 10_000 + _in_year(place, other))]) for other in others)])
