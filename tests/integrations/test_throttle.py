"""Pacing: never faster than the platform allows, never asleep for long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from integrations.errors import RateLimited
from integrations.models import Connection, Pace, Shop
from integrations.throttle import UNANSWERED, CostPacer, InProcess, Shared, WindowPacer, pacer


@pytest.fixture
def account(db: None) -> int:
    shop = Shop.objects.create(domain="paced.myshopify.com")
    return Connection.objects.create(shop=shop, vendor="shopify", account=shop.domain, connected_at=datetime.now(UTC)).pk


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


def test_calls_under_way_are_not_given_out_again_by_an_answer_from_before_they_arrived() -> None:
    time, kept = Time(), InProcess()
    one, other = CostPacer(time.clock, time.sleep, kept), CostPacer(time.clock, time.sleep, kept)
    one.learn(available=1_000, rate=100, maximum=2_000)
    ticket = one.wait(600)
    late = other.wait(300)
    one.learn(available=400, rate=100, maximum=2_000, ticket=ticket)  # the other's call had not arrived when this was said
    assert one.available == 100
    other.learn(available=100, rate=100, maximum=2_000, ticket=late)
    assert one.available == 100


def test_a_call_that_never_gets_an_answer_is_forgotten_after_a_while() -> None:
    time = Time()
    bucket = CostPacer(time.clock, time.sleep)
    bucket.learn(available=1_000, rate=100, maximum=2_000)
    bucket.wait(600)
    time.now += UNANSWERED + 1
    bucket.learn(available=2_000, rate=100, maximum=2_000)
    assert bucket.available == 2_000


def test_an_account_that_may_call_more_often_does_and_never_less_than_was_assumed() -> None:
    time = Time()
    window = WindowPacer(4, 1.0, time.clock, time.sleep)
    window.raise_limit(2)
    window.raise_limit(6)
    for _ in range(6):
        window.wait()
    assert time.slept == []
    window.wait()
    assert time.slept == [1.0]


def test_t6_two_processes_share_a_window_and_a_bucket(account: int) -> None:
    time = Time()
    one, other = (WindowPacer(4, 1.0, time.clock, time.sleep, Shared(account, "calls")) for _ in range(2))
    for each in (one, other, one, other):
        each.wait()
    assert time.slept == []
    one.wait()
    assert time.slept == [1.0]
    first, second = (CostPacer(time.clock, time.sleep, Shared(account, "points")) for _ in range(2))
    first.learn(available=300, rate=100, maximum=2_000)
    first.wait(300)
    second.wait(200)
    assert time.slept == [1.0, 2.0]
    assert set(Pace.objects.values_list("connection", "limit")) == {(account, "calls"), (account, "points")}


@pytest.mark.parametrize("make", [lambda *how: CostPacer(*how), lambda *how: WindowPacer(4, 1.0, *how)], ids=["points", "window"])
def test_fault_22_what_one_process_was_asked_to_wait_no_other_calls_before(account: int, make: Callable[..., CostPacer | WindowPacer]) -> None:
    time = Time()
    one, other = (make(time.clock, time.sleep, Shared(account, "calls")) for _ in range(2))
    one.close(30)
    with pytest.raises(RateLimited) as told:
        other.wait(*_cost(other))
    assert told.value.retry_after == 30
    another = make(time.clock, time.sleep, Shared(account, "another limit"))
    another.wait(*_cost(another))
    assert time.slept == []
    time.now += 29
    other.wait(*_cost(other))
    assert time.slept == [1.0]


def _cost(pacer: CostPacer | WindowPacer) -> tuple[float, ...]:
    return (10,) if isinstance(pacer, CostPacer) else ()


@pytest.mark.django_db(transaction=True)
def test_t6_many_callers_at_once_never_take_one_turn_twice(account: int) -> None:
    def caller(_: int) -> list[float]:
        turns: list[float] = []
        window = WindowPacer(10, 10.0, lambda: 1_000.0, turns.append, Shared(account, "calls"))
        try:
            for _ in range(5):
                window.wait()
        finally:
            connection.close()
        return turns + [0.0] * (5 - len(turns))  # nobody sleeps for a turn that has come

    with ThreadPoolExecutor(6) as pool:
        turns = Counter(turn for some in pool.map(caller, range(6)) for turn in some)
    assert turns == {0.0: 10, 10.0: 10, 20.0: 10}
