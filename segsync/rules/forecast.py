"""When time alone changes an answer: the first future instant at which a rule says something else of a customer who does nothing.

The answer can only change at instants that follow from the rule and the facts: where an offset passes a timestamp, where a count of days
reaches a number, where a sequence expires, and, for what is worked out day by day, at midnights. Each of them is tried in order. The
shop's cuts stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from segsync.rules import catalogue, tree
from segsync.rules.context import ShopContext
from segsync.rules.entries import Attribute, Type
from segsync.rules.facts import CustomerFacts
from segsync.rules.interpret import EMPTY, compile_checked
from segsync.rules.moments import Moment, shifted
from segsync.rules.sequences import length, row_time
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

# How far ahead attributes that are worked out day by day are looked at.
HORIZON_DAYS = 1_096
# A month's end clips to days up to three before it.
CLIPPED_DAYS = 4
TICK = timedelta(microseconds=1)
COUNTED_DAYS = {"days_since_last_order": "last_order_date", "days_since_first_order": "first_order_date"}
LAST_YEAR = 9000


@dataclass(frozen=True, slots=True)
class Forecast:
    """What time alone will do: at `at` the customer enters or leaves; `sentence` says so."""

    at: datetime
    enters: bool
    sentence: str


def next_change(
    rule: tree.Rule, facts: CustomerFacts, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = ""
) -> datetime | None:
    """The first instant after the moment at which the answer is another, or None when time alone never changes it.

    Exact for dates, offsets, days since an order and sequences; other attributes counted in days are looked at for three years ahead.
    The rule must have been checked.
    """

    def answer(at: Moment) -> bool:
        return compile_checked(rule, at, context, vocabulary, salt)(facts)

    now = answer(moment)
    for at in candidates(rule, facts, moment, vocabulary):
        if answer(Moment(at, moment.tz)) != now:
            return at
    return None


def forecast(
    rule: tree.Rule, facts: CustomerFacts, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = ""
) -> Forecast | None:
    """`leaves on 14 January unless they order`: the next change as a sentence, None when time alone changes nothing."""
    at = next_change(rule, facts, moment, context, vocabulary, salt)
    if at is None:
        return None
    later = Moment(at, moment.tz)
    enters = compile_checked(rule, later, context, vocabulary, salt)(facts)
    # Midnight belongs to the day that begins; other times are told to the minute.
    day = moment.local_day(at)
    year = "" if day.year == moment.today.year else f" {day.year}"
    clock = "" if later.day_bounds(day).start == at else f" at {at.astimezone(moment.tz):%H:%M}"
    unless = _unless(rule, vocabulary)
    return Forecast(at, enters, f"{'enters' if enters else 'leaves'} on {day.day} {day:%B}{year}{clock}{unless}")


def _unless(rule: tree.Rule, vocabulary: Vocabulary) -> str:
    kinds: set[str] = set()
    for clause in tree.clauses(rule.root):
        match clause.body:
            case tree.Test() | tree.Rank():
                entry = catalogue.attribute(clause.body.name, vocabulary)
                kinds |= entry.needs if entry else frozenset()
            case tree.Matches():
                kinds |= catalogue.ACTIVITIES[clause.body.name].needs
            case tree.Sequence():
                kinds |= catalogue.ACTIVITIES[clause.body.then.name].needs
            case tree.Anniversary():
                pass
    if "orders" in kinds:
        return " unless they order"
    if kinds & {"activities", "checkouts"}:
        return " unless they are active"
    return ""


def candidates(rule: tree.Rule, facts: CustomerFacts, moment: Moment, vocabulary: Vocabulary = NO_VOCABULARY) -> list[datetime]:
    """Every instant after the moment at which the answer may change, in order."""
    found: set[datetime] = set()
    for clause in tree.clauses(rule.root):
        found.update(_of_body(clause.body, facts, moment, vocabulary))
    return sorted(at for at in found if at > moment.now)


def row_changes(body: tree.Matches, facts: CustomerFacts, moment: Moment) -> list[datetime]:
    """Every instant after the moment at which the rows that a MATCHES chooses may change, in order."""
    return sorted({at for at in _of_rows(body, facts, moment) if at > moment.now})


def _of_body(body: tree.Body, facts: CustomerFacts, moment: Moment, vocabulary: Vocabulary) -> Iterator[datetime]:
    match body:
        case tree.Test():
            entry = catalogue.attribute(body.name, vocabulary)
            if entry is not None:
                yield from _of_attribute(body, entry, facts, moment)
        case tree.Rank():
            entry = catalogue.attribute(body.name, vocabulary)
            if entry is not None and entry.day_valued:
                yield from _midnights(moment)
        case tree.Matches():
            yield from _of_rows(body, facts, moment)
        case tree.Sequence():
            yield from _of_rows(body.first, facts, moment)
            yield from _of_rows(body.then, facts, moment)
            if body.then.negated:
                rows = catalogue.ACTIVITIES[body.first.name].rows
                at = row_time(body.first.name)
                yield from (at(row) + length(body.within) for row in (rows(facts) if rows else ()))
        case tree.Anniversary():
            yield from _midnights(moment)


def _of_attribute(test: tree.Test, entry: Attribute, facts: CustomerFacts, moment: Moment) -> Iterator[datetime]:
    if entry.type is Type.DATE and entry.read is not None:
        at = entry.read(facts, moment, EMPTY)
        if at is not None:
            yield from _crossings(test, (at,), moment)
    elif test.name in COUNTED_DAYS:
        dated = catalogue.ATTRIBUTES[COUNTED_DAYS[test.name]].read
        at = dated(facts, moment, EMPTY) if dated else None
        for value in test.values:
            if at is not None and isinstance(value, tree.Number) and 0 <= value.value < 10**6:
                day = moment.local_day(at)
                yield from _starts(moment, (day + timedelta(days=int(value.value) + step) for step in (0, 1)))
    elif entry.day_valued:
        yield from _midnights(moment)


def _of_rows(body: tree.Matches, facts: CustomerFacts, moment: Moment) -> Iterator[datetime]:
    activity = catalogue.ACTIVITIES[body.name]
    dated = [test for test in body.parameters if test.name == "date"]
    if activity.rows is None or not dated:
        return
    at = row_time(body.name)
    times = {at(row) for row in activity.rows(facts)}
    for test in dated:
        yield from _crossings(test, times, moment)


def _crossings(test: tree.Test, times: Iterable[datetime], moment: Moment) -> Iterator[datetime]:
    """Where the values of a test pass timestamps: for days the midnights about which they do, for instants the instant and the next."""
    days = {moment.local_day(at) for at in times}
    for value in test.values:
        match value:
            case tree.Offset(unit="h") | tree.Offset(unit="min"):
                step = timedelta(**{"hours" if value.unit == "h" else "minutes": value.amount})
                yield from (at - step + tick for at in times for tick in (timedelta(), TICK))
            case tree.Offset(unit="d") | tree.Offset(unit="w"):
                yield from _starts(moment, (shifted(day, _back(value)) + timedelta(days=step) for day in days for step in (0, 1)))
            case tree.Offset():
                around = range(-CLIPPED_DAYS, CLIPPED_DAYS + 2)
                yield from _starts(moment, (shifted(day, _back(value)) + timedelta(days=step) for day in days for step in around))
            case tree.Named(name="now"):
                yield from (at + tick for at in times for tick in (timedelta(), TICK))
            case tree.Named():
                yield from _starts(moment, (day + timedelta(days=step) for day in days for step in (0, 1, 2)))
            case _:
                pass


def _back(offset: tree.Offset) -> tree.Offset:
    return tree.Offset(-offset.amount, offset.unit)


def _starts(moment: Moment, days: Iterable[date]) -> Iterator[datetime]:
    return (moment.day_bounds(day).start for day in days if moment.today <= day and day.year < LAST_YEAR)


def _midnights(moment: Moment) -> Iterator[datetime]:
    return _starts(moment, (moment.today + timedelta(days=step) for step in range(1, HORIZON_DAYS + 1)))
