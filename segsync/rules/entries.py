"""What an entry of the catalogue says: of an attribute, of an activity, of a parameter. One entry is all that adding one takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from segsync.rules.context import ShopContext
from segsync.rules.derive import Numbers
from segsync.rules.facts import CustomerFacts, LineFacts
from segsync.rules.moments import Moment
from segsync.rules.tree import Operator

Kind = Literal["profile", "orders", "lines", "refunds", "checkouts", "checkout_lines", "activities", "properties", "segments"]
# Cuts that are worked out over the whole shop.
CutName = Literal["typical_gap", "usage", "rfm"]

ORDERING: tuple[Operator, ...] = ("=", "!=", ">", ">=", "<", "<=", "BETWEEN", "IN")
WORDING: tuple[Operator, ...] = ("=", "!=", "IN", "CONTAINS", "STARTS WITH", "ENDS WITH")


class Type(Enum):
    """What kind of value a name has; it decides the operators and the form of the values compared with it."""

    INTEGER = "a whole number"
    MONEY = "an amount of money"
    DECIMAL = "a number"
    DATE = "a date"
    TEXT = "a text"
    ENUM = "one of a set of words"
    ID = "an id"
    FLAG = "true or false"
    LIST = "a list of texts"

    @property
    def is_ordered(self) -> bool:
        """Whether values of this type have an order, so that customers can be ranked by it."""
        return self in (Type.INTEGER, Type.MONEY, Type.DECIMAL, Type.DATE)


OPERATORS: Mapping[Type, tuple[Operator, ...]] = {
    Type.INTEGER: ORDERING,
    Type.MONEY: ORDERING,
    Type.DECIMAL: ORDERING,
    Type.DATE: ORDERING,
    Type.TEXT: WORDING,
    Type.ENUM: ("=", "!=", "IN"),
    Type.ID: ("=", "!=", "IN"),
    Type.FLAG: ("=", "!="),
    Type.LIST: WORDING,
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What attributes and parameters have in common.

    `values` are the words of an ENUM; `exact_case` says that upper and lower case differ; `many` marks a text that stands for several
    at once (all e-mail addresses, all levels of a category): one that fits is enough, and none at all is a missing value.
    `pattern` is what a text must look like to mean anything, with `example` to show it. `awaits` names what would provide the data
    of a name that has none yet; empty for one that is answered. `ids` marks a list of ids, which may be written as numbers.
    """

    name: str
    type: Type
    label: str
    help: str
    values: tuple[str, ...] = ()
    exact_case: bool = False
    many: bool = False
    pattern: re.Pattern[str] | None = None
    example: str = ""
    awaits: str = ""
    ids: bool = False

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators that this entry takes, in the order in which to name them."""
        return OPERATORS[self.type]


@dataclass(frozen=True, kw_only=True)
class Attribute(Entry):
    """Something a customer is or has. `read` gives its value (None when missing), or is None while no facts answer it.

    `source` says where the data comes from, `needs` which facts `read` looks at (`activity_kinds` which activities among them, `cuts`
    which cuts of the shop); `day_valued` that it changes at local midnight by itself. `from_numbers` reads what depends on cuts from
    a customer's own numbers. `unshared` is the whole refusal for what a platform keeps to itself.
    """

    source: str
    needs: frozenset[Kind] = frozenset({"profile"})
    read: Callable[[CustomerFacts, Moment, ShopContext], Any] | None = None
    day_valued: bool = False
    activity_kinds: tuple[str, ...] = ()
    cuts: frozenset[CutName] = frozenset()
    from_numbers: Callable[[Numbers, ShopContext], Any] | None = None
    unshared: str = ""

    @property
    def operators(self) -> tuple[Operator, ...]:
        """A list attribute is asked what it has, one of ids with = as well; every attribute is asked whether it is known."""
        listed: tuple[Operator, ...] = ("=", "!=", "CONTAINS") if self.ids else ("CONTAINS",)
        return (listed if self.type is Type.LIST else OPERATORS[self.type]) + ("IS NULL",)


@dataclass(frozen=True, kw_only=True)
class Parameter(Entry):
    """Something that MATCHES asks of an activity.

    `read` gets a row, a line of it (scope `line`: one line must fit all such parameters) or all chosen rows (scope `aggregate`);
    it is None while no facts answer it.
    """

    scope: Literal["row", "line", "aggregate"] = "row"
    read: Callable[[Any], Any] | None = None
    needs: frozenset[Kind] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Something customers do. `rows` gives a customer's rows, or is None while no facts answer it.

    `did`, `did_not`, `one` and `many` are its words in a sentence, and `counts` what `count` counts
    where that is not the rows; `describe` names a row as evidence, given the currency's exponent
    and the moment; `unshared` is the whole refusal for what a platform keeps to itself, `awaits` what would provide data not there yet.
    """

    name: str
    help: str
    source: str
    did: str
    did_not: str
    one: str
    many: str
    counts: tuple[str, str] | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    needs: frozenset[Kind] = frozenset()
    rows: Callable[[CustomerFacts], Iterable[Any]] | None = None
    lines: Callable[[Any], Sequence[LineFacts]] | None = None
    describe: Callable[[Any, int, Moment], str] | None = None
    unshared: str = ""
    awaits: str = ""


def by_name(*parameters: Parameter) -> Mapping[str, Parameter]:
    """Parameters keyed by their names."""
    return {parameter.name: parameter for parameter in parameters}
