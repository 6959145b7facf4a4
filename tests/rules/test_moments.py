"""Days and instants: daylight saving, month ends, and which side of a boundary a timestamp is on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from segsync.rules import tree
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment, shifted
from tests.rules.people import LONDON, NEW_YORK, NOW, holds, order, utc

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
AUCKLAND = ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize(
    ("tz", "day", "start", "hours"),
    [
        (LONDON, date(2026, 10, 24), "2026-10-23T23:00", 24),
        (LONDON, date(2026, 10, 25), "2026-10-24T23:00", 25),
        (LONDON, date(2026, 10, 26), "2026-10-26T00:00", 24),
        (LONDON, date(2027, 3, 28), "2027-03-28T00:00", 23),
        (NEW_YORK, date(2026, 10, 25), "2026-10-25T04:00", 24),
        (NEW_YORK, date(2026, 11, 1), "2026-11-01T04:00", 25),
        (NEW_YORK, date(2027, 3, 14), "2027-03-14T05:00", 23),
        (NEW_YORK, date(2027, 3, 28), "2027-03-28T04:00", 24),
        (SAO_PAULO, date(2018, 11, 4), "2018-11-04T03:00", 23),  # its midnight was skipped: the day began at one
        (AUCKLAND, date(2026, 11, 22), "2026-11-21T11:00", 24),
    ],
)
def test_a_day_runs_from_its_first_instant_to_the_next_days(tz: ZoneInfo, day: date, start: str, hours: int) -> None:
    bounds = Moment(NOW, tz).day_bounds(day)
    assert bounds.start == utc(start)
    assert bounds.end - bounds.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("2026-03-31", -1, "m", "2026-02-28"),
        ("2028-03-31", -1, "m", "2028-02-29"),
        ("2026-12-31", 2, "m", "2027-02-28"),
        ("2026-01-31", -12, "m", "2025-01-31"),
        ("2028-02-29", -1, "y", "2027-02-28"),
        ("2028-02-29", 4, "y", "2032-02-29"),
        ("2026-01-01", -1, "m", "2025-12-01"),
        ("2026-03-01", -1, "d", "2026-02-28"),
        ("2026-03-01", -2, "w", "2026-02-15"),
    ],
)
def test_months_and_years_are_calendar_steps_clipped_to_the_months_end(start: str, amount: int, unit: tree.OffsetUnit, end: str) -> None:
    assert shifted(date.fromisoformat(start), tree.Offset(amount, unit)) == date.fromisoformat(end)


def _placed(at: datetime) -> CustomerFacts:
    return CustomerFacts("1", orders=(order(at),))


# 26 October 2026, noon in London: the day before had 25 hours.
AUTUMN = utc("2026-10-26T12:00")
# 29 March 2027, noon in London (11:00 UTC): the day before had 23 hours.
SPRING = utc("2027-03-29T11:00")

SIDES = [
    ("last_order_date = -1d", AUTUMN, "2026-10-24T23:00", True),
    ("last_order_date = -1d", AUTUMN, "2026-10-24T22:59:59", False),
    ("last_order_date = -1d", AUTUMN, "2026-10-25T23:59:59.999999", True),
    ("last_order_date = -1d", AUTUMN, "2026-10-26T00:00", False),
    ("last_order_date = yesterday", SPRING, "2027-03-28T00:00", True),
    ("last_order_date = yesterday", SPRING, "2027-03-28T22:59:59", True),
    ("last_order_date = yesterday", SPRING, "2027-03-28T23:00", False),
    ("last_order_date = today", SPRING, "2027-03-28T23:00", True),
    ("last_order_date != today", SPRING, "2027-03-28T22:00", True),
    ("last_order_date > -2d", SPRING, "2027-03-27T23:59:59", False),
    ("last_order_date > -2d", SPRING, "2027-03-28T00:00", True),
    ("last_order_date >= -2d", SPRING, "2027-03-27T00:00", True),
    ("last_order_date >= -2d", SPRING, "2027-03-26T23:59:59", False),
    ("last_order_date < -2d", SPRING, "2027-03-26T23:59:59", True),
    ("last_order_date <= -2d", SPRING, "2027-03-27T23:59:59.999999", True),
    ("last_order_date <= -2d", SPRING, "2027-03-28T00:00", False),
    ("last_order_date BETWEEN -2d AND yesterday", SPRING, "2027-03-27T00:00", True),
    ("last_order_date BETWEEN -2d AND yesterday", SPRING, "2027-03-28T22:59:59.999999", True),
    ("last_order_date BETWEEN -2d AND yesterday", SPRING, "2027-03-28T23:00", False),
    ("last_order_date NOT BETWEEN -2d AND yesterday", SPRING, "2027-03-28T23:00", True),
    ("last_order_date IN (today, 2027-03-01)", SPRING, "2027-03-01T08:00", True),
    ("last_order_date IN (today, 2027-03-01)", SPRING, "2027-03-02T00:00", False),
    # An instant is an instant, however long the day was.
    ("last_order_date >= -24h", AUTUMN, "2026-10-25T12:00", True),
    ("last_order_date >= -24h", AUTUMN, "2026-10-25T11:59:59.999999", False),
    ("last_order_date < -90min", AUTUMN, "2026-10-26T10:29:59", True),
    ("last_order_date < -90min", AUTUMN, "2026-10-26T10:30", False),
    ("last_order_date <= now", AUTUMN, "2026-10-26T12:00", True),
    ("last_order_date BETWEEN -1h AND now", AUTUMN, "2026-10-26T11:00", True),
    # Wall-clock times are the shop's: 16:00 in London is 15:00 UTC in summer, and 01:30 came twice on 25 October.
    ("last_order_date > 2026-08-01T16:00:00", AUTUMN, "2026-08-01T15:00:01", True),
    ("last_order_date > 2026-08-01T16:00:00", AUTUMN, "2026-08-01T15:00", False),
    ("last_order_date = 2026-10-25T01:30:00", AUTUMN, "2026-10-25T00:30", True),
    # Days and instants mix: from an instant to a day's end.
    ("last_order_date BETWEEN 2026-08-01T16:00:00 AND 2026-08-02", AUTUMN, "2026-08-02T22:59:59", True),
    ("last_order_date BETWEEN 2026-08-01T16:00:00 AND 2026-08-02", AUTUMN, "2026-08-02T23:00", False),
    ("days_since_last_order = 1", AUTUMN, "2026-10-24T23:00", True),
    ("days_since_last_order = 2", AUTUMN, "2026-10-24T22:59:59", True),
]


@pytest.mark.parametrize(("rule", "now", "placed", "answer"), SIDES)
def test_which_side_of_a_boundary(rule: str, now: datetime, placed: str, answer: bool) -> None:
    assert holds(rule, _placed(utc(placed)), now, LONDON) is answer


def test_the_same_order_is_of_another_day_in_another_zone() -> None:
    late = _placed(utc("2026-11-21T23:30"))
    assert holds("last_order_date = yesterday", late, NOW, LONDON)
    assert holds("last_order_date = today", late, NOW, AUCKLAND) is False  # it is already the 23rd there
    assert holds("last_order_date = -1d", late, NOW, AUCKLAND)


def test_a_month_back_from_the_31st_is_the_months_last_day() -> None:
    now = utc("2027-03-31T12:00")
    assert holds("last_order_date >= -1m", _placed(utc("2027-02-28T00:00")), now)
    assert not holds("last_order_date >= -1m", _placed(utc("2027-02-27T23:59:59")), now)


def test_a_moment_needs_a_zone_and_is_held_in_utc() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Moment(datetime(2026, 1, 1), LONDON)  # noqa: DTZ001
    moment = Moment(datetime(2026, 7, 1, 0, 30, tzinfo=LONDON), LONDON)
    assert moment.now == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert moment.today == date(2026, 7, 1)
