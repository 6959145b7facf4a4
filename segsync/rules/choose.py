"""Which of a customer's rows a MATCHES chooses, and what is then asked of the chosen ones together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from segsync.rules import catalogue, tree
from segsync.rules.entries import Type
from segsync.rules.facts import CustomerFacts
from segsync.rules.predicates import Predicate, Terms, predicate

Reads = tuple[tuple[Callable[[Any], Any], Predicate], ...]


def chooser(body: tree.Matches, terms: Terms) -> Callable[[CustomerFacts], Iterable[Any]]:
    """The rows that the row parameters choose; parameters about lines choose a row by one line that fits them all."""
    activity = catalogue.ACTIVITIES[body.name]
    rows, lines = activity.rows, activity.lines
    if rows is None:
        raise KeyError(body.name)
    row_tests, line_tests = reads(body, "row", terms), reads(body, "line", terms)

    def fits(row: Any) -> bool:
        return _all(row_tests, row) and (not line_tests or has_line(row))

    def has_line(row: Any) -> bool:
        return lines is not None and any(_all(line_tests, line) for line in lines(row))

    if not row_tests and not line_tests:
        return rows
    return lambda facts: filter(fits, rows(facts))


def _all(tests: Reads, row: Any) -> bool:
    for read, passes in tests:  # noqa: SIM110 (this runs for every row and rule: a generator would be made for each)
        if not passes(read(row)):
            return False
    return True


def reads(body: tree.Matches, scope: Literal["row", "line", "aggregate"], terms: Terms) -> Reads:
    """The comparisons of one scope, each with what it reads; dates first, which are quickly compared and leave few rows to the others."""
    parameters = catalogue.ACTIVITIES[body.name].parameters
    told = sorted(((parameters[test.name], test) for test in body.parameters), key=lambda pair: pair[0].type is not Type.DATE)
    return tuple((entry.read, predicate(test, entry, terms)) for entry, test in told if entry.scope == scope and entry.read is not None)
