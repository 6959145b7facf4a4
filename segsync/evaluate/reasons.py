"""Why somebody moved, kept with the move: small, and made only for those who moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice

from segsync.rules import tree
from segsync.rules.context import ShopContext
from segsync.rules.facts import CustomerFacts
from segsync.rules.interpret import Condition, conditions
from segsync.rules.moments import Moment
from segsync.rules.predicates import Terms
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

# What is kept of a reason: the first conditions that decided, the first lines of each, cut.
MAX_CLAUSES, MAX_LINES, MAX_TEXT = 4, 3, 160
Reason = list[list[str]]
# The reason why a customer entered (True) or left a segment.
Why = Callable[[int, int, bool], Reason]


def unknown(segment: int, customer: int, entering: bool) -> Reason:
    """Nobody looked why: a page that shows the move works it out from today's facts."""
    return []


def reason(conditions: Sequence[Condition], facts: CustomerFacts, entering: bool) -> Reason:
    """The conditions that hold (for somebody entering) or do not (leaving), each with what made it so."""
    told = islice((condition for condition in conditions if condition.judge(facts) == entering), MAX_CLAUSES)
    return [[_cut(condition.text), *(_cut(line) for line in condition.evidence(facts)[:MAX_LINES])] for condition in told]


def from_facts(
    rules: Mapping[int, tuple[tree.Rule, str]],
    facts: Mapping[int, CustomerFacts],
    moment: Moment,
    context: ShopContext,
    vocabulary: Vocabulary = NO_VOCABULARY,
) -> Why:
    """Reasons by segment -> (checked rule, salt) over facts that were read for judging; somebody without facts (merged away) has none."""

    @cache
    def conditions_of(segment: int, exponent: int) -> tuple[Condition, ...]:
        rule, salt = rules[segment]
        return conditions(rule, Terms(moment, exponent, replace(context, rule_salt=salt), vocabulary))

    def why(segment: int, customer: int, entering: bool) -> Reason:
        person = facts.get(customer)
        return reason(conditions_of(segment, person.currency_exponent), person, entering) if person else []

    return why


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
