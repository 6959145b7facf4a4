"""What is missing to enter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules.check import check_rule
from segsync.rules.facts import CustomerFacts
from segsync.rules.interpret import matches
from segsync.rules.moments import Moment
from segsync.rules.near import near_miss
from tests.rules.people import LONDON, NOW, REGULAR, STRANGER, ago, opened, order

MOMENT = Moment(NOW, LONDON)
BUYER = CustomerFacts("1", order_count=2, amount_spent_minor=9000, orders=(order(ago(days=20), 6000), order(ago(days=10), 3000, number=2)))

PHRASES = [
    ("orders_placed MATCHES (amount >= 50, date >= -30d, count >= 2)", BUYER, ("1 more order of at least 50.00 before 3 December",)),
    ("orders_placed MATCHES (date >= -30d, count >= 4)", BUYER, ("2 more orders before 3 December",)),
    ("orders_placed MATCHES (count > 2)", BUYER, ("1 more order",)),
    ("orders_placed MATCHES (channel = 'pos')", BUYER, ("1 order (sales channel is ‘pos’)",)),
    ("orders_placed MATCHES (date >= -15d, sum_amount >= 45.5)", BUYER, ("15.50 more in orders before 28 November",)),
    (
        "emails.opened MATCHES (date >= -24h, count >= 2)",
        CustomerFacts("1", activities=(opened(ago(hours=3)),)),
        ("1 more e-mail before 23 November at 09:00",),
    ),
    ("products_purchased MATCHES (vendor = 'Kiln', count >= 2)", STRANGER, ("2 orders with a product (vendor is ‘Kiln’)",)),
    ("number_of_orders >= 5 AND amount_spent > 100", BUYER, ("3 more orders", "10.01 more spent")),
    ("number_of_orders >= 5 OR amount_spent > 100 AND customer_tags CONTAINS 'x'", BUYER, ("3 more orders",)),
    ("customer_tags CONTAINS 'gold'", REGULAR, ("to be among those whose tags include ‘gold’ (tags: VIP, Wholesale)",)),
    ("NOT (customer_tags CONTAINS 'vip')", REGULAR, ("to be no longer among those whose tags include ‘vip’",)),
    ("orders_placed NOT MATCHES (date >= -30d)", BUYER, ("to be among those who did not place an order in the last 30 days",)),
    # What lies in the past cannot be done any more.
    ("orders_placed MATCHES (date < 2020-01-01)", BUYER, ("to be among those who placed an order before 1 January 2020",)),
    ("number_of_orders >= 2", BUYER, ()),
]


@pytest.mark.parametrize(("rule", "person", "phrases"), PHRASES)
def test_what_is_missing_is_named(rule: str, person: CustomerFacts, phrases: tuple[str, ...]) -> None:
    assert near_miss(check_rule(rule).rule, person, MOMENT) == phrases


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.lists(st.integers(0, 40), max_size=4), st.integers(5, 45))
def test_doing_what_is_missing_lets_a_customer_in(count: int, days: list[int], window: int) -> None:
    rule = check_rule(f"orders_placed MATCHES (date >= -{window}d, count >= {count})").rule
    person = CustomerFacts("1", orders=tuple(order(ago(days=day), number=n) for n, day in enumerate(days)))
    phrases = near_miss(rule, person, MOMENT)
    assert bool(phrases) != matches(rule, person, MOMENT)
    if phrases:
        more = int(phrases[0].split()[0])
        for fewer, enters in ((1, False), (0, True)):
            new = tuple(order(NOW, number=100 + n) for n in range(more - fewer))
            assert matches(rule, replace(person, orders=(*person.orders, *new)), MOMENT) is enters
