"""Why somebody moved, kept with the move: small, and made only for those who moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from segsync.rules import interpret, tree
from segsync.rules.context import ShopContext
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

# What is kept of a reason: the first conditions that decided, the first lines of each, cut.
MAX_CLAUSES, MAX_LINES, MAX_TEXT = 4, 3, 160
Reason = list[list[str]]
# The reason why a customer entered (True) or left a segment.
Why = Callable[[int, int, bool], Reason]


def unknown(segment: int, customer: int, entering: bool) -> Reason:
    """Nobody looked why: a page that shows the move works it out from today's facts."""
    return []


def reason(rule: tree.Rule, facts: CustomerFacts, entering: bool, moment: Moment, context: ShopContext, vocabulary: Vocabulary, salt: str) -> Reason:
    """The conditions that hold (for somebody entering) or do not (leaving), each with what made it so."""
    verdict = interpret.judge(rule, facts, moment, context, vocabulary, salt)
    told = [clause for clause in verdict.clauses if clause.truth == entering]
    return [[_cut(clause.clause), *(_cut(line) for line in clause.evidence[:MAX_LINES])] for clause in told[:MAX_CLAUSES]]


def from_facts(
    rules: Mapping[int, tuple[tree.Rule, str]],
    facts: Mapping[int, CustomerFacts],
    moment: Moment,
    context: ShopContext,
    vocabulary: Vocabulary = NO_VOCABULARY,
) -> Why:
    """Reasons by segment -> (rule, salt) over facts that were read for judging; somebody without facts (merged away) has none."""
    return partial(_from_facts, rules, facts, moment, context, vocabulary)


def _from_facts(
    rules: Mapping[int, tuple[tree.Rule, str]],
    facts: Mapping[int, CustomerFacts],
    moment: Moment,
    context: ShopContext,
    vocabulary: Vocabulary,
    segment: int,
    customer: int,
    entering: bool,
) -> Reason:
    person = facts.get(customer)
    if person is None:
        return []
    rule, salt = rules[segment]
    return reason(rule, person, entering, moment, context, vocabulary, salt)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
