"""Telling a store: tags are set where they are wanted, and nothing else is touched."""

from __future__ import annotations

import time

import pytest

from integrations.models import Connection
from integrations.shopify.push import ShopifyDestination
from segsync import pipeline
from segsync.diff.models import LedgerEntry, Target
from segsync.heartbeat import TTL
from segsync.push import push as push_module
from segsync.push.models import Attempt, Channel
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from tests.line import BUYERS, Line, killed

EVERY_BUYER = {101, 102, 103, 105}
NOBODY = "number_of_orders >= 99"
SETTLE = ShopifyDestination.settle.total_seconds() + 1
WRITES = ("Batch", "StartBulkMutation")


def rule(line: Line, text: str) -> None:
    """Edit the segment's rule and decide by it; nothing is told yet."""
    segment = Segment.objects.get(shop=line.shop, handle="buyers")
    change_rule(segment, text, author=None, reason="", now=line.now())
    pipeline.rule_changed(segment, line.now())
    line.wait(1)
    line.decide()


def untold(line: Line) -> int:
    return sum(entry.generation > entry.acked_generation for entry in LedgerEntry.objects.filter(shop=line.shop))


def test_members_are_tagged_and_those_who_leave_lose_the_tag(tags: Line) -> None:
    assert tags.push() == 4
    assert tags.tagged() == EVERY_BUYER
    assert [segment.query for segment in tags.store.segments.values()] == ["customer_tags CONTAINS 'segsync:buyers'"]
    rule(tags, NOBODY)
    tags.push()
    assert tags.tagged() == set()
    assert untold(tags) == 0


def test_fault_9_telling_twice_tells_once(tags: Line) -> None:
    tags.push()
    asked = tags.calls()
    assert tags.push() == 0
    assert tags.calls() == asked
    assert Attempt.objects.count() == 1


def test_invariant_7_a_tag_that_the_merchant_set_before_us_is_never_removed(tags: Line) -> None:
    tags.tag(101, "segsync:buyers", "vip")
    tags.push()
    assert (tags.mark(101).owned_since, tags.mark(101).outcome) == (None, "already")
    rule(tags, NOBODY)
    tags.push()
    assert tags.tagged() == {101}
    assert tags.store.customers[101].tags == ["segsync:buyers", "vip"]
    assert tags.mark(101).outcome == "foreign"
    assert untold(tags) == 0


def test_fault_30_a_tag_taken_away_by_the_merchant_is_put_back_only_when_wanted_anew(tags: Line) -> None:
    tags.push()
    tags.untag(101, "segsync:buyers")
    rule(tags, NOBODY)
    tags.push()
    rule(tags, BUYERS)
    tags.push()
    assert tags.tagged() == EVERY_BUYER


def test_invariant_7_also_for_many_people_at_once_whose_tags_are_not_all_asked_for(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_module, "ASK_UP_TO", 0)
    tags.tag(101, "SegSync:Buyers")  # Shopify takes no notice of case
    tags.wait(61)
    tags.look_again()
    tags.push()
    assert tags.mark(101).owned_since is None
    tags.wait(61)
    tags.look_again()  # our own tags have been pulled
    rule(tags, NOBODY)
    tags.push()
    rule(tags, BUYERS)  # and are wanted again before it is pulled that they are gone
    tags.push()
    assert tags.tagged() == EVERY_BUYER - {101}
    assert tags.store.customers[101].tags == ["SegSync:Buyers"]


def test_fault_21_one_bad_item_of_a_batch_parks_alone(tags: Line) -> None:
    tags.store.customers[102].tags = sorted(f"tag-{number:03}" for number in range(250))
    tags.push()
    assert tags.tagged() == EVERY_BUYER - {102}
    bad = tags.mark(102)
    assert bad.parked_at is not None
    assert bad.outcome == LedgerEntry.Outcome.REJECTED
    assert "250" in bad.detail
    tags.wait(3_600)
    asked = tags.calls(*WRITES)
    tags.push()
    assert tags.calls(*WRITES) == asked
    tags.store.customers[102].tags = []
    LedgerEntry.objects.filter(pk=bad.pk).update(parked_at=None)  # a person has looked at it
    tags.push()
    assert tags.tagged() == EVERY_BUYER


def test_a_parked_mark_that_is_wanted_otherwise_by_now_is_told_that(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    tags.store.customers[102].tags = sorted(f"tag-{number:03}" for number in range(250))
    write = ShopifyDestination.write

    def flipped_meanwhile(*args: object) -> object:
        found = write(*args)  # type: ignore[arg-type]
        rule(tags, NOBODY)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(ShopifyDestination, "write", flipped_meanwhile)
        tags.push()
    assert tags.mark(102).parked_at is None
    tags.push()
    assert (tags.tagged(), untold(tags)) == (set(), 0)


def test_fault_26_somebody_deleted_is_closed_as_gone(tags: Line) -> None:
    del tags.store.customers[103]
    tags.push()
    assert tags.tagged() == EVERY_BUYER - {103}
    assert (tags.mark(103).outcome, untold(tags)) == ("gone", 0)
    rule(tags, NOBODY)
    rule(tags, BUYERS)
    assert tags.mark(103).generation == tags.mark(103).acked_generation  # nothing is told about who is not there


@pytest.mark.parametrize(("kind", "carried_out"), [("500", False), ("reset", False), ("apply_then_500", True), ("apply_then_reset", True), ("cut_body", True)])
def test_invariant_8_an_unknown_outcome_is_not_a_success_and_is_read_back(tags: Line, kind: str, carried_out: bool) -> None:
    tags.fault(kind, "Batch", platform="shopify")
    tags.push()
    assert tags.tagged() == (EVERY_BUYER if carried_out else set())
    assert (untold(tags), tags.mark(101).outcome, tags.mark(101).acked_at) == (4, "unknown", None)
    asked = tags.calls("Batch")
    tags.wait(10)
    tags.push()
    assert tags.calls("Batch") == asked  # not before it can no longer be on its way
    tags.wait(SETTLE)
    tags.push()
    assert (tags.tagged(), untold(tags)) == (EVERY_BUYER, 0)
    assert tags.calls("Batch") == asked + (not carried_out)
    rule(tags, NOBODY)
    tags.push()
    assert tags.tagged() == set()  # they were ours all along


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_invariant_10_killed_between_call_and_answer(tags: Line, monkeypatch: pytest.MonkeyPatch, after: bool, flipped: bool) -> None:
    with killed(ShopifyDestination, "write", after=after, monkeypatch=monkeypatch):
        tags.push()
    assert tags.tagged() == (EVERY_BUYER if after else set())
    if flipped:
        rule(tags, NOBODY)
    assert tags.push() == 0  # the dead one's lease
    tags.wait(max(SETTLE, TTL.total_seconds()))
    tags.push()
    assert tags.tagged() == (set() if flipped else EVERY_BUYER)
    assert untold(tags) == 0
    if not flipped:
        rule(tags, NOBODY)
        tags.push()
        assert tags.tagged() == set()


def test_invariant_10_killed_while_a_mark_was_taken_away(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    tags.push()
    rule(tags, NOBODY)
    with killed(ShopifyDestination, "write", after=False, monkeypatch=monkeypatch):
        tags.push()
    tags.wait(SETTLE)
    tags.push()
    assert (tags.tagged(), untold(tags)) == (set(), 0)


def test_fault_5_a_call_that_lands_after_we_gave_it_up_is_found_and_repaired(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.http.TIMEOUT", (0.3, 0.3))
    tags.fault("hang", "Batch", platform="shopify", seconds=0.5)
    tags.push()
    rule(tags, NOBODY)
    time.sleep(0.4)
    assert tags.tagged() == EVERY_BUYER  # it landed when nobody wanted it any more
    tags.wait(SETTLE)
    tags.push()
    assert (tags.tagged(), untold(tags)) == (set(), 0)


def test_our_own_tag_is_not_forgotten_when_taking_it_away_is_throttled(tags: Line) -> None:
    tags.fault("apply_then_500", "Batch", platform="shopify")
    tags.push()
    rule(tags, NOBODY)
    tags.wait(SETTLE)
    tags.fault("429", "Batch", platform="shopify", retry_after=30)
    tags.push()
    tags.wait(31)
    tags.push()
    assert (tags.tagged(), untold(tags)) == (set(), 0)


def test_a_tag_is_not_claimed_when_the_call_was_surely_not_carried_out(tags: Line) -> None:
    tags.fault("429", "Batch", platform="shopify", retry_after=30)
    tags.push()
    assert tags.mark(101).owned_since is None
    tags.tag(101, "segsync:buyers")  # meanwhile by hand
    tags.wait(31)
    tags.push()
    rule(tags, NOBODY)
    tags.push()
    assert tags.tagged() == {101}


def test_fault_22_nothing_is_told_before_the_wait_is_over_and_nothing_is_lost(tags: Line) -> None:
    tags.fault("429", "Batch", platform="shopify", retry_after=30)
    tags.push()
    asked = tags.calls()
    tags.wait(25)
    assert tags.push() == 0
    tags.tick()
    assert tags.calls() == asked
    tags.wait(6)
    tags.push()
    assert (tags.tagged(), untold(tags)) == (EVERY_BUYER, 0)


def test_fault_25_a_scope_taken_away_waits_an_hour_is_shown_on_the_channel_and_goes_on_by_itself(tags: Line) -> None:
    tags.allow("write_customers", given=False)
    asked = tags.calls(*WRITES)
    for _ in range(30):
        tags.push()
        tags.wait(60)  # half an hour
    assert "write_customers" in tags.mark(101).detail
    assert "write_customers" in tags.channel().problem
    assert tags.calls(*WRITES) - asked == 1
    tags.allow("write_customers", given=True)
    tags.wait(1_801)
    tags.push()
    assert (tags.tagged(), untold(tags)) == (EVERY_BUYER, 0)


def test_fault_39_in_out_and_in_again_tells_once(tags: Line) -> None:
    rule(tags, NOBODY)
    rule(tags, BUYERS)
    tags.push()
    asked = tags.calls(*WRITES)
    assert asked == 1
    assert tags.tagged() == EVERY_BUYER
    rule(tags, NOBODY)
    rule(tags, BUYERS)
    tags.push()
    assert tags.calls(*WRITES) == asked  # they are as they should be
    assert untold(tags) == 0


def test_fault_41_what_was_not_told_yet_is_cancelled_without_a_call(tags: Line) -> None:
    rule(tags, NOBODY)
    tags.push()
    assert (tags.calls(*WRITES), untold(tags)) == (0, 0)


def test_fault_40_a_tag_of_two_segments_stays_while_either_holds(tags: Line) -> None:
    loyal = tags.segment("number_of_orders >= 2", "loyal")
    loyal.targets.clear()
    Target.objects.get(name="segsync:buyers").segments.add(loyal)
    tags.decide()
    tags.push()
    rule(tags, NOBODY)
    tags.push()
    assert tags.tagged() == {101}


def test_nothing_is_told_while_paused_and_all_of_it_afterwards(tags: Line) -> None:
    Channel.objects.update(paused=True)
    assert tags.push() == 0
    Channel.objects.update(paused=False)
    Target.objects.update(state=Target.State.PAUSED)
    tags.push()
    assert tags.tagged() == set()
    Target.objects.update(state=Target.State.ON)
    tags.push()
    assert tags.tagged() == EVERY_BUYER


def test_a_segment_that_shopify_does_not_make_holds_up_no_tag(tags: Line) -> None:
    tags.fault("500", "CreateSegment", platform="shopify")
    tags.push()
    assert tags.tagged() == EVERY_BUYER
    assert tags.store.segments == {}
    target = Target.objects.get()
    assert target.reason != ""
    tags.wait(3_601)
    tags.push()
    target.refresh_from_db()
    assert len(tags.store.segments) == 1
    assert (target.reason, target.due_at) == ("", None)


def test_a_segment_deleted_by_the_merchant_is_not_made_again(tags: Line) -> None:
    tags.push()
    tags.store.segments.clear()
    Target.objects.update(due_at=tags.now())
    rule(tags, NOBODY)
    tags.push()
    assert (tags.store.segments, tags.tagged()) == ({}, set())
    assert "does not exist" in Target.objects.get().reason


def test_a_connection_made_anew_in_the_middle_ends_the_older_ones_work(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def reconnected(*_: object) -> list[LedgerEntry]:
        Connection.objects.update(generation=2)
        return []

    with monkeypatch.context() as patch:
        patch.setattr(push_module, "_settle_without_call", reconnected)
        assert tags.push() == 4  # one batch was looked at, and no further one
    assert tags.push() == 4
    assert tags.tagged() == EVERY_BUYER


def test_a_defect_of_our_own_is_shown_and_what_was_sent_is_read_back(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[object]:
        raise KeyError("someone@example.com")

    with monkeypatch.context() as patch:
        patch.setattr(ShopifyDestination, "write", fail)
        with pytest.raises(KeyError):
            tags.push()
    assert tags.channel().problem == "SegSync itself failed on it (KeyError); its log says why."
    tags.wait(SETTLE)
    tags.push()
    assert (tags.tagged(), untold(tags), tags.channel().problem) == (EVERY_BUYER, 0, "")
