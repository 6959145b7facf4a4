"""When a rule is read: one instant, one time zone, and what the rule's date values mean there.

Day values are days of the shop's calendar; they become the UTC instants at which those days begin and end once per moment, so that
no row of data is ever converted. Instant values (`now`, `-24h`, `2026-01-31T16:00:00`) stay instants.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from segsync.rules import tree


class Period(NamedTuple):
    """From `start` up to but not including `end`, both UTC. An instant is the microsecond that begins at it."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Moment:
    """The instant `now` (aware, any zone) as read in `tz`. Raises ValueError when `now` has no time zone."""

    now: datetime
    tz: ZoneInfo
    _days: dict[date, Period] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a naive instant; hold the others in UTC."""
        if self.now.tzinfo is None:
            raise ValueError("A moment needs an instant with a time zone; pass an aware datetime.")
        object.__setattr__(self, "now", self.now.astimezone(UTC))
        object.__setattr__(self, "today", self.now.astimezone(self.tz).date())

    today: date = field(init=False, repr=False, compare=False)

    def day_bounds(self, day: date) -> Period:
        """The UTC instants at which a local day begins and the next one begins: 23, 24 or 25 hours apart, or 0 for a skipped day.

        A midnight that the clocks skip is the instant at which they were put forward; one that comes twice is the first.
        """
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = Period(self._midnight(day), self._midnight(day + timedelta(days=1)))
        return found

    def period(self, value: tree.DateValue) -> Period:
        """What a date value of a rule covers: a whole day, or one instant."""
        match value:
            case tree.Day():
                return self.day_bounds(value.value)
            case tree.LocalTime():
                return _instant(value.value.replace(tzinfo=self.tz).astimezone(UTC))
            case tree.Offset(unit="h"):
                return _instant(self.now + timedelta(hours=value.amount))
            case tree.Offset(unit="min"):
                return _instant(self.now + timedelta(minutes=value.amount))
            case tree.Offset():
                return self.day_bounds(shifted(self.today, value))
            case tree.Named(name="now"):
                return _instant(self.now)
            case tree.Named():
                return self.day_bounds(self.today - timedelta(days=value.name == "yesterday"))

    def local_day(self, instant: datetime) -> date:
        """The shop's calendar day on which an instant falls."""
        return instant.astimezone(self.tz).date()

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=self.tz).astimezone(UTC)


def local_date(moment: Moment, value: tree.DateValue) -> date:
    """The day of the shop's calendar that a day value names, or on which an instant value falls."""
    match value:
        case tree.Day():
            return value.value
        case tree.LocalTime():
            return value.value.date()
        case tree.Offset(unit="h") | tree.Offset(unit="min") | tree.Named(name="now"):
            return moment.local_day(moment.period(value).start)
        case tree.Offset():
            return shifted(moment.today, value)
        case tree.Named():
            return moment.today - timedelta(days=value.name == "yesterday")


def shifted(day: date, offset: tree.Offset) -> date:
    """The day that a day, week, month or year offset leads to; months and years are calendar steps clipped to the month's end."""
    if offset.unit in ("d", "w"):
        return day + timedelta(days=offset.amount * (7 if offset.unit == "w" else 1))
    months = day.year * 12 + day.month - 1 + offset.amount * (12 if offset.unit == "y" else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _instant(at: datetime) -> Period:
    return Period(at, at + timedelta(microseconds=1))
