"""`anniversary('field') = today`: the days of later years on which a date of the customer comes round.

Equality, IN and BETWEEN ask whether any anniversary is on, or within, the days named; an order comparison looks at the anniversary in
this calendar year. 29 February comes round on the 28th in other years. A date has no anniversary in its own year.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from segsync.rules import tree
from segsync.rules.derive import anniversary_in
from segsync.rules.moments import Moment, local_date
from segsync.rules.predicates import COMPARISONS, Predicate


def anniversary_predicate(test: tree.Test, moment: Moment) -> Predicate:
    """Whether an instant's anniversaries pass a test whose values are days; a missing date passes none."""
    days = [local_date(moment, value) for value in test.values if not isinstance(value, tree.Text | tree.Number | tree.Flag)]
    decide = _decider(test, days, moment)
    inverted = test.negated != (test.operator == "!=")

    def passes(at: datetime | None) -> bool:
        return at is not None and decide(moment.local_day(at)) != inverted

    return passes


def _decider(test: tree.Test, days: list[date], moment: Moment) -> Callable[[date], bool]:
    match test.operator:
        case "BETWEEN":
            first, last = days
            return lambda day: _comes_round(day, first, last)
        case "=" | "!=" | "IN":
            return lambda day: any(anniversary_in(day, wanted.year) == wanted for wanted in days)
        case _:
            compare, year = COMPARISONS[test.operator], moment.today.year

            def this_year(day: date) -> bool:
                found = anniversary_in(day, year)
                return found is not None and compare(found, days[0])

            return this_year


def _comes_round(day: date, first: date, last: date) -> bool:
    """Within a whole year every day comes round; the anniversaries at either end decide shorter stretches."""
    years = {first.year, first.year + 1, last.year, day.year + 1}
    return any(found is not None and first <= found <= last for found in (anniversary_in(day, year) for year in years))
