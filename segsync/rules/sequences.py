"""`A THEN B WITHIN d`: some A row is followed by a B row strictly later and at most d later. With NOT for B: some A row without such a
B row, and d has passed since it. Durations are exact: 30d is 720 hours."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from segsync.rules import catalogue, tree
from segsync.rules.choose import chooser
from segsync.rules.facts import CustomerFacts
from segsync.rules.predicates import Terms

_LENGTHS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Pair(NamedTuple):
    """An A row and the first B row that follows it within the duration, or None."""

    first: Any
    then: Any | None


def length(duration: tree.Duration) -> timedelta:
    """How long a duration is, exactly."""
    return _LENGTHS[duration.unit] * duration.amount


def row_time(activity: str) -> Callable[[Any], datetime]:
    """When a row of an activity happened."""
    read = catalogue.ACTIVITIES[activity].parameters["date"].read
    if read is None:
        raise KeyError(activity)
    return read


def pairs(body: tree.Sequence, terms: Terms) -> Callable[[CustomerFacts], list[Pair]]:
    """Every A row, in the order of time, with what follows it."""
    choose_first, choose_then = chooser(body.first, terms), chooser(body.then, terms)
    first_at, then_at = row_time(body.first.name), row_time(body.then.name)
    within = length(body.within)

    def paired(facts: CustomerFacts) -> list[Pair]:
        firsts = sorted(choose_first(facts), key=first_at)
        if not firsts:
            return []
        later = sorted(choose_then(facts), key=then_at)
        times = [then_at(row) for row in later]
        found: list[Pair] = []
        for row in firsts:
            index = bisect_right(times, first_at(row))
            follows = index < len(times) and times[index] - first_at(row) <= within
            found.append(Pair(row, later[index] if follows else None))
        return found

    return paired


def deciding(body: tree.Sequence, terms: Terms) -> Callable[[CustomerFacts], list[Pair]]:
    """The pairs that make the sequence true: with B, or, where B is negated, without it and with the duration over."""
    paired, negated = pairs(body, terms), body.then.negated
    first_at, within, now = row_time(body.first.name), length(body.within), terms.moment.now

    def decides(pair: Pair) -> bool:
        return (pair.then is None and now - first_at(pair.first) >= within) if negated else pair.then is not None

    return lambda facts: [pair for pair in paired(facts) if decides(pair)]
