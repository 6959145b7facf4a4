"""What follows from a customer's facts alone, and many rules ask for: worked out once for each customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from segsync.rules.facts import CustomerFacts

Value = TypeVar("Value")


def once(work: Callable[[CustomerFacts], Value]) -> Callable[[CustomerFacts], Value]:
    """`work`, done once for each customer however many rules ask. It may look at nothing but the facts, and must give what nobody changes."""

    def remember(facts: CustomerFacts) -> Value:
        found: Value
        try:
            found = facts.remembered[work]
        except KeyError:
            found = facts.remembered[work] = work(facts)
        return found

    return remember
