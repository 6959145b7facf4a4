"""The parsed rule: immutable, comparable, and knowing where in the text each part stood.

Two trees are equal when they say the same with the same comments; places do not count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text: line and column from 1, `start` and `end` as offsets from 0 into the text with line ends made `\\n`."""

    line: int = 1
    column: int = 1
    start: int = 0
    end: int = 0
    end_line: int = 1


NOWHERE = Span()


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text, its escapes resolved."""

    value: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number, exact as written."""

    value: Decimal
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""

    value: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day in the shop's time zone: `2026-01-31`."""

    value: dt.date
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A wall-clock time in the shop's time zone, held without a zone: `2026-01-31T16:00:00`."""

    value: dt.datetime
    span: Span = field(default=NOWHERE, compare=False, repr=False)


OffsetUnit = Literal["d", "w", "m", "y", "h", "min"]


@dataclass(frozen=True, slots=True)
class Offset:
    """A distance from now: days, weeks, months and years give a day; hours and minutes give an instant. Negative is the past."""

    amount: int
    unit: OffsetUnit
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Named:
    """`today` and `yesterday` (days) or `now` (an instant)."""

    name: Literal["today", "yesterday", "now"]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


DateValue = Day | LocalTime | Offset | Named
Value = Text | Number | Flag | DateValue

Operator = Literal["=", "!=", ">", ">=", "<", "<=", "BETWEEN", "IN", "CONTAINS", "STARTS WITH", "ENDS WITH", "IS NULL"]


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: of an attribute in a clause, or of a parameter inside MATCHES.

    `values` holds none for IS NULL, two for BETWEEN, one or more for IN, one otherwise. `negated` is the NOT inside the comparison.
    """

    name: str
    operator: Operator
    values: tuple[Value, ...] = ()
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rank:
    """`attribute IN TOP 10%`: a place among the shop's customers."""

    name: str
    end: Literal["TOP", "BOTTOM"]
    size: Decimal
    percent: bool = False
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Matches:
    """`activity MATCHES (…)`: what the customer did."""

    name: str
    parameters: tuple[Test, ...] = ()
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Duration:
    """An exact length of time: 30d is 720 hours."""

    amount: int
    unit: Literal["min", "h", "d", "w"]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """`first THEN then WITHIN duration`; only `then` may be negated."""

    first: Matches
    then: Matches
    within: Duration
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Anniversary:
    """`anniversary('field') = today`: the month and day of a customer field; `test.name` is always `anniversary`."""

    field_name: str
    test: Test
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Body = Test | Rank | Matches | Sequence | Anniversary


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition and the comments that belong to it: `before` on lines of their own, `after` at the end of its line."""

    body: Body
    before: tuple[str, ...] = ()
    after: str | None = None

    @property
    def span(self) -> Span:
        """Where the condition stands."""
        return self.body.span


@dataclass(frozen=True, slots=True)
class Not:
    """Plain negation."""

    item: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more."""

    items: tuple[Node, ...]


Node = Clause | Not | And | Or


@dataclass(frozen=True, slots=True)
class Rule:
    """A whole rule; `tail` holds the comments after the last condition's line."""

    root: Node
    tail: tuple[str, ...] = ()


def clauses(node: Node) -> Iterator[Clause]:
    """Every condition under `node`, in the order of the text."""
    if isinstance(node, Clause):
        yield node
    else:
        for item in (node.item,) if isinstance(node, Not) else node.items:
            yield from clauses(item)


def attribute_names(rule: Rule) -> frozenset[str]:
    """The attributes that a rule asks about, a shop's properties among them, by their names in the language."""
    names: set[str] = set()
    for clause in clauses(rule.root):
        match clause.body:
            case Test() | Rank():
                names.add(clause.body.name)
            case Anniversary():
                names.add(clause.body.field_name)
    return frozenset(names)


def depth(node: Node) -> int:
    """How many AND, OR and NOT lie above the deepest condition."""
    if isinstance(node, Clause):
        return 0
    return 1 + (depth(node.item) if isinstance(node, Not) else max(depth(item) for item in node.items))


def tests(body: Body) -> Iterator[tuple[str | None, Test]]:
    """Every comparison in a condition, each with the activity that it is a parameter of, or None for an attribute."""
    if isinstance(body, Test):
        yield None, body
    elif isinstance(body, Anniversary):
        yield None, body.test
    elif isinstance(body, Matches):
        for parameter in body.parameters:
            yield body.name, parameter
    elif isinstance(body, Sequence):
        yield from tests(body.first)
        yield from tests(body.then)
