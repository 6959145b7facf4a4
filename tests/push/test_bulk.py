"""Bulk operations outlive the process that started them: they are waited for, read back, and never begun twice or overtaken."""

from __future__ import annotations

import time

import pytest

from integrations.shopify import push as shopify_push
from integrations.shopify import tag_jobs
from segsync import pipeline
from segsync.diff.models import LedgerEntry
from segsync.push.models import Attempt
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from tests.line import Line, killed

EVERY_BUYER = {101, 102, 103, 105}
NOBODY = "number_of_orders >= 99"
ENDED = ("COMPLETED", "CANCELED", "FAILED")


@pytest.fixture
def bulky(tags: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """Every change goes in bulk, and an operation takes until it is let go."""
    monkeypatch.setattr(shopify_push, "bulk_from", lambda *_: 1)
    tags.server.shopify.bulk.run_seconds = 30.0
    return tags


def rule(line: Line, text: str) -> None:
    segment = Segment.objects.get(shop=line.shop, handle="buyers")
    change_rule(segment, text, author=None, reason="", now=line.now())
    pipeline.rule_changed(segment, line.now())
    line.wait(1)
    line.decide()


def statuses(line: Line) -> list[str]:
    shop = line.server.shopify.shop(line.domain)
    assert shop is not None
    return [operation.status for operation in shop.operations.values() if operation.type == "MUTATION"]


def finish(line: Line) -> None:
    """What runs in Shopify runs to its end; whatever begins from now on takes no time."""
    desk = line.server.shopify.bulk
    desk.run_seconds = 0.0
    shop = line.server.shopify.shop(line.domain)
    assert shop is not None
    for operation in shop.operations.values():
        operation.hurry.set()
    until = time.monotonic() + 5
    while any(status not in ENDED for status in statuses(line)):
        assert time.monotonic() < until, "the operation does not end"
        time.sleep(0.01)


def untold(line: Line) -> int:
    return sum(entry.generation > entry.acked_generation for entry in LedgerEntry.objects.filter(shop=line.shop))


def test_fault_4_a_bulk_operation_left_running_by_a_dead_process_is_waited_for_and_not_begun_again(bulky: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed(tag_jobs, "_watch", after=False, monkeypatch=monkeypatch):
        bulky.push()
    bulky.wait(61)
    bulky.push()
    assert (bulky.tagged(), untold(bulky), statuses(bulky)) == (set(), 4, ["RUNNING"])
    assert bulky.push() == 0  # nor is Shopify asked all the time
    finish(bulky)
    bulky.wait(11)
    bulky.push()
    assert (bulky.tagged(), untold(bulky)) == (EVERY_BUYER, 0)
    assert bulky.calls("StartBulkMutation", "Batch") == 1
    assert set(LedgerEntry.objects.values_list("outcome", "detail")) == {("done", "Read back.")}


def test_fault_5_what_is_wanted_otherwise_by_now_is_told_once_the_operation_has_ended(bulky: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed(tag_jobs, "_watch", after=False, monkeypatch=monkeypatch):
        bulky.push()
    rule(bulky, NOBODY)
    bulky.wait(61)
    bulky.push()
    finish(bulky)  # the tags land only now
    assert bulky.tagged() == EVERY_BUYER
    bulky.wait(11)
    bulky.push()
    assert (bulky.tagged(), untold(bulky)) == (set(), 0)


def test_fault_4_an_operation_whose_start_got_no_answer_is_found_too(bulky: Line) -> None:
    bulky.fault("apply_then_reset", "StartBulkMutation", platform="shopify")
    bulky.push()
    bulky.wait(61)
    bulky.push()
    assert (bulky.tagged(), untold(bulky)) == (set(), 4)
    finish(bulky)
    bulky.wait(11)
    bulky.push()
    assert (bulky.tagged(), untold(bulky)) == (EVERY_BUYER, 0)
    assert bulky.calls("StartBulkMutation", "Batch") == 1


def test_fault_32_an_operation_that_is_overdue_is_cancelled_and_what_it_did_not_do_is_done(bulky: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed(tag_jobs, "_watch", after=False, monkeypatch=monkeypatch):
        bulky.push()
    bulky.wait(tag_jobs.OVERDUE.total_seconds() + 1)
    bulky.push()
    until = time.monotonic() + 5
    while statuses(bulky) != ["CANCELED"]:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert bulky.tagged() == set()
    bulky.server.shopify.bulk.run_seconds = 0.0
    bulky.wait(11)
    bulky.push()
    assert (bulky.tagged(), untold(bulky), statuses(bulky)) == (EVERY_BUYER, 0, ["CANCELED", "COMPLETED"])


@pytest.mark.parametrize("kind", ["bulk_failed", "bulk_canceled", "bulk_cut"])
def test_fault_32_an_operation_that_ends_badly_loses_nothing_and_repeats_nothing_that_was_done(bulky: Line, kind: str) -> None:
    bulky.server.shopify.bulk.run_seconds = 0.0
    bulky.fault(kind, "bulk", platform="shopify")
    bulky.push()
    assert 0 < untold(bulky) <= 4
    bulky.wait(61)
    bulky.push()
    assert (bulky.tagged(), untold(bulky)) == (EVERY_BUYER, 0)
    shop = bulky.server.shopify.shop(bulky.domain)
    assert shop is not None
    assert sorted(call.customer_id for call in shop.tag_calls) == sorted(EVERY_BUYER)  # each once


@pytest.mark.parametrize("way", ["in bulk", "directly"])
def test_fault_25_a_scope_taken_away_is_told_on_the_channel_once_and_parks_nobody(tags: Line, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "in bulk":
        monkeypatch.setattr(shopify_push, "bulk_from", lambda *_: 1)
    tags.push()
    rule(tags, NOBODY)
    tags.allow("write_customers", given=False)
    for _ in range(3):
        tags.push()
        tags.wait(60)
    assert "write_customers" in tags.channel().problem
    assert Attempt.objects.filter(removes=4).count() == 1
    assert list(LedgerEntry.objects.values_list("attempts", "parked_at").distinct()) == [(0, None)]
    tags.allow("write_customers", given=True)
    tags.wait(3_600)
    tags.push()
    assert (tags.tagged(), untold(tags), tags.channel().problem) == (set(), 0, "")
