"""Which of a customer's rows a MATCHES chooses, and what is then asked of the chosen ones together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from segsync.rules import catalogue, tree
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
        return all(passes(read(row)) for read, passes in row_tests) and (not line_tests or has_line(row))

    def has_line(row: Any) -> bool:
        return lines is not None and any(all(passes(read(line)) for read, passes in line_tests) for line in lines(row))

    if not row_tests and not line_tests:
        return rows
    return lambda facts: (row for row in rows(facts) if fits(row))


def reads(body: tree.Matches, scope: Literal["row", "line", "aggregate"], terms: Terms) -> Reads:
    """The comparisons of one scope, each with what it reads."""
    parameters = catalogue.ACTIVITIES[body.name].parameters
    told = ((parameters[test.name], test) for test in body.parameters)
    return tuple((entry.read, predicate(test, entry, terms)) for entry, test in told if entry.scope == scope and entry.read is not None)
