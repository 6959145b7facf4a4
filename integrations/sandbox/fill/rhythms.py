"""How differently people buy: each rhythm turns into the days (before today) on which a person orders."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

HISTORY_DAYS = 548  # eighteen months


class Rhythm(StrEnum):
    """A person's way of buying."""

    NEVER = "never"
    ONE_OFF = "one_off"
    JUST_STARTED = "just_started"
    STEADY = "steady"
    HEAVY = "heavy"
    OCCASIONAL = "occasional"
    SEASONAL = "seasonal"
    DECLINING = "declining"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Share:
    """How common a rhythm is, as a relative weight."""

    rhythm: Rhythm
    weight: int


SHARES = (
    Share(Rhythm.NEVER, 13),
    Share(Rhythm.ONE_OFF, 26),
    Share(Rhythm.JUST_STARTED, 8),
    Share(Rhythm.STEADY, 12),
    Share(Rhythm.HEAVY, 5),
    Share(Rhythm.OCCASIONAL, 10),
    Share(Rhythm.SEASONAL, 8),
    Share(Rhythm.DECLINING, 9),
    Share(Rhythm.LAPSED, 9),
)


def _regular(rng: random.Random, first: int, last: int, gap: float, spread: float = 0.18) -> list[int]:
    """Days from `first` days ago on, about `gap` days apart, none after `last` days ago."""
    days: list[int] = []
    at = float(first)
    while at >= last:
        days.append(int(at))
        at -= max(1.0, rng.gauss(gap, gap * spread))
    return days


def _one_off(rng: random.Random, _today: date) -> list[int]:
    return [int(rng.triangular(0, HISTORY_DAYS, 30))]


def _just_started(rng: random.Random, _today: date) -> list[int]:
    first = rng.randrange(0, 30)
    return [first, rng.randrange(0, first + 1)] if rng.random() < 0.3 else [first]


def _steady(rng: random.Random, _today: date) -> list[int]:
    gap = rng.uniform(25, 38)
    return _regular(rng, rng.randrange(120, HISTORY_DAYS), 0, gap)


def _heavy(rng: random.Random, _today: date) -> list[int]:
    return _regular(rng, rng.randrange(150, HISTORY_DAYS), 0, rng.uniform(8, 18), 0.35)


def _occasional(rng: random.Random, _today: date) -> list[int]:
    return _regular(rng, rng.randrange(200, HISTORY_DAYS), rng.randrange(0, 60), rng.uniform(55, 120), 0.3)


def _seasonal(rng: random.Random, today: date) -> list[int]:
    days: list[int] = []
    summer = rng.random() < 0.5
    for back in range(HISTORY_DAYS):
        day = today - timedelta(days=back)
        in_season = (day.month, day.day) >= (11, 15) and (day.month, day.day) <= (12, 22)
        if (in_season and rng.random() < 0.06) or (summer and day.month == 6 and rng.random() < 0.04):
            days.append(back)
    return days or [rng.randrange(40, HISTORY_DAYS)]


def _declining(rng: random.Random, _today: date) -> list[int]:
    last = rng.randrange(70, 185)
    days, gap = [last], rng.uniform(45, 70)
    while days[-1] + gap < HISTORY_DAYS and len(days) < 9:
        days.append(int(days[-1] + gap))
        gap *= rng.uniform(0.65, 0.85)
    return days


def _lapsed(rng: random.Random, _today: date) -> list[int]:
    return _regular(rng, rng.randrange(380, HISTORY_DAYS), rng.randrange(185, 350), rng.uniform(25, 60), 0.3)


_DAYS: dict[Rhythm, Callable[[random.Random, date], list[int]]] = {
    Rhythm.NEVER: lambda _rng, _today: [],
    Rhythm.ONE_OFF: _one_off,
    Rhythm.JUST_STARTED: _just_started,
    Rhythm.STEADY: _steady,
    Rhythm.HEAVY: _heavy,
    Rhythm.OCCASIONAL: _occasional,
    Rhythm.SEASONAL: _seasonal,
    Rhythm.DECLINING: _declining,
    Rhythm.LAPSED: _lapsed,
}


def order_days(rng: random.Random, rhythm: Rhythm, today: date) -> list[int]:
    """The days before `today` (0 is today) on which a person of this rhythm orders, oldest first."""
    return sorted(_DAYS[rhythm](rng, today), reverse=True)
