"""The derived attributes: their definitions, and which side of each cut a customer is on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules import derive, engagement
from segsync.rules.check import check_rule
from segsync.rules.context import RfmCuts, ShopContext
from segsync.rules.facts import ActivityFacts, CustomerFacts, RefundFacts
from segsync.rules.interpret import matches
from segsync.rules.moments import Moment
from segsync.rules.settings import Benefit, DerivedSettings, SettingsError, Tier
from tests.rules.people import BOOTS, LONDON, MUG, NOW, STRANGER, ago, opened, order

MOMENT = Moment(NOW, LONDON)
CONTEXT = ShopContext(typical_gap=Fraction(20), usage=(1, 3), rfm=RfmCuts((200, 100, 50, 10), (1, 2, 4, 9), (1000, 2000, 5000, 9000)))


def _bought(*days: float, amount: int = 1000) -> CustomerFacts:
    return CustomerFacts("1", orders=tuple(order(ago(days=day), amount, number=n) for n, day in enumerate(days)))


def _is(rule: str, person: CustomerFacts, context: ShopContext = CONTEXT) -> bool:
    return matches(check_rule(rule).rule, person, MOMENT, context)


TRUE = [
    # The own median gap takes three orders; the mean of the middle two for an even number of gaps.
    ("median_days_between_orders = 15", _bought(50, 30, 20)),
    ("median_days_between_orders IS NULL", _bought(50, 30)),
    ("median_days_between_orders = 0", _bought(30, 30, 30)),
    # Late by the own gap, else by the shop's typical one.
    ("overdue_ratio > 1.33 AND overdue_ratio < 1.34", _bought(50, 30, 20)),
    ("overdue_ratio = 0.5", _bought(40, 10)),
    ("overdue_ratio = 1.5", _bought(30, 30, 30)),
    ("overdue_ratio IS NULL", STRANGER),
    # Orders a month: never fewer than one month, never more than twelve.
    ("orders_per_month = 2", _bought(10, 5)),
    ("orders_per_month > 0.16 AND orders_per_month < 0.17", _bought(900, 364, 3, 800)),
    ("orders_per_month < 0.09 AND orders_per_month > 0.08", _bought(900, 365, 3)),
    ("orders_per_month IS NULL", STRANGER),
    ("usage_rate = 'NON_USER'", STRANGER),
    ("usage_rate = 'NON_USER'", _bought(365)),
    ("usage_rate = 'LIGHT'", _bought(364)),
    ("usage_rate = 'MEDIUM'", _bought(3, 2, 1)),
    ("usage_rate = 'HEAVY'", _bought(4, 3, 2, 1)),
    ("journey_stage = 'PROSPECT'", STRANGER),
    ("journey_stage = 'NEW'", _bought(20)),
    ("journey_stage = 'ACTIVE'", _bought(21)),
    ("journey_stage = 'ACTIVE'", _bought(40, 20)),
    ("journey_stage = 'ACTIVE'", _bought(30)),
    ("journey_stage = 'AT_RISK'", _bought(31)),
    ("journey_stage = 'AT_RISK'", _bought(60)),
    ("journey_stage = 'LAPSED'", _bought(61)),
    ("rfm_recency = 5 AND rfm_frequency = 1 AND rfm_monetary = 1", _bought(9)),
    ("rfm_recency = 4 AND rfm_frequency = 2 AND rfm_monetary = 2", _bought(10, 10, amount=501)),
    ("rfm_recency = 1 AND rfm_frequency = 4 AND rfm_monetary = 5", _bought(200, 300, 400, 500, 600, amount=9001)),
    ("rfm_recency IS NULL AND rfm_frequency IS NULL AND rfm_monetary IS NULL", STRANGER),
    ("loyalty_tier = 'NONE'", STRANGER),
    ("loyalty_tier = 'NONE'", _bought(900)),
    ("loyalty_tier = 'BRONZE'", _bought(3, 3)),
    ("loyalty_tier = 'BRONZE'", _bought(179, 3, 2, 1)),
    ("loyalty_tier = 'SILVER'", _bought(180, 3, 2, 1)),
    ("loyalty_tier = 'GOLD'", _bought(365, *range(1, 8))),
    ("loyalty_tier = 'GOLD'", _bought(729, *range(1, 15))),
    ("loyalty_tier = 'PLATINUM'", _bought(730, *range(1, 15))),
    ("discount_share IS NULL AND refund_share IS NULL AND benefit_sought = 'NONE' AND engagement_score = 0", STRANGER),
]


@pytest.mark.parametrize(("rule", "person"), TRUE)
def test_a_derived_attribute_follows_its_definition(rule: str, person: CustomerFacts) -> None:
    assert _is(rule, person)


def test_shares_are_exact_and_count_only_counted_orders() -> None:
    orders = (
        order(ago(days=9), 7000, discounted=True, gross_minor=10000, refunded_minor=3000, refunds=(RefundFacts(ago(days=8), 3000),)),
        order(ago(days=8), 20000, number=2),
        order(ago(days=7), 1, number=3, discounted=True, counted=False, gross_minor=500, refunded_minor=500),
    )
    assert _is("discount_share = 0.5 AND refund_share = 0.1", CustomerFacts("1", orders=orders))
    assert _is("refund_share IS NULL", CustomerFacts("1", orders=(order(ago(days=1), 0),)))


def test_the_benefit_with_the_largest_share_wins_if_above_a_third() -> None:
    third = replace(BOOTS, amount_minor=1000, discounted=True, tags=())
    rest = replace(MUG, amount_minor=2000)
    assert _is("benefit_sought = 'NONE'", CustomerFacts("1", orders=(order(ago(days=1), 3000, third, rest),)))
    assert _is("benefit_sought = 'PRICE'", CustomerFacts("1", orders=(order(ago(days=1), 3001, replace(third, amount_minor=1001), rest),)))
    luxury = replace(rest, tags=("Luxury",))
    assert _is("benefit_sought = 'STATUS'", CustomerFacts("1", orders=(order(ago(days=1), 3000, third, luxury),)))
    express = order(ago(days=1), 3000, rest, shipping="Express")
    assert _is("benefit_sought = 'CONVENIENCE'", CustomerFacts("1", orders=(express,)))


def test_feedback_comes_from_the_latest_answer_and_else_from_the_portal() -> None:
    old = ActivityFacts("surveys.answered", ago(days=9), survey="NPS", rating=10)
    new = ActivityFacts("surveys.answered", ago(days=2), survey="NPS", rating=6)
    other = ActivityFacts("surveys.answered", ago(days=1), survey="CSAT", rating=4)
    assert _is("nps_rating = 6 AND nps_group = 'DETRACTOR' AND last_survey_rating = 4", CustomerFacts("1", activities=(old, other, new)))
    assert _is("nps_group = 'PROMOTER'", CustomerFacts("1", activities=(old,)))
    told = CustomerFacts("1", properties={"hubspot.hs_feedback_last_nps_rating": "7"})
    assert _is("nps_rating = 7 AND nps_group = 'PASSIVE' AND last_survey_rating IS NULL", told)
    assert _is("nps_rating IS NULL AND nps_group IS NULL", CustomerFacts("1", properties={"hubspot.hs_feedback_last_nps_rating": "11"}))


def test_an_engagement_score_rounds_the_curve_of_its_definition() -> None:
    for opens in (0, 1, 2, 5, 13, 40, 106, 107, 500):
        score = engagement.score(opens * engagement.WEIGHT_UNITS * engagement.DECAY_UNITS, DerivedSettings())
        assert score == int(100 * (1 - exp(-opens / 20)) + 0.5), opens
    table = engagement.decay_table(30)
    assert [table[0], table[30], table[60]] == [10**9, 5 * 10**8, 25 * 10**7]
    assert len(table) < 1000


def test_what_a_person_did_counts_half_after_a_month() -> None:
    now = CustomerFacts("1", activities=tuple(opened(ago(hours=n)) for n in range(10)))
    month = CustomerFacts("1", activities=tuple(opened(ago(days=30, hours=n)) for n in range(10)))
    assert _is("engagement_score = 39", now)
    assert _is("engagement_score = 22", month)
    assert _is("engagement_score = 0", CustomerFacts("1", activities=(opened(ago(days=2000)),)))


def test_a_sample_bucket_is_for_good_and_differs_by_salt() -> None:
    rule = check_rule("sample_bucket < 50").rule
    people = [CustomerFacts(str(n)) for n in range(2_000)]
    first = [matches(rule, person, MOMENT, salt="a") for person in people]
    assert first == [matches(rule, person, Moment(NOW + timedelta(days=900), LONDON), salt="a") for person in people]
    assert 900 < sum(first) < 1100
    assert first != [matches(rule, person, MOMENT, salt="b") for person in people]
    assert first != [matches(rule, person, MOMENT, ShopContext(DerivedSettings(salt="other")), salt="a") for person in people]
    assert derive.sample_bucket("7001", "shop.test", "vip") == 46  # written down, so that nobody is drawn anew by accident


def test_a_shop_may_change_every_number() -> None:
    own = DerivedSettings(
        usage_fixed=(2, 3),
        rfm_days=100,
        loyalty=(Tier("GOLD", 3, 0),),
        benefits=(Benefit("QUALITY", types=("footwear",)),),
        engagement_weights=(("emails.opened", Fraction(1, 2)),),
        lapsed_above=Fraction(2),
    )
    context = replace(CONTEXT, settings=own)
    assert _is("usage_rate = 'LIGHT' AND loyalty_tier = 'NONE' AND journey_stage = 'LAPSED'", _bought(50, 41), context)
    assert _is("loyalty_tier = 'GOLD' AND usage_rate = 'MEDIUM'", _bought(3, 2, 1), context)
    assert _is("rfm_frequency = 1", _bought(99, 100), context)
    assert _is("benefit_sought = 'QUALITY'", CustomerFacts("1", orders=(order(ago(days=1), 1, BOOTS),)), context)
    assert _is("engagement_score = 2", CustomerFacts("1", activities=(opened(NOW),)), context)
    assert DerivedSettings.from_json(own.to_json()) == own
    assert DerivedSettings.from_json({}) == DerivedSettings()


REFUSED = [
    ({"at_risk_above": "4"}, "at_risk_above"),
    ({"usage_percentiles": [80, 50]}, "usage_percentiles"),
    ({"usage_fixed": [3, 2]}, "usage_fixed"),
    ({"engagement_half_life": 0}, "engagement_half_life"),
    ({"engagement_weights": [["emails.opened", "1/3"]]}, "engagement_weights"),
    ({"loyalty": [{"name": "BRONZE", "orders": 2, "days": 0}, {"name": "GOLD", "orders": 9, "days": 0}]}, "begin with the highest"),
    ({"benefits": [{"name": "FUN"}]}, "benefits"),
    ({"colour": "red"}, "`colour` is no setting"),
    ({"new_up_to": "1/0"}, "cannot be read"),
]


@pytest.mark.parametrize(("data", "part"), REFUSED)
def test_a_setting_that_means_nothing_is_refused_by_name(data: dict[str, object], part: str) -> None:
    with pytest.raises(SettingsError, match=part):
        DerivedSettings.from_json(data)


DAYS = st.datetimes(datetime(1999, 1, 1), datetime(2030, 12, 31)).map(lambda at: at.replace(tzinfo=UTC).date())  # noqa: DTZ001


@settings(max_examples=200, deadline=None)
@given(DAYS, DAYS)
def test_every_day_has_one_anniversary_in_each_later_year(day: datetime, other: datetime) -> None:
    found = derive.anniversary_in(day, other.year)
    assert (found is None) == (other.year <= day.year)
    if found is not None:
        assert (found.month, found.day) in {(day.month, day.day), (2, 28)}
