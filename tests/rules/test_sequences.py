"""One thing and then another, within a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules.check import check_rule
from segsync.rules.facts import ActivityFacts, CustomerFacts
from segsync.rules.interpret import judge
from segsync.rules.moments import Moment
from segsync.rules.windows import HourWindow, survey
from tests.rules.people import LONDON, NOW, ago, holds, opened, order

TICK = timedelta(microseconds=1)
FOLLOWED = "emails.opened MATCHES () THEN orders_placed MATCHES () WITHIN 24h"
LEFT = "emails.opened MATCHES () THEN orders_placed NOT MATCHES () WITHIN 24h"


def _person(opens: tuple[timedelta, ...], orders: tuple[timedelta, ...]) -> CustomerFacts:
    return CustomerFacts("1", orders=tuple(order(NOW - at) for at in orders), activities=tuple(opened(NOW - at) for at in opens))


DAY = timedelta(days=1)
CASES = [
    # opened, ordered, followed, left
    ((3 * DAY,), (2 * DAY,), True, False),
    ((3 * DAY,), (2 * DAY - TICK,), False, True),
    ((3 * DAY,), (3 * DAY - TICK,), True, False),
    ((3 * DAY,), (3 * DAY,), False, True),  # strictly later
    ((3 * DAY,), (4 * DAY,), False, True),
    ((3 * DAY,), (), False, True),
    ((DAY,), (), False, True),  # the day is just over
    ((DAY - TICK,), (), False, False),  # there is still time
    ((), (2 * DAY,), False, False),
    ((9 * DAY, 3 * DAY), (2 * DAY,), True, True),
    ((2.5 * DAY, 3 * DAY), (2 * DAY,), True, False),
]


@pytest.mark.parametrize(("opens", "orders", "followed", "left"), CASES)
def test_what_follows_in_time(opens: tuple[timedelta, ...], orders: tuple[timedelta, ...], followed: bool, left: bool) -> None:
    person = _person(opens, orders)
    assert holds(FOLLOWED, person) is followed
    assert holds(LEFT, person) is left


def test_row_parameters_choose_on_both_sides() -> None:
    person = CustomerFacts("1", orders=(order(ago(days=2), 4900),), activities=(opened(ago(days=3), "Sale"), opened(ago(days=9), "News")))
    assert holds("emails.opened MATCHES (campaign = 'sale') THEN orders_placed MATCHES (amount < 50) WITHIN 1d", person)
    assert not holds("emails.opened MATCHES (campaign = 'sale') THEN orders_placed MATCHES (amount >= 50) WITHIN 1d", person)
    assert not holds("emails.opened MATCHES (campaign = 'news') THEN orders_placed MATCHES () WITHIN 1d", person)
    assert holds("orders_placed MATCHES () THEN orders_placed NOT MATCHES () WITHIN 1440min", person)


def test_a_duration_is_exact_where_the_clocks_change() -> None:
    spring = ActivityFacts("emails.opened", NOW.replace(year=2027, month=3, day=27, hour=12))
    later = order(NOW.replace(year=2027, month=3, day=28, hour=12))
    now = NOW.replace(year=2027, month=4, day=1)
    assert holds(FOLLOWED, CustomerFacts("1", orders=(later,), activities=(spring,)), now)
    assert not holds(FOLLOWED.replace("24h", "23h"), CustomerFacts("1", orders=(later,), activities=(spring,)), now)


def test_only_a_sequence_that_waits_moves_with_the_clock() -> None:
    assert survey(check_rule(LEFT).rule).hour_windows == {HourWindow(DAY, frozenset({"activities"}))}
    assert survey(check_rule(FOLLOWED).rule).hour_windows == frozenset()
    found = survey(check_rule("products_purchased MATCHES (date >= -7d) THEN emails.opened NOT MATCHES () WITHIN 2w").rule)
    assert found.hour_windows == {HourWindow(timedelta(weeks=2), frozenset({"orders"}))}
    assert found.day_valued
    assert found.needs == {"orders", "lines", "activities"}
    assert found.activity_kinds == {"emails.opened"}


def test_evidence_tells_the_pair() -> None:
    person = _person((3 * DAY,), (2 * DAY,))
    moment = Moment(NOW, LONDON)
    assert judge(check_rule(FOLLOWED).rule, person, moment).clauses[0].evidence == ("News at 2026-11-19 12:00, then #1001 on 2026-11-20, 50.00",)
    lonely = judge(check_rule(LEFT).rule, _person((3 * DAY,), ()), moment).clauses[0]
    assert lonely.evidence == ("News at 2026-11-19 12:00, and no such orders within 24h",)
    assert judge(check_rule(LEFT).rule, _person((), ()), moment).clauses[0].evidence == ("no such e-mails",)


HOURS = st.lists(st.integers(0, 60), max_size=5)


@settings(max_examples=150, deadline=None)
@given(HOURS, HOURS, st.integers(1, 30))
def test_the_definition_pair_by_pair(opens: list[int], orders: list[int], within: int) -> None:
    person = _person(tuple(timedelta(hours=n) for n in opens), tuple(timedelta(hours=n) for n in orders))
    follows = [any(0 < before - after <= within for after in orders) for before in opens]
    assert holds(FOLLOWED.replace("24h", f"{within}h"), person) is any(follows)
    left = any(not followed and before >= within for followed, before in zip(follows, opens, strict=True))
    assert holds(LEFT.replace("24h", f"{within}h"), person) is left
