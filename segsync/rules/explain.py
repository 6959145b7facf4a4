"""Why a customer is in a segment or not: each condition with its evidence, what is missing to enter, and what time alone will change."""

from __future__ import annotations

from dataclasses import dataclass

from segsync.rules import tree
from segsync.rules.context import ShopContext
from segsync.rules.english import explain_rule
from segsync.rules.facts import CustomerFacts
from segsync.rules.forecast import Forecast, forecast
from segsync.rules.interpret import EMPTY, ClauseVerdict, judge
from segsync.rules.moments import Moment
from segsync.rules.near import near_miss
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rule as a sentence, the answer, each condition, what is missing (none for a member), and the next change by time alone."""

    sentence: str
    matched: bool
    clauses: tuple[ClauseVerdict, ...]
    missing: tuple[str, ...]
    forecast: Forecast | None

    def lines(self) -> tuple[str, ...]:
        """The explanation as lines of plain text."""
        marks = (f"{'yes' if clause.truth else 'no '}  {clause.clause}: {'; '.join(clause.evidence)}" for clause in self.clauses)
        missing = (f"To enter: {phrase}." for phrase in self.missing)
        later = (f"By time alone: {self.forecast.sentence}.",) if self.forecast else ()
        return (self.sentence, "Belongs." if self.matched else "Does not belong.", *marks, *missing, *later)


def explain_customer(
    rule: tree.Rule, facts: CustomerFacts, moment: Moment, context: ShopContext = EMPTY, vocabulary: Vocabulary = NO_VOCABULARY, salt: str = ""
) -> Explanation:
    """Everything there is to say of one customer and one rule at one moment. Raises RuleError for a rule that `check_tree` refuses."""
    verdict = judge(rule, facts, moment, context, vocabulary, salt)
    return Explanation(
        explain_rule(rule, vocabulary),
        verdict.matched,
        verdict.clauses,
        near_miss(rule, facts, moment, context, vocabulary, salt),
        forecast(rule, facts, moment, context, vocabulary, salt),
    )
