"""The engagement score in whole numbers, so that every evaluator gets the same one.

A point is 10^12 units. What one event adds is its weight in thousandths times the decay of its age in billionths; the score is the
number of thresholds that the sum reaches. Both tables depend on the settings alone.
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache

from segsync.rules.settings import DerivedSettings

WEIGHT_UNITS = 1_000
DECAY_UNITS = 10**9
_DIGITS = 40


@lru_cache(maxsize=64)
def decay_table(half_life: int) -> tuple[int, ...]:
    """By age in whole local days, 0.5^(age ÷ half-life) in billionths, rounded half up; what is older than the table adds nothing."""
    with localcontext() as context:
        context.prec = _DIGITS
        half = Decimal("0.5").ln() / half_life
        table: list[int] = []
        while (units := int((DECAY_UNITS * (half * len(table)).exp()).to_integral_value(ROUND_HALF_UP))) > 0:
            table.append(units)
    return tuple(table)


@lru_cache(maxsize=64)
def score_cuts(scale: int) -> tuple[int, ...]:
    """The least number of units that gives scores 1 to 100, in order: 100 × (1 − e^(−points ÷ scale)) is then half a point short or less."""
    with localcontext() as context:
        context.prec = _DIGITS
        unit = WEIGHT_UNITS * DECAY_UNITS
        return tuple(int((-scale * (1 - (Decimal(score) - Decimal("0.5")) / 100).ln() * unit).to_integral_value(ROUND_CEILING)) for score in range(1, 101))


@lru_cache(maxsize=64)
def weight_units(settings: DerivedSettings) -> dict[str, int]:
    """By kind of activity, its weight in thousandths of a point."""
    return {kind: int(weight * WEIGHT_UNITS) for kind, weight in settings.engagement_weights}


def score(units: int, settings: DerivedSettings) -> int:
    """The score from 0 to 100 for a sum of units."""
    return bisect_right(score_cuts(settings.engagement_scale), units)
