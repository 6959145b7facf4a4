"""The meaning of a rule: a checked tree over one customer's facts at one moment. This is the definition that others must agree with.

`compile_rule` does once what depends only on the rule and the moment; judging a customer then costs a few function calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from segsync.rules import catalogue, tree
from segsync.rules.check import check_tree
from segsync.rules.entries import Activity, Parameter, Type
from segsync.rules.errors import RuleError
from segsync.rules.facts import CustomerFacts, money
from segsync.rules.format import format_clause
from segsync.rules.moments import Moment
from segsync.rules.predicates import Predicate, Terms, predicate

Judgement = Callable[[CustomerFacts], bool]
MAX_EVIDENCE = 20


@dataclass(frozen=True, slots=True)
class ClauseVerdict:
    """One condition: its canonical text, whether it holds by itself, and the values or events that made it so."""

    clause: str
    truth: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the customer belongs, and every condition of the rule in the order of its text."""

    matched: bool
    clauses: tuple[ClauseVerdict, ...]


def matches(rule: tree.Rule, facts: CustomerFacts, moment: Moment) -> bool:
    """Whether the customer belongs at that moment. Raises RuleError for a rule that `check_tree` refuses."""
    return compile_rule(rule, moment)(facts)


def compile_rule(rule: tree.Rule, moment: Moment) -> Judgement:
    """The rule as a function of a customer's facts, for one moment. Raises RuleError for a rule that `check_tree` refuses."""
    check_tree(rule)
    by_exponent: dict[int, Judgement] = {}

    def judge_customer(facts: CustomerFacts) -> bool:
        compiled = by_exponent.get(facts.currency_exponent)
        if compiled is None:
            compiled = by_exponent[facts.currency_exponent] = _node(rule.root, Terms(moment, facts.currency_exponent))
        return compiled(facts)

    return judge_customer


def judge(rule: tree.Rule, facts: CustomerFacts, moment: Moment) -> Verdict:
    """The answer with its reasons; every condition is judged, also where the answer is clear before."""
    check_tree(rule)
    terms = Terms(moment, facts.currency_exponent)
    verdicts = tuple(
        ClauseVerdict(format_clause(clause.body), _body(clause.body, terms)(facts), _evidence(clause.body, facts, terms)) for clause in tree.clauses(rule.root)
    )
    return Verdict(_node(rule.root, terms)(facts), verdicts)


def _node(node: tree.Node, terms: Terms) -> Judgement:
    match node:
        case tree.Clause():
            return _body(node.body, terms)
        case tree.Not():
            inner = _node(node.item, terms)
            return lambda facts: not inner(facts)
        case tree.And():
            every = tuple(_node(item, terms) for item in node.items)
            return lambda facts: all(item(facts) for item in every)
        case tree.Or():
            some = tuple(_node(item, terms) for item in node.items)
            return lambda facts: any(item(facts) for item in some)


def _body(body: tree.Body, terms: Terms) -> Judgement:
    match body:
        case tree.Test():
            return _attribute(body, terms)
        case tree.Matches():
            return _activity(body, terms)
        case _:
            raise _unanswered(body)


def _unanswered(body: tree.Body) -> RuleError:
    """For a condition that `check_tree` should have refused: never a silent answer."""
    return RuleError(f"`{format_clause(body)}` is not available yet.", body.span.line, body.span.column)


def _attribute(test: tree.Test, terms: Terms) -> Judgement:
    entry = catalogue.ATTRIBUTES[test.name]
    passes, read, moment = predicate(test, entry, terms), entry.read, terms.moment
    if read is None:
        raise _unanswered(test)
    return lambda facts: passes(read(facts, moment))


def _activity(body: tree.Matches, terms: Terms) -> Judgement:
    choose = _chooser(body, terms)
    totals = _tests(body, "aggregate", terms)
    negated = body.negated
    if not totals:
        return lambda facts: any(True for _ in choose(facts)) != negated

    def hold(facts: CustomerFacts) -> bool:
        rows = list(choose(facts))
        return all(passes(read(rows)) for read, passes in totals) != negated

    return hold


def _chooser(body: tree.Matches, terms: Terms) -> Callable[[CustomerFacts], Iterable[Any]]:
    """The rows that the row parameters choose; parameters about lines choose a row by one line that fits them all."""
    activity = catalogue.ACTIVITIES[body.name]
    rows, lines = activity.rows, activity.lines
    if rows is None:
        raise _unanswered(body)
    row_tests, line_tests = _tests(body, "row", terms), _tests(body, "line", terms)

    def fits(row: Any) -> bool:
        return all(passes(read(row)) for read, passes in row_tests) and (not line_tests or has_line(row))

    def has_line(row: Any) -> bool:
        return lines is not None and any(all(passes(read(line)) for read, passes in line_tests) for line in lines(row))

    if not row_tests and not line_tests:
        return rows
    return lambda facts: (row for row in rows(facts) if fits(row))


def _tests(body: tree.Matches, scope: str, terms: Terms) -> tuple[tuple[Callable[[Any], Any], Predicate], ...]:
    parameters = catalogue.ACTIVITIES[body.name].parameters
    found: list[tuple[Callable[[Any], Any], Predicate]] = []
    for test in body.parameters:
        parameter: Parameter = parameters[test.name]
        if parameter.scope == scope and parameter.read is not None:
            found.append((parameter.read, predicate(test, parameter, terms)))
    return tuple(found)


def _evidence(body: tree.Body, facts: CustomerFacts, terms: Terms) -> tuple[str, ...]:
    if isinstance(body, tree.Matches):
        return _rows_evidence(catalogue.ACTIVITIES[body.name], list(_chooser(body, terms)(facts)), terms)
    if not isinstance(body, tree.Test):
        return ()
    entry = catalogue.ATTRIBUTES[body.name]
    value = entry.read(facts, terms.moment) if entry.read else None
    return (f"{entry.label}: {_shown(value, entry.type, terms)}",)


def _rows_evidence(activity: Activity, rows: Sequence[Any], terms: Terms) -> tuple[str, ...]:
    describe = activity.describe
    if not rows or describe is None:
        return (f"no such {activity.many}",)
    shown = tuple(describe(row, terms.exponent, terms.moment) for row in rows[:MAX_EVIDENCE])
    return (*shown, f"and {len(rows) - MAX_EVIDENCE} more") if len(rows) > MAX_EVIDENCE else shown


def _shown(value: Any, kind: Type, terms: Terms) -> str:
    if value is None:
        return "not known"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    match kind:
        case Type.DATE:
            return f"{value.astimezone(terms.moment.tz):%Y-%m-%d %H:%M}"
        case Type.MONEY:
            # For reading only: comparisons use the exact value.
            return money(round(value), terms.exponent)
        case _:
            return str(value)
