"""Pacing: never faster than the platform allows, never asleep for long."""

from __future__ import annotations

import pytest

from integrations.errors import RateLimited
from integrations.throttle import CostPacer, WindowPacer, pacer


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def test_a_window_lets_its_limit_through_at_once_and_the_next_call_when_the_first_is_out_of_it() -> None:
    time = Time()
    window = WindowPacer(4, 1.0, time.clock, time.sleep)
    for _ in range(4):
        window.wait()
    assert time.slept == []
    window.wait()
    assert time.slept == [1.0]


def test_no_window_ever_holds_more_calls_than_its_limit() -> None:
    time = Time()
    window = WindowPacer(10, 10.0, time.clock, time.sleep)
    starts = []
    for _ in range(45):
        window.wait()
        starts.append(time.now)
        time.now += 0.1
    assert all(sum(1 for other in starts if start <= other < start + 10) <= 10 for start in starts)


def test_points_are_spent_as_shopify_counts_them() -> None:
    time = Time()
    bucket = CostPacer(time.clock, time.sleep)
    bucket.wait(900)  # nothing is known yet: the platform's answer tells
    bucket.learn(available=300, rate=100, maximum=2000)
    bucket.wait(200)
    assert time.slept == []
    bucket.wait(400)
    assert time.slept == [3.0]


def test_a_bucket_fills_no_higher_than_its_rim() -> None:
    time = Time()
    bucket = CostPacer(time.clock, time.sleep)
    bucket.learn(available=0, rate=100, maximum=2000)
    time.now += 3600
    bucket.wait(2000)
    bucket.wait(500)
    assert time.slept == [5.0]


def test_nobody_sleeps_longer_than_twenty_seconds() -> None:
    time = Time()
    bucket = CostPacer(time.clock, time.sleep)
    bucket.learn(available=0, rate=10, maximum=1000)
    with pytest.raises(RateLimited) as refused:
        bucket.wait(500)
    assert refused.value.retry_after == 50
    window = WindowPacer(1, 60.0, time.clock, time.sleep)
    window.wait()
    with pytest.raises(RateLimited) as refused:
        window.wait()
    assert refused.value.retry_after == 60
    assert time.slept == []


def test_each_account_has_a_pacer_of_its_own() -> None:
    assert pacer(("test", 1), CostPacer) is pacer(("test", 1), CostPacer)
    assert pacer(("test", 1), CostPacer) is not pacer(("test", 2), CostPacer)
