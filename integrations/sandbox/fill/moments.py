"""Instants that look like people: local hours of the day, never in the future, never close to the 24-hour mark."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Relative weight of each local hour, midnight first.
OFFICE = (0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 9, 8, 10, 8, 7, 7, 6, 5, 3, 2, 2, 1, 1, 0)
EVENING = (1, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 2, 2, 3, 5, 7, 10, 12, 11, 7, 3)
LUNCH = (0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 5, 14, 12, 4, 1, 1, 2, 3, 3, 3, 2, 1, 0)
NIGHT = (9, 7, 5, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 4, 5, 7, 9, 10)
HOUR_PATTERNS = (OFFICE, EVENING, LUNCH, NIGHT)
HOUR_PATTERN_WEIGHTS = (35, 40, 15, 10)

_BEFORE_MARK = timedelta(minutes=3)
_AFTER_MARK = timedelta(minutes=20)


def keep_clear(at: datetime, now: datetime) -> datetime:
    """`at`, moved half an hour later when it lies close to `now` - 24 h.

    A rule over the last 24 hours then gives one answer during the first minutes of a run, however long that run takes.
    """
    mark = now - timedelta(hours=24)
    return at + timedelta(minutes=30) if mark - _BEFORE_MARK <= at <= mark + _AFTER_MARK else at


def local_instant(rng: random.Random, day: date, hours: Sequence[int], zone: ZoneInfo, now: datetime) -> datetime:
    """An instant (UTC) on the local `day` at an hour drawn from `hours`; on the day of `now`, some time before `now`."""
    hour = rng.choices(range(24), weights=hours)[0]
    at = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), zone).astimezone(UTC)
    if at >= now:
        midnight = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
        at = midnight + (now - midnight) * (0.05 + 0.9 * rng.random())
    return keep_clear(at.replace(microsecond=0), now)


def days_before(now: datetime, zone: ZoneInfo, days: int) -> date:
    """The local date `days` days before the local date of `now`."""
    return now.astimezone(zone).date() - timedelta(days=days)
