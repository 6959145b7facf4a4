"""A pause and the kill switch: within a second nothing more is sent, and nothing is lost, blamed or forgotten by it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from integrations import throttle, waiting
from integrations.errors import RateLimited, Stopped
from integrations.models import Connection, Shop
from integrations.shopify import push as shopify_push
from integrations.shopify import tag_calls
from segsync.diff.models import LedgerEntry, Target, WritebackSettings
from segsync.diff.targets import settings_of
from segsync.push import push as push_module
from segsync.push.models import Attempt, Channel
from tests.line import Line

Stop = Callable[[Line], object]

STOPS: dict[str, tuple[Stop, Stop]] = {
    "the channel is paused": (lambda _: Channel.objects.update(paused=True), lambda _: Channel.objects.update(paused=False)),
    "the kill switch is pressed": (
        lambda line: WritebackSettings.objects.update(stopped_at=line.now()),
        lambda _: WritebackSettings.objects.update(stopped_at=None),
    ),
    "the place is paused": (lambda _: Target.objects.update(state="paused"), lambda _: Target.objects.update(state="on")),
    "the connection is paused": (lambda _: Connection.objects.update(status="paused"), lambda _: Connection.objects.update(status="connected")),
    "the app is uninstalled": (lambda _: Shop.objects.update(status="uninstalled"), lambda _: Shop.objects.update(status="installed")),
}


def many(line: Line, number: int) -> None:
    """So many buyers more."""
    settings_of(line.shop)
    for one in range(1_000, 1_000 + number):
        line.customer(one)
        line.order(one, one)
    line.wait(61)
    line.look_again()


def during(line: Line, monkeypatch: pytest.MonkeyPatch, request: int, happens: Stop) -> None:
    """At the `request`-th batch of tag calls, before it is sent, something happens; the answers of the database are a while old by then."""
    batch = shopify_push.ShopifyClient.batch
    seen = [0]

    def watched(client: shopify_push.ShopifyClient, calls: object) -> object:
        seen[0] += 1
        if seen[0] == request:
            happens(line)
            time.sleep(0.3)
        return batch(client, calls)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(shopify_push.ShopifyClient, "batch", watched)


@pytest.mark.parametrize("why", STOPS)
def test_in_the_middle_of_a_batch_nothing_more_is_sent(tags: Line, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    many(tags, 30)
    stop, resume = STOPS[why]
    monkeypatch.setattr(tag_calls, "AT_ONCE", 10)
    with monkeypatch.context() as patch:
        during(tags, patch, 2, stop)
        tags.push()
    assert (len(tags.tagged()), tags.calls("Batch")) == (10, 1)
    left = LedgerEntry.objects.filter(acked_at__isnull=True)
    assert {(entry.outcome, entry.sent_at, entry.attempts) for entry in left} == {("retry", None, 0)}
    assert tags.push() == 0
    assert tags.calls("Batch") == 1
    resume(tags)
    tags.push()
    assert len(tags.tagged()) == 34
    assert tags.channel().failures == 0


def test_a_bulk_operation_that_runs_is_cancelled_and_what_it_did_is_found(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopify_push, "bulk_from", lambda *_: 2)
    tags.server.shopify.bulk.run_seconds = 30.0
    look = waiting.sleep

    def paused_meanwhile(seconds: float) -> None:
        Channel.objects.update(paused=True)
        look(seconds)

    with monkeypatch.context() as patch:
        patch.setattr(waiting, "sleep", paused_meanwhile)
        began = time.monotonic()
        tags.push()
    assert time.monotonic() - began < 5
    assert tags.calls("CancelBulk") == 1
    assert (tags.tagged(), tags.mark(101).outcome) == (set(), "unknown")
    tags.server.shopify.bulk.run_seconds = 0.0
    Channel.objects.update(paused=False)
    tags.wait(61)
    tags.push()
    assert len(tags.tagged()) == 4


def test_a_wait_for_the_rate_limit_ends_within_a_second_and_nothing_is_sent_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    until = time.monotonic() + 0.3
    began = time.monotonic()
    with waiting.while_wanted(lambda: time.monotonic() < until), pytest.raises(Stopped):
        throttle.pause(15)
    assert time.monotonic() - began < 1
    with pytest.raises(RateLimited):
        throttle.pause(21)


def test_t5_a_turn_ends_after_its_time_and_the_rest_is_told_in_the_next(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    many(tags, 30)
    monkeypatch.setattr(shopify_push.ShopifyDestination, "batch_size", 10)
    during(tags, monkeypatch, 2, lambda line: line.wait(push_module.SLICE.total_seconds()))
    assert tags.push() == 20
    assert (len(tags.tagged()), tags.channel().due_at is not None) == (20, True)
    tags.push()
    assert len(tags.tagged()) == 34
    assert Attempt.objects.count() == 4


def test_a_bulk_operation_longer_than_a_turn_is_seen_to_its_end(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopify_push, "bulk_from", lambda *_: 2)
    tags.server.shopify.bulk.run_seconds = 0.5
    look = waiting.sleep

    def long(seconds: float) -> None:
        tags.wait(push_module.SLICE.total_seconds() + 1)
        look(seconds)

    monkeypatch.setattr(waiting, "sleep", long)
    tags.push()
    assert (len(tags.tagged()), tags.calls("CancelBulk")) == (4, 0)
