"""When time alone changes an answer, against looking at every hour and midnight."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules.check import check_rule
from segsync.rules.context import ShopContext
from segsync.rules.facts import CheckoutFacts, CustomerFacts
from segsync.rules.forecast import forecast, next_change
from segsync.rules.interpret import compile_checked
from segsync.rules.moments import Moment
from tests.rules.people import LONDON, NEW_YORK, NOW, STRANGER, ago, opened, order, utc

CONTEXT = ShopContext(typical_gap=Fraction(20), usage=(1, 3))
BUYER = CustomerFacts("1", orders=(order(ago(days=90)), order(ago(days=20), number=2), order(ago(days=10), number=3)))


def _says(rule: str, person: CustomerFacts, now: datetime = NOW) -> str | None:
    found = forecast(check_rule(rule).rule, person, Moment(now, LONDON), CONTEXT)
    return found and found.sentence


SENTENCES = [
    ("last_order_date >= -30d", BUYER, "leaves on 13 December unless they order"),
    ("last_order_date >= -2m", BUYER, "leaves on 13 January 2027 unless they order"),
    ("last_order_date < -30d", BUYER, "enters on 13 December unless they order"),
    ("orders_placed MATCHES (date >= -30d, count >= 2)", BUYER, "leaves on 3 December unless they order"),
    ("days_since_last_order > 400", BUYER, "enters on 18 December 2027 unless they order"),
    ("journey_stage = 'LAPSED'", BUYER, "enters on 13 March 2027 unless they order"),
    (
        "checkouts_abandoned MATCHES (date >= -24h)",
        CustomerFacts("1", checkouts=(CheckoutFacts("c", ago(hours=5)),)),
        "leaves on 23 November at 07:00 unless they are active",
    ),
    (
        "emails.opened MATCHES () THEN orders_placed NOT MATCHES () WITHIN 24h",
        CustomerFacts("1", activities=(opened(ago(hours=1)),)),
        "enters on 23 November at 11:00 unless they order",
    ),
    ("anniversary('customer_added_date') = today", CustomerFacts("1", added_at=utc("2024-12-25T10:00")), "enters on 25 December"),
    ("number_of_orders >= 1", BUYER, None),
    ("last_order_date >= -30d", STRANGER, None),
    ("last_order_date >= 2026-01-01", BUYER, None),
]


@pytest.mark.parametrize(("rule", "person", "sentence"), SENTENCES)
def test_a_forecast_says_when_and_unless(rule: str, person: CustomerFacts, sentence: str | None) -> None:
    assert _says(rule, person) == sentence


VALUES = st.sampled_from(("today", "yesterday", "-1d", "-3d", "-1w", "-1m", "-2m", "+1d", "-24h", "-90min", "now", "+36h", "2026-11-25"))
COMPARED = st.one_of(
    st.tuples(st.sampled_from(("=", "!=", ">", ">=", "<", "<=")), VALUES).map(" ".join),
    st.tuples(VALUES, VALUES).map(lambda pair: f"BETWEEN {pair[0]} AND {pair[1]}"),
)
CONDITIONS = st.one_of(
    COMPARED.map(lambda test: f"last_order_date {test}"),
    COMPARED.map(lambda test: f"orders_placed MATCHES (date {test}, count >= 2)"),
    COMPARED.map(lambda test: f"orders_placed NOT MATCHES (date {test})"),
    st.integers(0, 40).map(lambda days: f"days_since_last_order > {days}"),
    st.sampled_from(
        (
            "overdue_ratio > 1.5",
            "journey_stage = 'AT_RISK'",
            "orders_per_month < 1",
            "anniversary('first_order_date') BETWEEN today AND +3d",
            "orders_placed MATCHES (date >= -7d) THEN orders_placed NOT MATCHES () WITHIN 2d",
        )
    ),
)
RULES = st.lists(CONDITIONS, min_size=1, max_size=2).flatmap(lambda parts: st.sampled_from((" AND ", " OR ")).map(lambda joint: joint.join(parts)))
# On the hour, so that an hourly look finds every change to the tick.
HOURS = st.lists(st.integers(0, 24 * 40), min_size=1, max_size=3)
NOWS = st.sampled_from((utc("2026-10-24T12:00"), utc("2027-01-31T00:00"), utc("2027-03-27T22:00"), NOW))


@settings(max_examples=40, deadline=None)
@given(RULES, HOURS, NOWS, st.sampled_from((LONDON, NEW_YORK)))
def test_the_first_change_is_the_one_that_looking_each_hour_finds(text: str, hours: list[int], now: datetime, tz: object) -> None:
    rule = check_rule(text).rule
    person = CustomerFacts("1", orders=tuple(order(now - timedelta(hours=n), number=i) for i, n in enumerate(hours)))

    def answer(at: datetime) -> bool:
        return compile_checked(rule, Moment(at, tz), CONTEXT)(person)  # type: ignore[arg-type]

    before = answer(now)
    half_hours = (now + timedelta(minutes=30) * n + tick for n in range(2 * 24 * 32) for tick in (timedelta(), timedelta(microseconds=1)))
    brute = next((at for at in half_hours if at > now and answer(at) != before), None)
    found = next_change(rule, person, Moment(now, tz), CONTEXT)  # type: ignore[arg-type]
    if found is not None and found < now + timedelta(days=32):
        assert found == brute
    else:
        assert brute is None
