"""A shop's cuts against their definitions, counted out one customer at a time."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules import catalogue, derive, ranks
from segsync.rules.check import check_rule
from segsync.rules.context import RankKey, ShopContext
from segsync.rules.cuts import compute_context
from segsync.rules.facts import CustomerFacts
from segsync.rules.interpret import compile_rule
from segsync.rules.moments import Moment
from segsync.rules.settings import DerivedSettings
from tests.rules.people import LONDON, NOW, REGULAR, STRANGER, ago, order

MOMENT = Moment(NOW, LONDON)
HISTORIES = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 6).map(lambda n: n * 500)), max_size=6)
SHOPS = st.lists(HISTORIES, max_size=14).map(
    lambda shop: [
        CustomerFacts(str(n), orders=tuple(order(ago(days=day), amount, number=i) for i, (day, amount) in enumerate(history))) for n, history in enumerate(shop)
    ]
)


def _members(rule: str, people: list[CustomerFacts]) -> set[str]:
    tree = check_rule(rule).rule
    context = compute_context(people, MOMENT, ranks=ranks.keys(tree))
    holds = compile_rule(tree, MOMENT, ShopContext.from_json(json.loads(json.dumps(context.to_json()))))
    return {person.customer_id for person in people if holds(person)}


@settings(max_examples=120, deadline=None)
@given(SHOPS)
def test_scores_are_one_plus_a_fifth_for_each_fifth_that_is_worse(people: list[CustomerFacts]) -> None:
    context = compute_context(people, MOMENT)
    every = [derive.numbers(person, MOMENT, DerivedSettings()) for person in people]
    buyers = [own for own in every if own.orders]
    for own in buyers:
        for score, worse in (
            (derive.rfm_recency(own, context), sum((other.recency or 0) > (own.recency or 0) for other in buyers)),
            (derive.rfm_frequency(own, context), sum((other.frequency or 0) < (own.frequency or 0) for other in buyers)),
            (derive.rfm_monetary(own, context), sum((other.monetary or 0) < (own.monetary or 0) for other in buyers)),
        ):
            assert score == 1 + floor(Fraction(5 * worse, len(buyers)))


@settings(max_examples=120, deadline=None)
@given(SHOPS)
def test_usage_and_the_typical_gap_are_those_of_the_whole_shop(people: list[CustomerFacts]) -> None:
    context = compute_context(people, MOMENT)
    every = [derive.numbers(person, MOMENT, DerivedSettings()) for person in people]
    used = sorted(own.orders_used for own in every if own.orders_used)
    assert context.usage == ((used[ceil(len(used) * 0.5) - 1], used[ceil(len(used) * 0.8) - 1]) if used else None)
    gaps = sorted(gap for own in every for gap in own.gaps if gap)
    middle = len(gaps) // 2
    expected = Fraction(gaps[middle] + gaps[middle - 1 + len(gaps) % 2], 2) if gaps else None
    assert context.typical_gap == expected


RANKED = ("amount_spent", "average_order_value", "last_order_date", "overdue_ratio", "rfm_monetary")


@settings(max_examples=150, deadline=None)
@given(SHOPS, st.sampled_from(RANKED), st.sampled_from(("TOP", "BOTTOM")), st.sampled_from(("1", "2", "7", "1%", "10%", "33.3%", "50%", "100%")))
def test_a_rank_is_the_competition_rank_with_ties_in(people: list[CustomerFacts], name: str, end: str, size: str) -> None:
    context = compute_context(people, MOMENT)
    read = catalogue.ATTRIBUTES[name].read
    assert read is not None
    values = {person.customer_id: value for person in people if (value := read(person, MOMENT, context)) is not None}
    places = ceil(Fraction(size.rstrip("%")) * len(values) / 100) if size.endswith("%") else int(size)
    ahead = (lambda a, b: a > b) if end == "TOP" else (lambda a, b: a < b)
    expected = {one for one, value in values.items() if 1 + sum(ahead(other, value) for other in values.values()) <= places}
    assert _members(f"{name} IN {end} {size}", people) == expected
    assert _members(f"{name} NOT IN {end} {size}", people) == set(values) - expected


def test_cuts_are_kept_exactly() -> None:
    keys = [
        RankKey("average_order_value", "TOP", Decimal("12.5"), True),
        RankKey("last_order_date", "BOTTOM", Decimal(3), False),
        RankKey("top", "TOP", Decimal(1), False),
    ]
    context = compute_context([REGULAR, STRANGER], MOMENT, DerivedSettings(salt="shop.test"), keys[:2])
    assert context.ranks[keys[0]] == Fraction(34400, 3)
    assert context.ranks[keys[1]] == ago(days=10)
    again = ShopContext.from_json(json.loads(json.dumps(context.to_json())))
    assert again == context
    assert ShopContext.from_json({}) == ShopContext()


def test_a_shop_without_customers_has_cuts_that_let_nobody_in() -> None:
    assert _members("amount_spent IN TOP 10%", []) == set()
    assert compute_context([], MOMENT).rfm is None
