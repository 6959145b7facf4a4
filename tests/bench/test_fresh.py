"""The figures of `bench fresh`, and what it is not begun with. The measurement itself starts processes and takes minutes."""

from __future__ import annotations

import math

import pytest
from django.core.management import CommandError, call_command

from segsync.bench.fresh import Spread


def test_the_spread_counts_what_never_arrived_apart() -> None:
    assert Spread.of([None, *(float(number) for number in range(1, 101))]) == Spread(101, 1, 50.0, 95.0, 100.0)


def test_nothing_at_all_is_no_figure() -> None:
    spread = Spread.of([None, None])
    assert (spread.events, spread.missed) == (2, 2)
    assert math.isnan(spread.p95)


def test_a_number_that_means_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="--events must be 1 or more"):
        call_command("bench", "fresh", "--events", "0")
