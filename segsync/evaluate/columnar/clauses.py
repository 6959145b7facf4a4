"""One condition of a rule over the columnar tables: about a customer's own values, about what they did, about what followed what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import ibis
from ibis.expr import operations as ops

from segsync.evaluate.columnar.activities import SOURCES, Lookup, Read, Source
from segsync.evaluate.columnar.anniversaries import anniversary
from segsync.evaluate.columnar.attributes import Read as ReadAttribute
from segsync.evaluate.columnar.attributes import Summary
from segsync.evaluate.columnar.conditions import Ratio, beyond, condition, every, instant, known
from segsync.evaluate.columnar.layout import table
from segsync.evaluate.columnar.values import day_of, value_of
from segsync.rules import catalogue, tree
from segsync.rules.anniversaries import anniversary_predicate
from segsync.rules.predicates import Predicate, Terms, predicate
from segsync.rules.ranks import cut_in_force, rank_predicate
from segsync.rules.sequences import length


@dataclass(frozen=True, slots=True)
class Chosen:
    """The customers of these rows, or, `inverted`, all others. `once`: nobody is in them twice."""

    ids: Any
    inverted: bool = False
    once: bool = False


class Clauses:
    """Says conditions for one moment and one shop. They must have been checked: a name that `check_tree` refuses raises KeyError."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def chosen(self, body: tree.Body, customers: Any) -> Chosen | Any:
        """Whom the condition chooses: by rows of theirs, or by a condition on `customers` that is never null."""
        match body:
            case tree.Test():
                entry = catalogue.attribute(body.name, self._terms.vocabulary)
                if entry is None:
                    raise KeyError(body.name)
                read = value_of(body.name, self._terms.vocabulary)
                return self._attribute(read, customers, partial(condition, body, entry, self._terms), predicate(body, entry, self._terms))
            case tree.Rank():
                read = value_of(body.name, self._terms.vocabulary)
                return self._attribute(read, customers, partial(self._ranked, body), rank_predicate(body, self._terms))
            case tree.Anniversary():
                read, moment = day_of(body.field_name, self._terms.vocabulary), self._terms.moment
                return self._attribute(read, customers, partial(anniversary, body.test, moment), anniversary_predicate(body.test, moment))
            case tree.Matches():
                return self._activity(body)
            case tree.Sequence():
                return self._sequence(body)

    def _attribute(self, read: ReadAttribute | Summary, customers: Any, passes: Callable[[Any], Any], passes_alone: Predicate) -> Chosen | Any:
        """Whether the attribute passes; `passes_alone` is asked of the value of a customer without rows."""
        if not isinstance(read, Summary):
            return passes(read(customers, self._terms)).fill_null(False)
        people = read.people(self._terms)
        return _within(people, passes(read.value(people, self._terms)).fill_null(False), passes_alone(read.empty))

    def _ranked(self, body: tree.Rank, value: Any) -> Any:
        """A missing value is neither in nor, with NOT, out."""
        cut = cut_in_force(body, self._terms)
        if cut is None:
            return known(value) if body.negated else ibis.literal(False)
        inside = beyond(value, cut, ">=" if body.end == "TOP" else "<=")
        return ~inside if body.negated else inside

    def _sequence(self, body: tree.Sequence) -> Chosen:
        """Some first row with, or once its time is over without, a later row within the duration."""
        first, then = self._moments(body.first), self._moments(body.then).rename(after="at", follower="customer")
        within = length(body.within)
        follows = [first.customer == then.follower, then.after > first.at, then.after <= first.at + ibis.interval(seconds=int(within.total_seconds()))]
        if not body.then.negated:
            return Chosen(first.semi_join(then, follows))
        over = first.filter(first.at <= instant(self._terms.moment.now - within))
        follows = [over.customer == then.follower, then.after > over.at, then.after <= over.at + ibis.interval(seconds=int(within.total_seconds()))]
        return Chosen(over.anti_join(then, follows))

    def _moments(self, body: tree.Matches) -> Any:
        """Whose rows are chosen, and when they happened."""
        source = SOURCES[body.name]
        rows = self._rows(body, source, set())
        return rows.select(customer=rows.customer, at=source.parameters["date"](rows))

    def _activity(self, body: tree.Matches) -> Chosen:
        source = SOURCES[body.name]
        parameters = catalogue.ACTIVITIES[body.name].parameters
        totals = [test for test in body.parameters if parameters[test.name].scope == "aggregate"]
        rows = self._rows(body, source, {test.name for test in totals})
        if not totals:
            return Chosen(rows, inverted=body.negated)
        read = {test.name: _read(source.totals, test) for test in totals}
        grouped = _grouped(rows, read)
        holds = every([condition(test, parameters[test.name], self._terms, _total(grouped, test.name, read)).fill_null(False) for test in totals])
        alone = all(predicate(test, parameters[test.name], self._terms)(source.empty[test.name]) for test in totals)
        found = _within(grouped, holds, alone)
        return replace(found, inverted=found.inverted != body.negated)

    def _rows(self, body: tree.Matches, source: Source, totals: set[str]) -> Any:
        """The rows that the row parameters choose."""
        rows = table(source.table)
        tests = [test for test in body.parameters if test.name not in totals]
        looked_up = {name for lookup in source.lookups for name in _names(lookup)}
        own = [test for test in tests if test.name not in looked_up]
        if own:
            rows = rows.filter(self._conditions(body.name, own, source.parameters, rows))
        for lookup in source.lookups:
            carried = [lookup.carries[name] for name in sorted(totals) if name in lookup.carries]
            found = self._found(body.name, lookup, [test for test in tests if test.name in _names(lookup)], needed=bool(carried))
            if found is None:
                continue
            if carried:
                other = found.select(carried_key=found[lookup.key], **{name: found[name] for name in carried})
                counted = {name for total in totals - set(lookup.carries) for name in _fields(source.totals[total](table(source.table)))}
                rows = rows.select("customer", *sorted({lookup.via} | counted)).join(other, ibis._[lookup.via] == other.carried_key)
            else:
                rows = rows.filter(rows[lookup.via].isin(found[lookup.key]))
        return rows

    def _found(self, activity: str, lookup: Lookup, tests: Sequence[tree.Test], needed: bool) -> Any:
        """The rows of the other table that fit, or None where nothing is asked of them."""
        other = table(lookup.table)
        own = [test for test in tests if test.name in lookup.parameters]
        conditions = self._conditions(activity, own, lookup.parameters, other)
        if lookup.only is not None:
            conditions.append(lookup.only(other))
        for further in lookup.lookups:
            found = self._found(activity, further, [test for test in tests if test.name in _names(further)], needed=False)
            if found is not None:
                conditions.append(other[further.via].isin(found[further.key]))
        if conditions:
            return other.filter(conditions)
        return other if needed else None

    def _conditions(self, activity: str, tests: Sequence[tree.Test], read: Any, rows: Any) -> list[Any]:
        parameters = catalogue.ACTIVITIES[activity].parameters
        return [condition(test, parameters[test.name], self._terms, _read(read, test)(rows)) for test in tests]


def _within(grouped: Any, holds: Any, alone: bool) -> Chosen:
    """Whose group holds. Customers without a row are in no group: whether it holds for them, `alone`, is known beforehand."""
    return Chosen(grouped.filter(~holds if alone else holds), inverted=alone, once=True)


def _fields(value: Any) -> set[str]:
    """The columns that a total reads."""
    parts = (value.above, value.below) if isinstance(value, Ratio) else (value,)
    return {field.name for part in parts for field in part.op().find(ops.Field)}


def _names(lookup: Lookup) -> set[str]:
    """The parameters that the other table and those behind it hold."""
    return set(lookup.parameters).union(*(_names(further) for further in lookup.lookups))


def _read(readers: Any, test: tree.Test) -> Read:
    return cast(Read, readers[test.name])


def _grouped(rows: Any, totals: dict[str, Read]) -> Any:
    """One row for each customer with rows, and the totals; those of a Ratio as two columns."""
    aggregates: dict[str, Any] = {}
    for name, read in totals.items():
        value = read(rows)
        parts = {f"{name}_above": value.above, f"{name}_below": value.below} if isinstance(value, Ratio) else {name: value}
        aggregates.update(parts)
    return rows.group_by("customer").aggregate(**aggregates)


def _total(grouped: Any, name: str, totals: dict[str, Read]) -> Any:
    return Ratio(grouped[f"{name}_above"], grouped[f"{name}_below"]) if name not in grouped.columns else grouped[name]
