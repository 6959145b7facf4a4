"""The comparison can fail: a small mistake put into either evaluator is found among generated cases."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segsync.evaluate.columnar import clauses as clauses_of_columns
from segsync.evaluate.columnar import conditions
from segsync.evaluate.columnar.rows import Flattener
from segsync.rules import interpret, predicates, rows, tree
from segsync.rules.catalogue import ACTIVITIES
from segsync.rules.entries import Entry
from segsync.rules.facts import CustomerFacts, OrderFacts
from segsync.rules.moments import Moment
from segsync.rules.predicates import Terms
from tests.properties.comparison import TALLY, disagreements
from tests.properties.histories import customers
from tests.properties.moments import MOMENTS
from tests.properties.rules import clauses, more_than, of_properties

SEARCH = settings(max_examples=150, deadline=None, database=None, derandomize=True, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
DAY = timedelta(days=1)
Shop = tuple[Moment, list[CustomerFacts], list[tree.Rule]]
Conditions = Callable[[Moment], st.SearchStrategy[tree.Node]]


def shops(conditions: Conditions) -> st.SearchStrategy[Shop]:
    """Rules of one condition: nothing else can hide the mistake in it. Many for few people: making people takes longest."""
    return MOMENTS.flatmap(lambda moment: st.tuples(st.just(moment), customers(moment), st.lists(conditions(moment).map(tree.Rule), min_size=25, max_size=25)))


def interpreter_reads_days_one_too_late(patch: pytest.MonkeyPatch) -> None:
    real = predicates._dates
    patch.setattr(predicates, "_dates", lambda test, moment: real(test, Moment(moment.now + DAY, moment.tz)))


def interpreter_misses_a_refund(patch: pytest.MonkeyPatch) -> None:
    def all_but_the_first(facts: CustomerFacts) -> Iterator[Any]:
        return iter(list(rows.refunds(facts))[1:])

    patch.setitem(ACTIVITIES, "orders_refunded", replace(ACTIVITIES["orders_refunded"], rows=all_but_the_first))  # type: ignore[index]


def interpreter_takes_the_limit_itself_for_more(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(predicates.COMPARISONS, ">", operator.ge)


def columnar_reads_days_one_too_late(patch: pytest.MonkeyPatch) -> None:
    real = conditions.instant
    patch.setattr(conditions, "instant", lambda at: real(at + DAY))


def columnar_misses_a_refund(patch: pytest.MonkeyPatch) -> None:
    real = Flattener._order

    def forgetful(self: Flattener, id_: int, order: OrderFacts, number: int) -> Any:
        return real(self, id_, replace(order, refunds=order.refunds[1:]), number)

    patch.setattr(Flattener, "_order", forgetful)


def columnar_takes_the_limit_itself_for_more(patch: pytest.MonkeyPatch) -> None:
    real = conditions._number

    def lenient(test: tree.Test, limits: list[Any], value: Any) -> Any:
        return real(replace(test, operator=">=") if test.operator == ">" else test, limits, value)

    patch.setattr(conditions, "_number", lenient)


def interpreter_takes_any_text_for_a_number(patch: pytest.MonkeyPatch) -> None:
    real = predicates.predicate

    def lenient(test: tree.Test, entry: Entry, terms: Terms) -> predicates.Predicate:
        passes = real(test, entry, terms)
        return (lambda value: passes(0 if value is None else value)) if entry.name == "hubspot.score" else passes

    patch.setattr(interpret, "predicate", lenient)


def columnar_takes_a_missing_property_for_a_fitting_one(patch: pytest.MonkeyPatch) -> None:
    real = clauses_of_columns._within
    patch.setattr(clauses_of_columns, "_within", lambda grouped, holds, alone: real(grouped, holds, not alone))


@pytest.mark.parametrize(
    ("mistake", "conditions"),
    [
        (interpreter_reads_days_one_too_late, clauses),
        (interpreter_misses_a_refund, clauses),
        (interpreter_takes_the_limit_itself_for_more, more_than),
        (columnar_reads_days_one_too_late, clauses),
        (columnar_misses_a_refund, clauses),
        (columnar_takes_the_limit_itself_for_more, more_than),
        (interpreter_takes_any_text_for_a_number, of_properties),
        (columnar_takes_a_missing_property_for_a_fitting_one, of_properties),
    ],
)
def test_a_mistake_is_caught(mistake: Callable[[pytest.MonkeyPatch], None], conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    before = replace(TALLY, asked=TALLY.asked.copy())
    mistake(monkeypatch)
    caught: list[str] = []

    @SEARCH
    @given(shops(conditions))
    def look(shop: Shop) -> None:
        moment, people, asked = shop
        caught.extend(disagreements(asked, people, moment))
        if caught:
            raise KeyboardInterrupt  # which Hypothesis passes on at once

    with contextlib.suppress(KeyboardInterrupt):
        look()
    TALLY.__dict__.update(before.__dict__)
    assert caught
