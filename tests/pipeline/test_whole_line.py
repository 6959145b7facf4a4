"""From a connection to the last mark, in one process, whatever is lost or doubled on the way."""

from __future__ import annotations

from typing import Any

import pytest

from config.celery import app
from integrations.models import Shop
from integrations.sandbox.by_hand import simulate_life
from segsync import clock, pipeline
from segsync.diff.models import LedgerEntry, Target
from segsync.evaluate import due, judge
from segsync.evaluate.models import Membership, Schedule
from segsync.leases import claim
from segsync.pull.models import Stream
from segsync.push.models import Attempt, Channel
from segsync.rules.models import Segment
from segsync.store.models import Customer, Order, Profile
from tests.line import Line

REPEAT = "orders_placed MATCHES (count >= 2)"


def who_ordered(line: Line, times: int) -> set[int]:
    """The store's own answer: customers with at least so many orders that count."""
    counted = [order.customer_id for order in line.store.orders.values() if not order.test and order.cancelled_at is None]
    return {number for number in line.store.customers if counted.count(number) >= times}


def addresses(line: Line, people: set[int]) -> set[str]:
    return {email.casefold() for number in people if (email := line.store.customers[number].email)}


def as_it_should_be(line: Line) -> None:
    """What the platforms hold is what the rules say of what the platforms hold."""
    for handle, times in (("buyers", 1), ("repeat", 2)):
        assert line.tagged(f"segsync:{handle}") == who_ordered(line, times)
        assert {email.casefold() for email in line.listed(f"SegSync: {handle.title()}")} == addresses(line, who_ordered(line, times))


@pytest.fixture
def settled(line: Line) -> Line:
    """Connected to both, two segments, everything told."""
    line.connect_portal("content")
    line.segment("orders_placed MATCHES (count >= 1)", "buyers")
    line.segment(REPEAT, "repeat")
    line.settle()
    return line


def test_everything_there_is_and_then_what_changes(settled: Line) -> None:
    as_it_should_be(settled)
    settled.customer(106, "fay@example.test")
    settled.order(2001, 106)
    settled.order(2002, 103)
    settled.cancel(1008)
    for topic, number in (("orders/create", 2001), ("orders/create", 2002), ("orders/cancelled", 1008), ("customers/create", 106)):
        settled.told(topic, f"{topic} {number}")
    settled.wait(1)
    settled.settle()
    as_it_should_be(settled)
    assert 106 in settled.tagged("segsync:buyers")
    assert 105 not in settled.tagged("segsync:buyers")
    causes = set(Membership.objects.filter(segment__handle="repeat", until__isnull=True).values_list("customer__profiles__external_id", "cause"))
    assert ("103", "order") in causes


def test_fault_19_changes_are_found_without_any_webhook(settled: Line) -> None:
    simulate_life(settled.server.world, settled.server, settled.store, seed=4, customers=3)
    settled.wait(61)
    settled.tick()
    settled.settle()
    as_it_should_be(settled)


def test_a_new_shop_begins_with_the_starter_segments(line: Line) -> None:
    line.settle()
    assert "repeat-buyers" in set(Segment.objects.filter(shop=line.shop).values_list("handle", flat=True))
    assert Target.objects.filter(shop=line.shop, ready_at__isnull=False).count() == Segment.objects.count()
    Segment.objects.filter(handle="repeat-buyers").update(handle="mine", name="Mine")
    line.wait(60)
    line.tick()
    assert not Segment.objects.filter(handle="repeat-buyers").exists()  # only once


def test_fault_8_losing_every_nudge_loses_nothing(line: Line) -> None:
    line.connect_portal()
    line.segment("orders_placed MATCHES (count >= 1)", "buyers")
    line.segment(REPEAT, "repeat")
    assert not app.conf.task_always_eager  # nobody takes the messages
    for _ in range(3):
        pipeline.tick()
    assert not Profile.objects.exists()
    line.settle()
    as_it_should_be(line)


def test_fault_9_ticking_twice_changes_nothing(settled: Line) -> None:
    state = [list(model._default_manager.order_by("pk").values()) for model in (LedgerEntry, Membership, Customer, Order, Attempt, Target)]
    asked = settled.calls()
    for _ in range(3):
        settled.tick()
    for channel in Channel.objects.all():
        pipeline.push_channel(channel_id=channel.pk)
    for stream in Stream.objects.all():
        pipeline.pull_stream(stream_id=stream.pk)
    pipeline.decide(shop_id=settled.shop.pk)
    assert settled.calls() == asked
    assert state == [list(model._default_manager.order_by("pk").values()) for model in (LedgerEntry, Membership, Customer, Order, Attempt, Target)]


def test_invariant_10_only_one_worker_decides_and_a_dead_ones_lease_ends(settled: Line) -> None:
    settled.order(2001, 104)
    settled.wait(61)
    settled.pull()
    schedule = Schedule.objects.get(shop=settled.shop)
    dead = claim(Schedule, schedule.pk, now=settled.now(), ttl=pipeline.TTL)
    assert dead is not None
    settled.decide()
    assert not Membership.objects.filter(customer__profiles__external_id="104", customer__profiles__source="shopify").exists()
    assert not pipeline.settled(settled.shop, settled.now())
    settled.wait(pipeline.TTL.total_seconds() + 1)
    settled.settle()
    assert 104 in settled.tagged("segsync:buyers")


def test_a_shop_that_moves_to_another_time_zone_while_its_midnight_is_judged_keeps_its_new_midnight(settled: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    settled.wait(86_400)
    real = judge.judge_whole

    def moved_meanwhile(*arguments: Any) -> Any:
        outcome = real(*arguments)
        shop = Shop.objects.get(pk=settled.shop.pk)
        shop.timezone = "Pacific/Auckland"
        shop.save()
        due.moved_house(shop, settled.now())
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(judge, "judge_whole", moved_meanwhile)
        settled.decide()
    moved = Shop.objects.get(pk=settled.shop.pk)
    assert Schedule.objects.get(shop=moved).due_at == due.next_midnight_turn(moved, settled.now())
    settled.decide()  # everybody is judged by the days there
    assert Schedule.objects.get(shop=moved).whole_wanted_at is None
    settled.wait(86_400)
    settled.decide()
    assert Schedule.objects.get(shop=moved).due_at == due.next_midnight_turn(moved, settled.now())


def test_a_shop_that_cannot_be_decided_is_not_tried_again_at_once(settled: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError

    settled.wait(61)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "make_targets", fail)
        with pytest.raises(KeyError):
            settled.decide()
    assert pipeline.shops_to_decide(settled.now()) == []
    settled.wait(pipeline.TTL.total_seconds() + 1)
    assert pipeline.shops_to_decide(settled.now()) == [settled.shop.pk]


def test_nobody_is_judged_on_half_a_back_fill(line: Line) -> None:
    line.segment()
    line.pull("metafields", "customers", "products", "checkouts")
    assert not pipeline.ready_to_decide(line.shop)
    line.decide()
    assert not Membership.objects.exists()
    line.pull("orders")
    assert pipeline.ready_to_decide(line.shop)


def test_a_short_outage_in_the_first_pull_is_waited_for(line: Line) -> None:
    line.pull("metafields", "customers", "products", "checkouts")
    line.fault("503", "StartBulkQuery", platform="shopify", times=8)
    for _ in range(16):
        line.tick()
        line.wait(8)
    assert line.stream("orders").failures >= 5
    assert not pipeline.ready_to_decide(line.shop)


def test_what_only_a_person_can_put_right_is_not_waited_for(line: Line) -> None:
    line.pull("metafields", "customers", "products", "checkouts")
    Stream.objects.filter(name="orders").update(refused_at=line.now())
    assert pipeline.ready_to_decide(line.shop)
    Stream.objects.filter(name="orders").update(refused_at=None, due_at=None)  # a scope that is no longer granted
    assert pipeline.ready_to_decide(line.shop)
    Stream.objects.filter(name="orders").update(due_at=line.now())
    assert not pipeline.ready_to_decide(line.shop)
    line.shopify.__class__.objects.filter(pk=line.shopify.pk).update(status="needs_reconnect")
    assert pipeline.ready_to_decide(line.shop)


def test_settled_says_what_is_left(settled: Line) -> None:
    shop, now = settled.shop, settled.now()
    assert pipeline.settled(shop, now)
    settled.told("orders/create", "one")
    assert not pipeline.settled(shop, now)
    settled.settle()
    Customer.objects.filter(pk=Customer.objects.first().pk).update(facts_version=1_000)  # type: ignore[union-attr]
    assert not pipeline.settled(shop, settled.now())
    settled.settle()
    Stream.objects.filter(name="orders").update(hinted_at=settled.now())
    assert not pipeline.settled(shop, settled.now())
    Stream.objects.filter(name="orders").update(hinted_at=None)
    entry = LedgerEntry.objects.filter(target__kind="tag").first()
    assert entry is not None
    LedgerEntry.objects.filter(pk=entry.pk).update(generation=100)
    assert not pipeline.settled(shop, settled.now())
    LedgerEntry.objects.filter(pk=entry.pk).update(parked_at=settled.now())
    assert pipeline.settled(shop, settled.now())
    LedgerEntry.objects.filter(pk=entry.pk).update(parked_at=None)
    Target.objects.filter(pk=entry.target_id).update(ready_at=None, reason="Somebody has to look at it.")
    assert pipeline.settled(shop, settled.now())


def test_connecting_twice_is_harmless_and_goes_on_where_it_was(settled: Line) -> None:
    before = {stream.name: stream.pulled_until for stream in Stream.objects.all()}
    settled.order(2001, 104)
    settled.connect_store()
    pipeline.connected(settled.shopify, clock.now())
    assert {stream.name: stream.pulled_until for stream in Stream.objects.all()} == before
    assert Channel.objects.count() == 2
    settled.settle()
    settled.wait(61)
    settled.tick()
    settled.settle()
    as_it_should_be(settled)


def test_a_portal_connected_later_gets_everybody(line: Line) -> None:
    line.segment("orders_placed MATCHES (count >= 1)", "buyers")
    line.segment(REPEAT, "repeat")
    line.settle()
    line.connect_portal()
    line.wait(61)
    line.settle()
    as_it_should_be(line)


def test_reinstalling_goes_on_where_it_stopped(settled: Line) -> None:
    settled.server.shopify.uninstall(settled.domain)
    settled.wait(1)
    settled.told("app/uninstalled", "bye")
    settled.tick()
    settled.wait(3_600)
    settled.order(2001, 104)
    settled.wait(1)
    settled.connect_store()
    settled.settle()
    settled.wait(61)
    settled.tick()
    settled.settle()
    as_it_should_be(settled)
    assert 104 in settled.tagged("segsync:buyers")


def test_fault_23_tokens_that_ended_meanwhile_are_renewed_on_the_way(settled: Line) -> None:
    settled.wait(4_000)
    settled.order(2001, 104)
    settled.wait(61)
    settled.tick()
    settled.settle()
    as_it_should_be(settled)


def test_invariant_11_nothing_crosses_shops(settled: Line, other: Line) -> None:
    ours = [list(model._default_manager.filter(shop=settled.shop).order_by("pk").values()) for model in (LedgerEntry, Membership, Customer, Order)]
    asked = settled.calls(account=settled.domain) + settled.calls(account=str(settled.hub_id))
    other.order(2001, 104)  # the same people, ids and addresses in a store of its own
    other.segment("orders_placed MATCHES (count >= 1)", "buyers")
    other.segment(REPEAT, "repeat")
    other.pull()
    other.decide()
    other.push("shopify")
    other.push("hubspot")
    as_it_should_be(other)
    as_it_should_be(settled)
    assert 104 in other.tagged("segsync:buyers") - settled.tagged("segsync:buyers")
    assert settled.calls(account=settled.domain) + settled.calls(account=str(settled.hub_id)) == asked
    assert ours == [list(model._default_manager.filter(shop=settled.shop).order_by("pk").values()) for model in (LedgerEntry, Membership, Customer, Order)]
    for entry in LedgerEntry.objects.select_related("profile__customer", "target", "connection"):
        assert {entry.profile.shop_id, entry.profile.customer.shop_id, entry.target.shop_id, entry.connection.shop_id} == {entry.shop_id}
    for stay in Membership.objects.select_related("segment", "customer"):
        assert {stay.segment.shop_id, stay.customer.shop_id} == {stay.shop_id}
