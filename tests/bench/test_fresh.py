"""The figures of `bench fresh`, and what it is not begun with. The measurement itself starts processes and takes minutes."""

from __future__ import annotations

import math
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from config.processes import Family
from integrations.sandbox.shopify.shop import TagCall
from segsync.bench import fresh
from segsync.bench.fresh import Spread
from tests.line import Line


def test_the_spread_counts_what_never_arrived_apart() -> None:
    assert Spread.of([None, *(float(number) for number in range(1, 101))]) == Spread(101, 1, 50.0, 95.0, 100.0)


def test_nothing_at_all_is_no_figure() -> None:
    spread = Spread.of([None, None])
    assert (spread.events, spread.missed) == (2, 2)
    assert math.isnan(spread.p95)


class Removing(Family):
    """Processes of which one takes the tag from somebody each time it is looked after."""

    def __init__(self, line: Line, *people: int) -> None:
        super().__init__()
        self._line, self._people = line, list(people)

    def tend(self) -> None:
        removed = TagCall(self._line.now(), self._people.pop(0), False, (f"segsync:{fresh.LEFT_CART[0]}",))
        shop = self._line.server.shopify.shop(self._line.domain)
        assert shop is not None
        shop.tag_calls.append(removed)


def test_removals_are_waited_for_until_those_asked_about_have_left_whoever_else_leaves(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "LATEST", 30.0)
    monkeypatch.setattr(fresh, "REST", 0.0)
    found = fresh.Bench(line.server.base_url, line.domain, Removing(line, 104, 105, 101, 102), OutputWrapper(StringIO()))._exits([101])
    assert None not in found


def test_a_number_that_means_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="--events must be 1 or more"):
        call_command("bench", "fresh", "--events", "0")
