"""Places among the shop's customers: `amount_spent IN TOP 10%`, by the cut in force."""

from __future__ import annotations

from typing import Any

from segsync.rules import tree
from segsync.rules.context import RankKey
from segsync.rules.errors import RuleError
from segsync.rules.predicates import Predicate, Terms


def rank_key(body: tree.Rank) -> RankKey:
    """The rank as cuts are kept by it: `10%` and `10.0%` are one."""
    return RankKey(body.name, body.end, body.size.normalize(), body.percent)


def keys(rule: tree.Rule) -> frozenset[RankKey]:
    """Every rank that a rule asks."""
    return frozenset(rank_key(clause.body) for clause in tree.clauses(rule.root) if isinstance(clause.body, tree.Rank))


def cut_in_force(body: tree.Rank, terms: Terms) -> Any:
    """The value that is just in, or None when nobody has one. Raises RuleError while the shop has not been evaluated with this rank."""
    key = rank_key(body)
    if key not in terms.context.ranks:
        percent = "%" if body.percent else ""
        message = f"`{body.name} IN {body.end} {body.size:f}{percent}` has no cut yet; evaluate the whole shop first."
        raise RuleError(message, body.span.line, body.span.column, body.name)
    return terms.context.ranks[key]


def rank_predicate(body: tree.Rank, terms: Terms) -> Predicate:
    """Whether a value is in. A missing value is neither in nor, with NOT, out."""
    cut, negated = cut_in_force(body, terms), body.negated
    if cut is None:
        return lambda value: value is not None and negated
    if body.end == "TOP":
        return lambda value: value is not None and (value >= cut) != negated
    return lambda value: value is not None and (value <= cut) != negated
