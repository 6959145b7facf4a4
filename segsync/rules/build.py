"""What each rule of `grammar.lark` becomes in the tree. Lark calls these while it parses, so nothing here may recurse."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal
from typing import Literal, cast

from lark import Token, Transformer, v_args

from segsync.rules import tree
from segsync.rules.errors import RuleError, shown

MAX_WHOLE_DIGITS = 19
MAX_DECIMALS = 9
MAX_OFFSET_DIGITS = 7

# Earlier names of today's activities (shopify.dev, segment query language reference, older versions).
RENAMED = {
    "storefront_event.product_viewed": "storefront.product_viewed",
    "storefront_event.collection_viewed": "storefront.collection_viewed",
}
OLD_NAMED: dict[str, tuple[int, tree.OffsetUnit]] = {
    "7_days_ago": (-7, "d"),
    "30_days_ago": (-30, "d"),
    "90_days_ago": (-90, "d"),
    "12_months_ago": (-12, "m"),
}


def token_span(token: Token) -> tree.Span:
    """The place of one token."""
    return tree.Span(token.line or 1, token.column or 1, token.start_pos or 0, token.end_pos or 0, token.end_line or 1)


def across(first: tree.Span, last: tree.Span) -> tree.Span:
    """The place from the beginning of one part to the end of another."""
    return tree.Span(first.line, first.column, first.start, last.end, last.end_line)


def at(span: tree.Span, message: str, found: str, suggestion: str | None = None) -> RuleError:
    """A mistake at a known place."""
    return RuleError(message, span.line, span.column, shown(found), suggestion=suggestion)


def _name(token: Token) -> str:
    return RENAMED.get(str(token), str(token))


def _test(name: Token, operator: str, values: tuple[tree.Value, ...], not_: Token | None, last: tree.Span) -> tree.Test:
    span = across(token_span(name), last)
    return tree.Test(str(name), cast(tree.Operator, operator), values, not_ is not None, span)


@v_args(inline=True)
class Builder(Transformer[Token, tree.Node]):
    """Tokens to tree nodes. Raises RuleError for a value that has the form of one but is none, such as 2026-02-30."""

    def start(self, root: tree.Node) -> tree.Node:
        """The whole rule."""
        return root

    def any_of(self, *items: tree.Node) -> tree.Or:
        """OR."""
        return tree.Or(items)

    def all_of(self, *items: tree.Node) -> tree.And:
        """AND."""
        return tree.And(items)

    def negate(self, _not: Token, item: tree.Node) -> tree.Not:
        """NOT before a group or a condition."""
        return tree.Not(item)

    def group(self, item: tree.Node, _close: Token) -> tree.Node:
        """Brackets leave no trace: the tree's shape says what they said."""
        return item

    def clause(self, body: tree.Body) -> tree.Clause:
        """A condition, its comments still to come."""
        if isinstance(body, tree.Test | tree.Rank):
            body = replace(body, name=RENAMED.get(body.name, body.name))
        return tree.Clause(body)

    def compare(self, name: Token, operator: Token, value: tree.Value) -> tree.Test:
        """`name >= value`."""
        return _test(name, str(operator), (value,), None, value.span)

    def between(self, name: Token, not_: Token | None, low: tree.Value, high: tree.Value) -> tree.Test:
        """`name BETWEEN low AND high`."""
        return _test(name, "BETWEEN", (low, high), not_, high.span)

    def one_of(self, name: Token, not_: Token | None, *rest: tree.Value | Token) -> tree.Test:
        """`name IN (…)`."""
        values = cast(tuple[tree.Value, ...], rest[:-1])
        return _test(name, "IN", values, not_, token_span(cast(Token, rest[-1])))

    def contains(self, name: Token, not_: Token | None, value: tree.Value) -> tree.Test:
        """`name CONTAINS value`."""
        return _test(name, "CONTAINS", (value,), not_, value.span)

    def starts_with(self, name: Token, not_: Token | None, value: tree.Value) -> tree.Test:
        """`name STARTS WITH value`."""
        return _test(name, "STARTS WITH", (value,), not_, value.span)

    def ends_with(self, name: Token, not_: Token | None, value: tree.Value) -> tree.Test:
        """`name ENDS WITH value`."""
        return _test(name, "ENDS WITH", (value,), not_, value.span)

    def is_null(self, name: Token, not_: Token | None, null: Token) -> tree.Test:
        """`name IS NULL`."""
        return _test(name, "IS NULL", (), not_, token_span(null))

    def rank(self, name: Token, not_: Token | None, edge: Token, size: Token, percent: Token | None) -> tree.Rank:
        """`name IN TOP 10%`."""
        number = self.number(size)
        span = across(token_span(name), token_span(percent or size))
        end = cast(Literal["TOP", "BOTTOM"], edge.upper())
        return tree.Rank(str(name), end, number.value, percent is not None, not_ is not None, span)

    def matches(self, name: Token, not_: Token | None, *rest: tree.Test | Token) -> tree.Matches:
        """`name MATCHES (…)`."""
        parameters = cast(tuple[tree.Test, ...], rest[:-1])
        return tree.Matches(_name(name), parameters, not_ is not None, across(token_span(name), token_span(cast(Token, rest[-1]))))

    def sequence(self, first: tree.Matches, then: tree.Matches, length: Token) -> tree.Sequence:
        """`a MATCHES (…) THEN b MATCHES (…) WITHIN 24h`."""
        if first.negated:
            raise at(first.span, "only the activity after THEN may be NOT MATCHES: nothing can follow what never happened.", first.name)
        amount, unit = _amount_and_unit(length, "")
        duration = tree.Duration(amount, cast(Literal["min", "h", "d", "w"], unit), token_span(length))
        return tree.Sequence(first, then, duration, across(first.span, duration.span))

    def text(self, token: Token) -> tree.Text:
        """A text: `\\'` is a quote and `\\\\` a backslash; a backslash before anything else stands for itself."""
        return tree.Text(re.sub(r"\\(['\\])", r"\1", token[1:-1]), token_span(token))

    def number(self, token: Token) -> tree.Number:
        """A number, kept exactly."""
        whole, _, decimals = token.lstrip("+-").partition(".")
        if len(whole) > MAX_WHOLE_DIGITS or len(decimals) > MAX_DECIMALS:
            limit = f"{MAX_WHOLE_DIGITS} digits and {MAX_DECIMALS} decimals"
            raise at(token_span(token), f"the number {shown(token)} is too long; numbers have at most {limit}.", token)
        return tree.Number(Decimal(str(token)), token_span(token))

    def flag(self, token: Token) -> tree.Flag:
        """`true` or `false`."""
        return tree.Flag(token.lower() == "true", token_span(token))

    def day(self, token: Token) -> tree.Day:
        """A day that the calendar has."""
        try:
            return tree.Day(dt.date.fromisoformat(token), token_span(token))
        except ValueError:
            raise at(token_span(token), f"{token} is not a day in the calendar.", token) from None

    def local_time(self, token: Token) -> tree.LocalTime:
        """A time that a clock can show."""
        try:
            return tree.LocalTime(dt.datetime.fromisoformat(token.upper()), token_span(token))
        except ValueError:
            raise at(token_span(token), f"{token} is not a date and time that exist.", token) from None

    def offset(self, token: Token) -> tree.Offset:
        """`-30d`."""
        amount, unit = _amount_and_unit(token, token[0])
        return tree.Offset(amount, cast(tree.OffsetUnit, unit), token_span(token))

    def named(self, token: Token) -> tree.Named:
        """`today`, `yesterday` or `now`."""
        return tree.Named(cast(Literal["today", "yesterday", "now"], token.lower()), token_span(token))

    def old_named(self, token: Token) -> tree.Offset:
        """`30_days_ago` is `-30d`."""
        amount, unit = OLD_NAMED[token.lower()]
        return tree.Offset(amount, unit, token_span(token))

    def plain_argument(self, value: tree.Value) -> tree.Value:
        """The field of an anniversary."""
        return value

    def named_argument(self, name: Token, value: tree.Value) -> tree.Test:
        """`id: 1` in the older form; `count_at_least: 5` is `count >= 5`."""
        test = _test(name, "=", (value,), None, value.span)
        for ending, operator in (("_at_least", ">="), ("_at_most", "<=")):
            if test.name.endswith(ending):
                return replace(test, name=test.name.removesuffix(ending), operator=cast(tree.Operator, operator))
        return test

    def listed_argument(self, name: Token, *rest: tree.Value | Token) -> tree.Test:
        """`id: (1, 2)` in the older form is `id IN (1, 2)`; a pair of coordinates is one text today."""
        test = self.one_of(name, None, *rest)
        if test.name == "coordinates" and all(isinstance(value, tree.Number) for value in test.values):
            pair = ",".join(format(value.value, "f") for value in test.values if isinstance(value, tree.Number))
            return replace(test, operator="=", values=(tree.Text(pair, test.span),))
        return test

    def outcome_compare(self, operator: Token, value: tree.Value) -> tree.Test:
        """What follows the brackets of a call."""
        return _test(operator, str(operator), (value,), None, value.span)

    def outcome_between(self, low: tree.Value, high: tree.Value) -> tree.Test:
        """What follows the brackets of a call."""
        return tree.Test("", "BETWEEN", (low, high), False, across(low.span, high.span))

    def call(self, name: Token, *rest: tree.Value | tree.Test | Token) -> tree.Matches | tree.Anniversary:
        """`f(x: y) = true`, which is `f MATCHES (x = y)`, and `anniversary('field') = today`."""
        outcome = cast(tree.Test, rest[-1])
        arguments = cast(tuple[tree.Value | tree.Test, ...], rest[:-2])
        span = across(token_span(name), outcome.span)
        if name == "anniversary":
            return _anniversary(arguments, outcome, span)
        for argument in arguments:
            if not isinstance(argument, tree.Test):
                raise at(argument.span, "expected a parameter and its value, such as count >= 2.", name)
        value = outcome.values[0]
        if not isinstance(value, tree.Flag) or outcome.operator not in ("=", "!="):
            raise at(outcome.span, f"expected MATCHES: write {name} MATCHES (…).", name)
        negated = value.value == (outcome.operator == "!=")
        return tree.Matches(_name(name), cast(tuple[tree.Test, ...], arguments), negated, span)


def _anniversary(arguments: tuple[tree.Value | tree.Test, ...], outcome: tree.Test, span: tree.Span) -> tree.Anniversary:
    # The older form names its one argument: anniversary(date: 'field').
    field = arguments[0] if len(arguments) == 1 else None
    if isinstance(field, tree.Test) and field.name == "date" and field.operator == "=":
        field = field.values[0]
    if not isinstance(field, tree.Text):
        raise at(span, "expected one field in quotes, such as anniversary('metafields.facts.birth_date') = today.", "anniversary")
    return tree.Anniversary(field.value, replace(outcome, name="anniversary"), span)


def _amount_and_unit(token: Token, sign: str) -> tuple[int, str]:
    digits = token.lstrip("+-").rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if len(digits) > MAX_OFFSET_DIGITS:
        raise at(token_span(token), f"{shown(token)} is too long ago to be meant.", token)
    return int(sign + digits), token.lstrip("+-")[len(digits) :].lower()
