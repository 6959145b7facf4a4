"""A rule as one relational expression over the columnar tables, with exactly the meaning that the interpreter gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import ibis
from ibis.backends.sql.compilers.duckdb import compiler as duckdb_compiler
from ibis.expr import operations as ops
from ibis.expr import types as ir

from segsync.evaluate.columnar.activities import SOURCES, Lookup, Read, Source
from segsync.evaluate.columnar.attributes import ATTRIBUTES, Summary
from segsync.evaluate.columnar.conditions import Ratio, Unanswered, beyond, condition, every, instant, known, some
from segsync.evaluate.columnar.derived import DERIVED
from segsync.evaluate.columnar.layout import TABLES, table
from segsync.rules import catalogue, tree
from segsync.rules.check import check_tree
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.rules.predicates import Predicate, Terms, predicate
from segsync.rules.ranks import cut_in_force, rank_predicate
from segsync.rules.sequences import length


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule and its own salt for `sample_bucket` (a segment's handle)."""

    rule: tree.Rule
    salt: str = ""


def compile_rule(asked: Asked, moment: Moment, exponent: int, context: ShopContext) -> ir.Table:
    """The ids of the living customers who belong at that moment, in no order; `exponent` is the number of decimals of the shop's currency.

    Raises RuleError for a rule that the checker refuses and Unanswered for one that only the interpreter answers.
    """
    check_tree(asked.rule)
    terms = Terms(moment, exponent, replace(context, rule_salt=asked.salt))
    customers = table("customers")
    return customers.filter(customers.living & _Compiler(terms).node(asked.rule.root, customers)).select("id")


def sql(expression: ir.Table) -> str:
    """The expression as a statement for DuckDB; all of the rule's texts are escaped literals in it."""
    return cast(str, duckdb_compiler.to_sqlglot(expression).sql(dialect="duckdb"))


def columns(expressions: Iterable[ir.Table]) -> dict[str, set[str]]:
    """The columns that these expressions read, by table: nothing else need be loaded."""
    found: dict[str, set[str]] = {}
    for expression in expressions:
        for node in expression.op().find(ops.UnboundTable):
            found.setdefault(node.name, set())
        for field in expression.op().find(ops.Field):
            if (name := _origin(field.rel, field.name)) is not None:
                found[name].add(field.name)
    return found


def _origin(relation: Any, column: str) -> str | None:
    """The table that a field is read from directly or through what keeps its columns."""
    while isinstance(relation, ops.Filter | ops.JoinReference):
        relation = relation.parent
    return relation.name if isinstance(relation, ops.UnboundTable) and column in TABLES[relation.name] else None


class _Compiler:
    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def node(self, node: tree.Node, customers: Any) -> Any:
        """A condition on customers that is never null."""
        match node:
            case tree.Clause():
                return self._body(node.body, customers)
            case tree.Not():
                return ~self.node(node.item, customers)
            case tree.And():
                return every([self.node(item, customers) for item in node.items])
            case tree.Or():
                return some([self.node(item, customers) for item in node.items])

    def _body(self, body: tree.Body, customers: Any) -> Any:
        match body:
            case tree.Test():
                entry = catalogue.ATTRIBUTES.get(body.name)
                if entry is None:
                    raise Unanswered(body.name)
                passes = partial(condition, body, entry, self._terms)
                return self._attribute(body.name, customers, passes, predicate(body, entry, self._terms))
            case tree.Rank():
                return self._attribute(body.name, customers, partial(self._ranked, body), rank_predicate(body, self._terms))
            case tree.Matches():
                return self._activity(body, customers)
            case tree.Sequence():
                return self._sequence(body, customers)
            case _:
                raise Unanswered(type(body).__name__)

    def _attribute(self, name: str, customers: Any, passes: Callable[[Any], Any], passes_alone: Predicate) -> Any:
        """Whether the attribute passes; `passes_alone` is asked of the value of a customer without rows."""
        read = ATTRIBUTES.get(name) or DERIVED.get(name)
        if read is None:
            raise Unanswered(name)
        if not isinstance(read, Summary):
            return passes(read(customers, self._terms)).fill_null(False)
        rows = read.rows(self._terms)
        grouped = rows.group_by("customer").aggregate(**read.aggregates(rows, self._terms))
        return _within(customers, grouped, passes(read.value(grouped, self._terms)).fill_null(False), passes_alone(read.empty))

    def _ranked(self, body: tree.Rank, value: Any) -> Any:
        """A missing value is neither in nor, with NOT, out."""
        cut = cut_in_force(body, self._terms)
        if cut is None:
            return known(value) if body.negated else ibis.literal(False)
        inside = beyond(value, cut, ">=" if body.end == "TOP" else "<=")
        return ~inside if body.negated else inside

    def _sequence(self, body: tree.Sequence, customers: Any) -> Any:
        """Some first row with, or once its time is over without, a later row within the duration."""
        first, then = self._moments(body.first), self._moments(body.then).rename(after="at", follower="customer")
        within = length(body.within)
        follows = [first.customer == then.follower, then.after > first.at, then.after <= first.at + ibis.interval(seconds=int(within.total_seconds()))]
        if not body.then.negated:
            return customers.id.isin(first.semi_join(then, follows).customer)
        over = first.filter(first.at <= instant(self._terms.moment.now - within))
        follows = [over.customer == then.follower, then.after > over.at, then.after <= over.at + ibis.interval(seconds=int(within.total_seconds()))]
        return customers.id.isin(over.anti_join(then, follows).customer)

    def _moments(self, body: tree.Matches) -> Any:
        """Whose rows are chosen, and when they happened."""
        source = SOURCES.get(body.name)
        if source is None:
            raise Unanswered(body.name)
        rows = self._rows(body, source, set())
        return rows.select(customer=rows.customer, at=source.parameters["date"](rows))

    def _activity(self, body: tree.Matches, customers: Any) -> Any:
        source = SOURCES.get(body.name)
        if source is None:
            raise Unanswered(body.name)
        parameters = catalogue.ACTIVITIES[body.name].parameters
        totals = [test for test in body.parameters if parameters[test.name].scope == "aggregate"]
        rows = self._rows(body, source, {test.name for test in totals})
        if not totals:
            return _negated(customers.id.isin(rows.customer), body.negated)
        read = {test.name: _read(source.totals, test) for test in totals}
        grouped = _grouped(rows, read)
        holds = every([condition(test, parameters[test.name], self._terms, _total(grouped, test.name, read)).fill_null(False) for test in totals])
        alone = all(predicate(test, parameters[test.name], self._terms)(source.empty[test.name]) for test in totals)
        return _negated(_within(customers, grouped, holds, alone), body.negated)

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
                counted = {name for total in totals - set(lookup.carries) for name in _fields(source.totals[total](rows))}
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


def _within(customers: Any, grouped: Any, holds: Any, alone: bool) -> Any:
    """Whose group holds. Customers without a row are in no group: whether it holds for them, `alone`, is known beforehand."""
    return ~customers.id.isin(grouped.filter(~holds).customer) if alone else customers.id.isin(grouped.filter(holds).customer)


def _fields(value: Any) -> set[str]:
    """The columns that a total reads."""
    parts = (value.above, value.below) if isinstance(value, Ratio) else (value,)
    return {field.name for part in parts for field in part.op().find(ops.Field)}


def _names(lookup: Lookup) -> set[str]:
    """The parameters that the other table and those behind it hold."""
    return set(lookup.parameters).union(*(_names(further) for further in lookup.lookups))


def _read(readers: Any, test: tree.Test) -> Read:
    read = readers.get(test.name)
    if read is None:
        raise Unanswered(test.name)
    return cast(Read, read)


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


def _negated(condition: Any, negated: bool) -> Any:
    return ~condition if negated else condition
