"""From how many tags on a bulk operation is quicker, measured against the sandbox's bucket at each plan's real limits, in time that passes at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.models import Connection
from integrations.registry import DestinationSettings
from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.cost import MUTATION_COST, RESTORE_RATES, Bucket
from integrations.sandbox.shopify.state import Store
from integrations.shopify.client import BUCKET_SECONDS, CALL_COST
from integrations.shopify.push import BULK_SECONDS, ShopifyDestination, bulk_from
from integrations.shopify.tag_calls import AT_ONCE
from integrations.throttle import CostPacer, Shared
from tests.integrations.shopify.test_shopify_push import add, ids, tagged


def directly(plan: str, calls: int, drained: float = 0.0) -> tuple[float, int]:
    """Seconds that the limit forces on so many direct calls, and how many requests were throttled."""
    clock = SandboxClock()
    bucket = Bucket(plan, clock)
    bucket.drain(bucket.maximum - drained)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(timedelta(seconds=seconds))

    pace, throttled = CostPacer(lambda: clock.now().timestamp(), sleep), 0
    status = bucket.status()
    pace.learn(status["currentlyAvailable"], status["restoreRate"], status["maximumAvailable"])
    for start in range(0, calls, AT_ONCE):
        cost = MUTATION_COST * min(AT_ONCE, calls - start)
        ticket = pace.wait(cost)
        while not bucket.admit(cost):
            throttled += 1
            sleep(0.01)
        status = bucket.status()
        pace.learn(status["currentlyAvailable"], status["restoreRate"], status["maximumAvailable"], ticket)
    return sum(slept), throttled


@pytest.mark.parametrize(("plan", "calls"), [("standard", 210), ("advanced", 420), ("plus", 2_100), ("enterprise", 4_200)])
def test_there_direct_calls_take_as_long_as_the_shortest_bulk_operation(plan: str, calls: int) -> None:
    rate = RESTORE_RATES[plan]
    assert bulk_from(rate, BUCKET_SECONDS * rate) == calls
    seconds, throttled = directly(plan, calls)
    assert seconds == pytest.approx(BULK_SECONDS, abs=0.1)
    assert directly(plan, round(calls * 0.9))[0] < BULK_SECONDS / 2
    assert throttled == 0


@pytest.mark.parametrize("plan", RESTORE_RATES)
def test_with_points_spent_it_is_sooner(plan: str) -> None:
    rate = RESTORE_RATES[plan]
    left = BUCKET_SECONDS * rate / 2
    assert directly(plan, bulk_from(rate, left), drained=left)[0] == pytest.approx(BULK_SECONDS, abs=0.1)
    assert bulk_from(rate, 0) == rate * BULK_SECONDS / CALL_COST


@pytest.mark.parametrize("plan", RESTORE_RATES)
def test_t6_in_steady_state_hardly_a_request_is_throttled_and_none_waits_for_nothing(plan: str) -> None:
    calls = 20_000
    seconds, throttled = directly(plan, calls, drained=BUCKET_SECONDS * RESTORE_RATES[plan])
    assert throttled <= 0.01 * calls / AT_ONCE
    assert seconds <= 1.02 * calls * MUTATION_COST / RESTORE_RATES[plan]


def test_the_way_is_chosen_by_the_points_there_are_now(connection: Connection, store: Store, sandbox: SandboxServer) -> None:
    destination = ShopifyDestination(connection, DestinationSettings())
    pace = CostPacer(kept=Shared(connection.pk, "points"))
    members = ids(store, 40)
    for available, way in ((2_000.0, "Batch"), (0.0, "StartBulkMutation")):
        pace.learn(available, rate=100, maximum=2_000)
        begun = datetime.now(UTC)
        destination.write(add(members))
        made = {call.operation for call in sandbox.world.calls.recent(begun + sandbox.world.clock.offset)} & {"Batch", "StartBulkMutation"}
        assert made == {way}
    assert tagged(store, "segsync:vip") == set(members)
