"""A rule as one relational expression over the columnar tables, with exactly the meaning that the interpreter gives it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from ibis.backends.sql.compilers.duckdb import compiler as duckdb_compiler
from ibis.expr import operations as ops
from ibis.expr import types as ir

from segsync.evaluate.columnar.clauses import Chosen, Clauses
from segsync.evaluate.columnar.conditions import every, some
from segsync.evaluate.columnar.layout import MEMBERSHIPS, TABLES, table
from segsync.rules import tree
from segsync.rules.check import check_tree
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.rules.predicates import Terms
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule and the handle of its segment, which salts `sample_bucket` and is how other rules ask who is in it."""

    rule: tree.Rule
    handle: str = ""


def compile_rule(asked: Asked, moment: Moment, exponent: int, context: ShopContext, vocabulary: Vocabulary = NO_VOCABULARY) -> ir.Table:
    """The ids of the living customers who belong at that moment, in no order; `exponent` is the number of decimals of the shop's currency.

    Raises RuleError for a rule that the checker refuses and for a rank without a cut.
    """
    check_tree(asked.rule, vocabulary)
    clauses, root = Clauses(Terms(moment, exponent, replace(context, rule_salt=asked.handle), vocabulary)), asked.rule.root
    customers = table("customers")
    if isinstance(root, tree.Clause):
        chosen = clauses.chosen(root.body, customers)
        if isinstance(chosen, Chosen) and not chosen.inverted:
            # Only the living have rows.
            ids = chosen.ids.select(id=chosen.ids.customer)
            return ids if chosen.once else ids.distinct()
    return customers.filter(customers.living & _node(root, clauses, customers)).select("id")


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
    return relation.name if isinstance(relation, ops.UnboundTable) and column in TABLES.get(relation.name, MEMBERSHIPS) else None


def _node(node: tree.Node, clauses: Clauses, customers: Any) -> Any:
    """A condition on customers that is never null."""
    match node:
        case tree.Clause():
            chosen = clauses.chosen(node.body, customers)
            if not isinstance(chosen, Chosen):
                return chosen
            inside = customers.id.isin(chosen.ids.customer)
            return ~inside if chosen.inverted else inside
        case tree.Not():
            return ~_node(node.item, clauses, customers)
        case tree.And():
            return every([_node(item, clauses, customers) for item in node.items])
        case tree.Or():
            return some([_node(item, clauses, customers) for item in node.items])
