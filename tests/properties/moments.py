"""Generated instants and zones, and timestamps where they decide: at the edges of days, hours, months, and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from segsync.rules import tree
from segsync.rules.moments import Moment, shifted

# Half-hour and quarter-hour zones, midnights that the clocks skip (Beirut, Havana, Santiago), a day that never was (Apia), no changes.
ZONES = tuple(
    map(
        ZoneInfo,
        ("UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Beirut", "America/Havana", "America/Santiago", "Pacific/Apia"),
    )
)
# Days on which, or near which, clocks change or months end.
DAYS = (
    date(2026, 3, 29),
    date(2026, 3, 30),
    date(2026, 10, 25),
    date(2026, 11, 1),
    date(2026, 3, 8),
    date(2026, 9, 6),
    date(2024, 2, 29),
    date(2025, 2, 28),
    date(2026, 3, 31),
    date(2026, 12, 31),
    date(2011, 12, 31),
    date(2026, 6, 15),
)
DISTANCES = (0, 1, 2, 7, 28, 30, 31, 59, 90, 365, 366)
HOURS = (0, 1, 2, 24, 25, 48)
UNITS: tuple[tuple[tree.OffsetUnit, tuple[int, ...]], ...] = (
    ("d", DISTANCES),
    ("w", (1, 4)),
    ("m", (1, 2, 6, 12)),
    ("y", (1, 2)),
    ("h", HOURS),
    ("min", (0, 30, 90)),
)
NUDGES = tuple(timedelta(microseconds=1) * step for step in (-1, 0, 1))

MOMENTS = st.builds(
    lambda zone, day, hour, nudge: Moment(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) + timedelta(hours=hour) + nudge, zone),
    st.sampled_from(ZONES),
    st.sampled_from(DAYS),
    st.sampled_from((0, 1, 2, 3, 4, 12, 23)),
    st.sampled_from((*NUDGES, timedelta(minutes=30, seconds=7))),
)


def offsets() -> st.SearchStrategy[tree.DateValue]:
    """A distance from now, mostly into the past."""
    one = st.sampled_from([(amount, unit) for unit, amounts in UNITS for amount in amounts])
    return st.builds(lambda pair, sign: tree.Offset(sign * pair[0], pair[1]), one, st.sampled_from((-1, -1, -1, 1)))


def date_values(moment: Moment) -> st.SearchStrategy[tree.DateValue]:
    """Date values of a rule."""
    days = st.sampled_from(DISTANCES).map(lambda back: tree.Day(moment.today - timedelta(days=back)))
    times = st.sampled_from(HOURS).map(lambda back: tree.LocalTime(_wall_clock(moment, back)))
    names = st.sampled_from((tree.Named("today"), tree.Named("yesterday"), tree.Named("now")))
    return st.one_of(offsets(), offsets(), days, times, names)


def timestamps(moment: Moment) -> st.SearchStrategy[datetime]:
    """When something happened: on an edge that a rule may name, or a microsecond beside it."""
    edges: list[datetime] = []
    for unit, amounts in UNITS:
        for amount in amounts:
            if unit in ("h", "min"):
                edges.append(moment.now - (timedelta(hours=amount) if unit == "h" else timedelta(minutes=amount)))
            else:
                edges.extend(moment.day_bounds(shifted(moment.today, tree.Offset(-amount, unit))))
    return st.builds(lambda edge, nudge: edge + nudge, st.sampled_from(edges), st.sampled_from((*NUDGES, timedelta(hours=-5))))


def _wall_clock(moment: Moment, hours_back: int) -> datetime:
    return (moment.now - timedelta(hours=hours_back)).astimezone(moment.tz).replace(tzinfo=None, microsecond=0)
