"""The meaning of a rule: a checked tree over one customer's facts at one moment. This is the definition that others must agree with.

`compile_rule` does once what depends only on the rule, the moment and the shop; judging a customer then costs a few function calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from segsync.rules import catalogue, tree
from segsync.rules.anniversaries import anniversary_predicate
from segsync.rules.check import check_tree
from segsync.rules.choose import chooser, totals
from segsync.rules.context import ShopContext
from segsync.rules.errors import RuleError
from segsync.rules.evidence import Witness, witness
from segsync.rules.facts import CustomerFacts
from segsync.rules.format import format_clause
from segsync.rules.moments import Moment
from segsync.rules.predicates import Predicate, Terms, predicate
from segsync.rules.ranks import rank_predicate
from segsync.rules.sequences import deciding
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

Judgement = Callable[[CustomerFacts], bool]
EMPTY = ShopContext()


@dataclass(frozen=True, slots=True)
class ClauseVerdict:
    """One condition: its canonical text, whether it holds by itself, and the values or events that made it so."""

    clause: str
    truth: bool
    evidence: tuple[str, ...]


class Condition(NamedTuple):
    """One condition of a rule: its canonical text, whether it holds for a customer by itself, and what makes it so."""

    text: str
    judge: Judgement
    evidence: Witness


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the customer belongs, and every condition of the rule in the order of its text."""

    matched: bool
    clauses: tuple[ClauseVerdict, ...]


def matches(
    rule: tree.Rule, facts: CustomerFacts, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = ""
) -> bool:
    """Whether the customer belongs at that moment. Raises RuleError for a rule that `check_tree` refuses."""
    return compile_rule(rule, moment, context, vocabulary, salt)(facts)


def compile_rule(rule: tree.Rule, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = "") -> Judgement:
    """The rule as a function of a customer's facts, for one moment and one shop.

    `context` holds the shop's settings and cuts, `vocabulary` its properties, `salt` the rule's own salt for `sample_bucket` (a
    segment's handle). Raises RuleError for a rule that `check_tree` refuses and for a rank without a cut.
    """
    check_tree(rule, vocabulary)
    return compile_checked(rule, moment, context, vocabulary, salt)


def compile_checked(rule: tree.Rule, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = "") -> Judgement:
    """`compile_rule` for a rule that has been checked with this vocabulary before."""
    own = replace(context, rule_salt=salt)
    by_exponent: dict[int, Judgement] = {2: compile_for(rule, Terms(moment, 2, own, vocabulary))}

    def judge_customer(facts: CustomerFacts) -> bool:
        compiled = by_exponent.get(facts.currency_exponent)
        if compiled is None:
            compiled = by_exponent[facts.currency_exponent] = compile_for(rule, Terms(moment, facts.currency_exponent, own, vocabulary))
        return compiled(facts)

    return judge_customer


def compile_for(rule: tree.Rule, terms: Terms) -> Judgement:
    """A rule that has been checked before, for customers whose money has `terms.exponent` decimals: all of one shop."""
    return _node(rule.root, terms)


def judge(
    rule: tree.Rule, facts: CustomerFacts, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = ""
) -> Verdict:
    """The answer with its reasons; every condition is judged, also where the answer is clear before."""
    check_tree(rule, vocabulary)
    terms = Terms(moment, facts.currency_exponent, replace(context, rule_salt=salt), vocabulary)
    verdicts = tuple(ClauseVerdict(each.text, each.judge(facts), each.evidence(facts)) for each in conditions(rule, terms))
    return Verdict(_node(rule.root, terms)(facts), verdicts)


def conditions(rule: tree.Rule, terms: Terms) -> tuple[Condition, ...]:
    """Every condition of a checked rule, in the order of its text, ready for any number of customers."""
    return tuple(Condition(format_clause(clause.body), judge_clause(clause.body, terms), witness(clause.body, terms)) for clause in tree.clauses(rule.root))


def _node(node: tree.Node, terms: Terms) -> Judgement:
    match node:
        case tree.Clause():
            return judge_clause(node.body, terms)
        case tree.Not():
            inner = _node(node.item, terms)
            return lambda facts: not inner(facts)
        case tree.And():
            return _every([_node(item, terms) for item in node.items])
        case tree.Or():
            return _some([_node(item, terms) for item in node.items])


def _every(items: Sequence[Judgement]) -> Judgement:
    def every(facts: CustomerFacts) -> bool:
        for item in items:  # noqa: SIM110 (this runs for every customer and rule: a generator would be made for each)
            if not item(facts):
                return False
        return True

    return every


def _some(items: Sequence[Judgement]) -> Judgement:
    def some(facts: CustomerFacts) -> bool:
        for item in items:  # noqa: SIM110 (as above)
            if item(facts):
                return True
        return False

    return some


def judge_clause(body: tree.Body, terms: Terms) -> Judgement:
    """One condition by itself. The condition must have been checked."""
    match body:
        case tree.Test():
            return _read(body.name, predicate(body, _entry(body.name, body, terms), terms), body, terms)
        case tree.Rank():
            return _read(body.name, rank_predicate(body, terms), body, terms)
        case tree.Anniversary():
            return _read(body.field_name, anniversary_predicate(body.test, terms.moment), body, terms)
        case tree.Sequence():
            found = deciding(body, terms)
            return lambda facts: bool(found(facts))
        case tree.Matches():
            return _activity(body, terms)


def _entry(name: str, body: tree.Body, terms: Terms) -> catalogue.Attribute:
    entry = catalogue.attribute(name, terms.vocabulary)
    if entry is None:
        # Never a silent answer for what `check_tree` should have refused.
        raise RuleError(f"`{format_clause(body)}` cannot be answered.", body.span.line, body.span.column)
    return entry


def _read(name: str, passes: Predicate, body: tree.Body, terms: Terms) -> Judgement:
    read, moment, context = _entry(name, body, terms).read, terms.moment, terms.context
    if read is None:
        raise RuleError(f"`{format_clause(body)}` cannot be answered.", body.span.line, body.span.column)
    return lambda facts: passes(read(facts, moment, context))


def _activity(body: tree.Matches, terms: Terms) -> Judgement:
    choose, asked, negated = chooser(body, terms), totals(body, terms), body.negated
    if not asked:
        return lambda facts: bool(choose(facts)) != negated
    if len(asked) == 1:
        ((read, passes),) = asked
        return lambda facts: passes(read(choose(facts))) != negated

    def hold(facts: CustomerFacts) -> bool:
        rows = choose(facts)
        return all(passes(read(rows)) for read, passes in asked) != negated

    return hold
