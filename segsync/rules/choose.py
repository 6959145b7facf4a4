"""Which of a customer's rows a MATCHES chooses, and what is then asked of the chosen ones together."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal

from segsync.rules import catalogue, tree
from segsync.rules.entries import Activity, Parameter, Type
from segsync.rules.facts import CustomerFacts
from segsync.rules.predicates import Predicate, Terms, predicate, span
from segsync.rules.remember import once

Reads = tuple[tuple[Callable[[Any], Any], Predicate], ...]
Chooser = Callable[[CustomerFacts], Sequence[Any]]


def chooser(body: tree.Matches, terms: Terms) -> Chooser:
    """The rows that the row parameters choose; parameters about lines choose a row by one line that fits them all.

    Rows chosen by their date come in the order of time.
    """
    activity = catalogue.ACTIVITIES[body.name]
    rows, lines = activity.rows, activity.lines
    if rows is None:
        raise KeyError(body.name)
    bounds = [found for test in body.parameters if (found := _bounds(activity.parameters[test.name], test, terms))]
    row_tests, line_tests = _tests(body, "row", terms), _tests(body, "line", terms)

    def has_line(row: Any) -> bool:
        return lines is not None and any(_all(line_tests, line) for line in lines(row))

    candidates = _between(activity, bounds) if bounds else lambda facts: tuple(rows(facts))
    if line_tests:
        return lambda facts: [row for row in candidates(facts) if _all(row_tests, row) and has_line(row)]
    if not row_tests:
        return candidates
    if len(row_tests) == 1:
        ((read, passes),) = row_tests
        return lambda facts: [row for row in candidates(facts) if passes(read(row))]
    return lambda facts: [row for row in candidates(facts) if _all(row_tests, row)]


def _all(tests: Reads, row: Any) -> bool:
    for read, passes in tests:  # noqa: SIM110 (this runs for every row and rule: a generator would be made for each)
        if not passes(read(row)):
            return False
    return True


def totals(body: tree.Matches, terms: Terms) -> Reads:
    """The comparisons of all chosen rows together, each with what it reads."""
    return _tests(body, "aggregate", terms)


def _tests(body: tree.Matches, scope: Literal["row", "line", "aggregate"], terms: Terms) -> Reads:
    """The comparisons of one scope, each with what it reads; those that bound the date are left out: they choose the candidates."""
    parameters = catalogue.ACTIVITIES[body.name].parameters
    told = sorted(((parameters[test.name], test) for test in body.parameters), key=lambda pair: pair[0].type is not Type.DATE)
    return tuple(
        (entry.read, predicate(test, entry, terms))
        for entry, test in told
        if entry.scope == scope and entry.read is not None and not _bounds(entry, test, terms)
    )


def _bounds(entry: Parameter, test: tree.Test, terms: Terms) -> tuple[datetime, datetime] | None:
    """From when up to but not including when a row must have happened to pass; None for a comparison that is not one such span."""
    return span(test, terms.moment) if entry.name == "date" and entry.scope == "row" else None


def _between(activity: Activity, bounds: Sequence[tuple[datetime, datetime]]) -> Chooser:
    rows, at = activity.rows, activity.parameters["date"].read
    if rows is None or at is None:
        raise KeyError(activity.name)
    in_time = _timeline(rows, at)
    since, until = max(low for low, _ in bounds), min(high for _, high in bounds)

    def choose(facts: CustomerFacts) -> Sequence[Any]:
        times, rows = in_time(facts)
        first = bisect_left(times, since)
        return rows[first : bisect_left(times, until, first)]

    return choose


@cache
def _timeline(rows: Callable[[CustomerFacts], Iterable[Any]], at: Callable[[Any], datetime]) -> Callable[[CustomerFacts], tuple[list[datetime], list[Any]]]:
    """When each row of an activity happened, and the rows, both in the order of time; one and the same function for every rule that asks."""

    @once
    def timeline(facts: CustomerFacts) -> tuple[list[datetime], list[Any]]:
        ordered = sorted(rows(facts), key=at)
        return [at(row) for row in ordered], ordered

    return timeline
