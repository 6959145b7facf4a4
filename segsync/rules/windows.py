"""When a rule's answer can change by time alone, and which facts it reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from segsync.rules import catalogue, tree
from segsync.rules.entries import Attribute, Entry, Kind

PROFILE: frozenset[Kind] = frozenset({"profile"})
# Lines have no timestamps of their own.
UNTIMED: frozenset[Kind] = frozenset({"lines", "checkout_lines"})


class HourWindow(NamedTuple):
    """An hour or minute offset of a rule and the facts whose timestamps it is compared with.

    A fact with timestamp t changes sides when `now - offset` passes t: `-24h` is an offset of 24 hours, `+2h` of -2 hours, `now` of 0.
    """

    offset: timedelta
    kinds: frozenset[Kind]


class _Read(NamedTuple):
    """A comparison, the entry that it reads, and the facts that it needs."""

    test: tree.Test
    entry: Entry | None
    needs: frozenset[Kind]


class Survey(NamedTuple):
    """All that this module knows of a rule, found in one walk; the functions below give its parts."""

    hour_windows: frozenset[HourWindow]
    day_valued: bool
    needs: frozenset[Kind]
    activity_kinds: frozenset[str]


def survey(rule: tree.Rule) -> Survey:
    """Everything at once, for who needs more than one part."""
    reads = tuple(_reads(rule))
    names = {name for clause in tree.clauses(rule.root) for name in _activities(clause.body)}
    ranked = [clause.body.name for clause in tree.clauses(rule.root) if isinstance(clause.body, tree.Rank)]
    return Survey(
        hour_windows=frozenset(
            HourWindow(offset, read.needs - UNTIMED) for read in reads for value in read.test.values if (offset := _hour_offset(value)) is not None
        ),
        day_valued=any((isinstance(read.entry, Attribute) and read.entry.day_valued) or any(map(_is_relative_day, read.test.values)) for read in reads),
        needs=frozenset().union(*(read.needs for read in reads), *map(_activity_needs, names), *map(_attribute_needs, ranked)),
        activity_kinds=frozenset(name for name in names if "activities" in _activity_needs(name)),
    )


def hour_windows(rule: tree.Rule) -> frozenset[HourWindow]:
    """The distinct hour and minute offsets in the rule, for the sweep that runs between midnights. Days and fixed times give none."""
    return survey(rule).hour_windows


def is_day_valued(rule: tree.Rule) -> bool:
    """Whether the shop's midnight alone can change the answer: relative days, or attributes counted in days."""
    return survey(rule).day_valued


def needs(rule: tree.Rule) -> frozenset[Kind]:
    """The kinds of facts that the rule reads; a reader may leave the others empty."""
    return survey(rule).needs


def activity_kinds(rule: tree.Rule) -> frozenset[str]:
    """The activities, such as `emails.opened`, whose events the rule reads."""
    return survey(rule).activity_kinds


def _activities(body: tree.Body) -> tuple[str, ...]:
    match body:
        case tree.Matches():
            return (body.name,)
        case tree.Sequence():
            return (body.first.name, body.then.name)
        case _:
            return ()


def _reads(rule: tree.Rule) -> Iterator[_Read]:
    for clause in tree.clauses(rule.root):
        for activity_name, test in tree.tests(clause.body):
            if activity_name is None:
                yield _Read(test, catalogue.attribute(test.name), _attribute_needs(test.name))
            else:
                activity = catalogue.activity(activity_name)
                parameter = activity.parameters.get(test.name) if activity else None
                extra: frozenset[Kind] = parameter.needs if parameter else frozenset()
                yield _Read(test, parameter, _activity_needs(activity_name) | extra)


def _attribute_needs(name: str) -> frozenset[Kind]:
    entry = catalogue.attribute(name)
    return entry.needs if entry else PROFILE


def _activity_needs(name: str) -> frozenset[Kind]:
    entry = catalogue.activity(name)
    return entry.needs if entry else frozenset()


def _hour_offset(value: tree.Value) -> timedelta | None:
    match value:
        case tree.Offset(unit="h"):
            return -timedelta(hours=value.amount)
        case tree.Offset(unit="min"):
            return -timedelta(minutes=value.amount)
        case tree.Named(name="now"):
            return timedelta()
        case _:
            return None


def _is_relative_day(value: tree.Value) -> bool:
    match value:
        case tree.Offset():
            return value.unit in ("d", "w", "m", "y")
        case tree.Named():
            return value.name != "now"
        case _:
            return False
