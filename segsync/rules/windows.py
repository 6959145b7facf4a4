"""When a rule's answer can change by time alone, and which facts it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple, TypeGuard

from segsync.rules import catalogue, tree
from segsync.rules.context import RankKey
from segsync.rules.entries import Attribute, CutName, Entry, Kind
from segsync.rules.ranks import keys
from segsync.rules.sequences import length
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

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
    """All that this module knows of a rule, found in one walk; the functions below give its parts.

    `cuts` names the cuts of the shop that it takes and `ranks` the ranks that it asks; `handles` are the segments that it asks about,
    and `every_segment` says that it asks about all others.
    """

    hour_windows: frozenset[HourWindow]
    day_valued: bool
    needs: frozenset[Kind]
    activity_kinds: frozenset[str]
    cuts: frozenset[CutName]
    ranks: frozenset[RankKey]
    handles: frozenset[str]
    every_segment: bool


def survey(rule: tree.Rule, vocabulary: Vocabulary = NO_VOCABULARY) -> Survey:
    """Everything at once, for who needs more than one part."""
    bodies = [clause.body for clause in tree.clauses(rule.root)]
    reads = tuple(_reads(bodies, vocabulary))
    names = {name for body in bodies for name in _activities(body)}
    attributes = [entry for body in bodies if (entry := _attribute_of(body, vocabulary)) is not None]
    timed = {HourWindow(offset, read.needs - UNTIMED) for read in reads for value in read.test.values if (offset := _hour_offset(value)) is not None}
    expiring = {HourWindow(length(body.within), _activity_needs(body.first.name) - UNTIMED) for body in bodies if _expires(body)}
    return Survey(
        hour_windows=frozenset(timed | expiring),
        day_valued=any(entry.day_valued for entry in attributes) or any(is_relative_day(value) for read in reads for value in read.test.values),
        needs=frozenset[Kind]().union(*(read.needs for read in reads), *map(_activity_needs, names), *(entry.needs for entry in attributes)),
        activity_kinds=frozenset(name for name in names if "activities" in _activity_needs(name)).union(*(entry.activity_kinds for entry in attributes)),
        cuts=frozenset[CutName]().union(*(entry.cuts for entry in attributes)),
        ranks=keys(rule),
        handles=frozenset(handles(rule)),
        every_segment=asks_every_segment(rule),
    )


def handles(rule: tree.Rule) -> tuple[str, ...]:
    """The handles of the segments that a rule asks about, in the order of its text, none twice."""
    return tuple(dict.fromkeys(value.value for test in _of_segments(rule) for value in test.values if isinstance(value, tree.Text)))


def asks_every_segment(rule: tree.Rule) -> bool:
    """Whether a rule asks if somebody is in any segment at all, so that its answer depends on every other segment of the shop."""
    return any(test.operator == "IS NULL" for test in _of_segments(rule))


def _of_segments(rule: tree.Rule) -> Iterator[tree.Test]:
    return (clause.body for clause in tree.clauses(rule.root) if isinstance(clause.body, tree.Test) and clause.body.name == "segments")


def hour_windows(rule: tree.Rule, vocabulary: Vocabulary = NO_VOCABULARY) -> frozenset[HourWindow]:
    """The distinct hour and minute offsets in the rule, for the sweep that runs between midnights; a sequence that waits for something
    not to happen gives its duration. Days and fixed times give none."""
    return survey(rule, vocabulary).hour_windows


def is_day_valued(rule: tree.Rule, vocabulary: Vocabulary = NO_VOCABULARY) -> bool:
    """Whether the shop's midnight alone can change the answer: relative days, or attributes counted in days."""
    return survey(rule, vocabulary).day_valued


def needs(rule: tree.Rule, vocabulary: Vocabulary = NO_VOCABULARY) -> frozenset[Kind]:
    """The kinds of facts that the rule reads; a reader may leave the others empty."""
    return survey(rule, vocabulary).needs


def activity_kinds(rule: tree.Rule, vocabulary: Vocabulary = NO_VOCABULARY) -> frozenset[str]:
    """The activities, such as `emails.opened`, whose events the rule reads."""
    return survey(rule, vocabulary).activity_kinds


def _expires(body: tree.Body) -> TypeGuard[tree.Sequence]:
    """Whether the passing of a duration alone makes a sequence true."""
    return isinstance(body, tree.Sequence) and body.then.negated


def _attribute_of(body: tree.Body, vocabulary: Vocabulary) -> Attribute | None:
    match body:
        case tree.Test() | tree.Rank():
            return catalogue.attribute(body.name, vocabulary)
        case tree.Anniversary():
            return catalogue.attribute(body.field_name, vocabulary)
        case _:
            return None


def _activities(body: tree.Body) -> tuple[str, ...]:
    match body:
        case tree.Matches():
            return (body.name,)
        case tree.Sequence():
            return (body.first.name, body.then.name)
        case _:
            return ()


def _reads(bodies: Iterable[tree.Body], vocabulary: Vocabulary) -> Iterator[_Read]:
    for body in bodies:
        for activity_name, test in tree.tests(body):
            if activity_name is None:
                entry = _attribute_of(body, vocabulary)
                yield _Read(test, entry, entry.needs if entry else PROFILE)
            else:
                activity = catalogue.activity(activity_name)
                parameter = activity.parameters.get(test.name) if activity else None
                extra: frozenset[Kind] = parameter.needs if parameter else frozenset()
                yield _Read(test, parameter, _activity_needs(activity_name) | extra)


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


def is_relative_day(value: tree.Value) -> bool:
    """Whether a value is a day that moves on at midnight, such as `-30d` or `today`."""
    match value:
        case tree.Offset():
            return value.unit in ("d", "w", "m", "y")
        case tree.Named():
            return value.name != "now"
        case _:
            return False
