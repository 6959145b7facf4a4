"""Whether a parsed rule means something: known names, fitting operators and values, limits, and data that exists."""

from __future__ import annotations

from dataclasses import dataclass

from segsync.rules import catalogue, tree, windows
from segsync.rules.entries import Attribute, Entry, Kind, Type
from segsync.rules.errors import RuleError, listed, nearest, shown
from segsync.rules.format import format_clause, format_value
from segsync.rules.parse import parse_rule
from segsync.rules.scan import MAX_CLAUSES, MAX_DEPTH, MAX_LIST_VALUES
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

FIRST_YEAR, LAST_YEAR = 1900, 2199
# Two hundred years in each unit.
FARTHEST: dict[str, int] = {"d": 73_000, "w": 10_400, "m": 2_400, "y": 200, "h": 1_752_000, "min": 105_120_000}


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that every evaluator accepts: its tree, the text that it came from, and what `segsync.rules.windows` says of it."""

    rule: tree.Rule
    text: str
    hour_windows: frozenset[windows.HourWindow]
    day_valued: bool
    needs: frozenset[Kind]


def check_rule(text: str, vocabulary: Vocabulary = NO_VOCABULARY) -> CheckedRule:
    """Parse and check. Raises RuleError for the first mistake in the text, within 100 ms whatever the text.

    `vocabulary` says what the shop adds to the language; without it no property of a portal has data.
    """
    rule = parse_rule(text)
    check_tree(rule, vocabulary)
    found = windows.survey(rule, vocabulary)
    return CheckedRule(rule, text, found.hour_windows, found.day_valued, found.needs)


def check_tree(rule: tree.Rule, vocabulary: Vocabulary = NO_VOCABULARY) -> None:
    """Raise RuleError for the first condition that cannot be judged."""
    if tree.depth(rule.root) > MAX_DEPTH:
        raise RuleError(f"groups are nested more than {MAX_DEPTH} deep; flatten the rule.")
    for number, clause in enumerate(tree.clauses(rule.root), 1):
        if number > MAX_CLAUSES:
            raise _error(clause.span, f"a rule may hold at most {MAX_CLAUSES} conditions; split it into several segments.")
        _check_body(clause.body, vocabulary)


def _error(span: tree.Span, message: str, found: str = "", expected: tuple[str, ...] = (), suggestion: str | None = None) -> RuleError:
    return RuleError(message, span.line, span.column, shown(found), expected, suggestion)


def _check_body(body: tree.Body, vocabulary: Vocabulary) -> None:
    match body:
        case tree.Test():
            entry = _answered(body.name, body.span, vocabulary)
            _check_test(body, entry)
            if body.name == "segments" and vocabulary.handles is not None:
                _check_handle(body.values, vocabulary.handles)
        case tree.Rank():
            _check_rank(body, vocabulary)
        case tree.Matches():
            _check_matches(body, vocabulary)
        case tree.Sequence():
            _check_sequence(body, vocabulary)
        case tree.Anniversary():
            _check_anniversary(body, vocabulary)


def _no_data(name: str, awaits: str, span: tree.Span) -> RuleError:
    return _error(span, f"`{shown(name)}` has no data yet; it takes {awaits}.", name)


def _answered(name: str, span: tree.Span, vocabulary: Vocabulary) -> Attribute:
    entry = _attribute(name, span, vocabulary)
    if entry.unshared:
        raise _error(span, entry.unshared, name)
    awaits = entry.awaits or vocabulary.withheld.get(name, "")
    if awaits or entry.read is None:
        raise _no_data(name, awaits, span)
    return entry


def _attribute(name: str, span: tree.Span, vocabulary: Vocabulary) -> Attribute:
    entry = catalogue.attribute(name, vocabulary)
    if entry:
        return entry
    if activity := catalogue.activity(name):
        raise _error(span, activity.unshared or f"`{name}` is an activity; write {name} MATCHES (…).", name, ("MATCHES",))
    near = nearest(name, (*catalogue.ATTRIBUTES, *catalogue.ACTIVITIES, *vocabulary.properties))
    what = "a property of the connected portal" if name.startswith("hubspot.") else "an attribute"
    raise _error(span, f"`{shown(name)}` is not {what}.", name, (what,), near)


def _check_handle(values: tuple[tree.Value, ...], handles: frozenset[str]) -> None:
    for value in values:
        if isinstance(value, tree.Text) and value.value not in handles:
            found = format_value(value)
            near = nearest(value.value, handles)
            raise _error(value.span, f"{shown(found)} is not the handle of a segment.", found, (), near and f"'{near}'")


def _check_rank(body: tree.Rank, vocabulary: Vocabulary) -> None:
    entry = _attribute(body.name, body.span, vocabulary)
    if not entry.type.is_ordered:
        raise _error(body.span, f"`{body.name}` is {entry.type.value} and has no {body.end}.", body.name)
    _answered(body.name, body.span, vocabulary)
    found = f"{body.size:f}{'%' if body.percent else ''}"
    if body.percent and not 0 < body.size <= 100:
        raise _error(body.span, f"a share must be above 0% and at most 100%; found {shown(found)}.", found)
    if not body.percent and (body.size < 1 or body.size != body.size.to_integral_value()):
        raise _error(body.span, f"a rank must be a whole number of customers, such as IN {body.end} 500, or a share; found {shown(found)}.", found)


def _check_sequence(body: tree.Sequence, vocabulary: Vocabulary) -> None:
    for part in (body.first, body.then):
        _check_matches(part, vocabulary)
        for test in part.parameters:
            if catalogue.ACTIVITIES[part.name].parameters[test.name].scope == "aggregate":
                raise _error(
                    test.span, f"`{test.name}` sums up rows; around THEN each row is looked at by itself. Ask it in a condition of its own.", test.name
                )
    if not 0 < body.within.amount <= FARTHEST[body.within.unit]:
        found = f"{body.within.amount}{body.within.unit}"
        raise _error(body.within.span, f"{found} is out of range; a duration is above 0 and at most 200 years.", found)


def _check_anniversary(body: tree.Anniversary, vocabulary: Vocabulary) -> None:
    if catalogue.attribute(body.field_name, vocabulary) is None:
        near = nearest(body.field_name, (*(name for name, entry in catalogue.ATTRIBUTES.items() if entry.type is Type.DATE), *vocabulary.properties))
        raise _error(body.span, f"`{shown(body.field_name)}` is not a date of the customer.", body.field_name, ("a date attribute",), near)
    entry = _answered(body.field_name, body.span, vocabulary)
    if entry.type is not Type.DATE:
        raise _error(body.span, f"`{shown(body.field_name)}` is {entry.type.value} and has no anniversary.", body.field_name)
    _check_test(body.test, ANNIVERSARY)
    for value in body.test.values:
        if not isinstance(value, tree.Day) and not windows.is_relative_day(value):
            found = format_value(value)
            raise _error(value.span, f"an anniversary is a day: found {shown(found)} where a day such as today or +30d should be.", found)


def _check_matches(body: tree.Matches, vocabulary: Vocabulary) -> None:
    activity = catalogue.activity(body.name)
    if activity is None:
        if catalogue.attribute(body.name):
            raise _error(body.span, f"`{body.name}` is an attribute and takes no MATCHES; compare it, as in {body.name} = ….", body.name)
        near = nearest(body.name, (*catalogue.ACTIVITIES, *catalogue.ATTRIBUTES))
        raise _error(body.span, f"`{shown(body.name)}` is not an activity.", body.name, ("an activity",), near)
    if activity.unshared:
        raise _error(body.span, activity.unshared, body.name)
    for test in body.parameters:
        parameter = activity.parameters.get(test.name)
        if parameter is None:
            known = tuple(activity.parameters)
            near = nearest(test.name, known)
            message = f"`{shown(test.name)}` is not a parameter of {body.name}"
            raise _error(test.span, f"{message}." if near else f"{message}, which takes {listed(known, 'and')}.", test.name, known, near)
        if awaits := parameter.awaits or vocabulary.withheld.get(f"{body.name}.{test.name}", ""):
            raise _no_data(test.name, awaits, test.span)
        _check_test(test, parameter)
    if activity.awaits:
        raise _no_data(body.name, activity.awaits, body.span)


def _check_test(test: tree.Test, entry: Entry) -> None:
    if test.operator not in entry.operators:
        takes = listed(entry.operators)
        message = f"`{test.name}` is {entry.type.value} and does not take {test.operator}; it takes {takes}."
        raise _error(test.span, message, test.operator, entry.operators)
    if len(test.values) > MAX_LIST_VALUES:
        raise _error(test.span, f"a list may hold at most {MAX_LIST_VALUES} values; split it with OR.", format_clause(test))
    for value in test.values:
        _check_value(test.name, value, entry)


def _check_value(name: str, value: tree.Value, entry: Entry) -> None:
    found = format_value(value)
    if not _fits(value, Type.ID if entry.ids else entry.type):
        expected = "a word in quotes" if entry.type is Type.ENUM else EXPECTED[Type.ID if entry.ids else entry.type]
        raise _error(value.span, f"`{name}` is {entry.type.value}: found {shown(found)} where {expected} should be.", found, (expected,))
    if isinstance(value, tree.Day | tree.LocalTime) and not FIRST_YEAR <= value.value.year <= LAST_YEAR:
        raise _error(value.span, f"{found} is out of range; years go from {FIRST_YEAR} to {LAST_YEAR}.", found)
    if isinstance(value, tree.Offset) and abs(value.amount) > FARTHEST[value.unit]:
        raise _error(value.span, f"{found} is out of range; offsets reach at most 200 years.", found)
    if isinstance(value, tree.Text) and entry.values and value.value not in entry.values:
        near = nearest(value.value, entry.values)
        message = f"{shown(found)} is not a value of `{name}`"
        rest = "." if near else f", which is {listed(entry.values)}."
        raise _error(value.span, message + rest, found, entry.values, near and f"'{near}'")
    if isinstance(value, tree.Text) and entry.pattern and not entry.pattern.fullmatch(value.value):
        raise _error(value.span, f"{shown(found)} is not a value of `{name}`, which looks like {entry.example}.", found, (entry.example,))


ANNIVERSARY = Attribute(name="anniversary", type=Type.DATE, label="anniversary", help="A day that comes round each year.", source="the date named")
EXPECTED = {
    Type.INTEGER: "a whole number such as 3",
    Type.MONEY: "an amount such as 49.99",
    Type.DECIMAL: "a number such as 1.5",
    Type.DATE: "a date such as 2026-01-31, -30d or today, without quotes,",
    Type.TEXT: "a text in quotes",
    Type.ID: "an id such as 1012132033639",
    Type.FLAG: "true or false, without quotes,",
    Type.LIST: "a text in quotes",
}


def _fits(value: tree.Value, kind: Type) -> bool:
    match value:
        case tree.Number():
            whole = value.value == value.value.to_integral_value()
            return kind in (Type.MONEY, Type.DECIMAL) or (whole and (kind is Type.INTEGER or (kind is Type.ID and value.value >= 0)))
        case tree.Text():
            return kind in (Type.TEXT, Type.ENUM, Type.ID, Type.LIST)
        case tree.Flag():
            return kind is Type.FLAG
        case _:
            return kind is Type.DATE
