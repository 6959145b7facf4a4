"""Leaving a place: exactly what we own is taken away, that is read back, and whoever else wrote there keeps what they wrote."""

from __future__ import annotations

import pytest

from integrations.sandbox.by_hand import change_list_members
from integrations.sandbox.hubspot.contacts import create_contact
from integrations.sandbox.hubspot.lists import delete_list, find_by_name
from integrations.shopify.push import ShopifyDestination
from segsync import pipeline
from segsync.diff.leave import come_back, leave, leave_all
from segsync.diff.models import LedgerEntry, Target
from segsync.diff.targets import make_targets
from segsync.evaluate.models import Membership
from segsync.store.models import Profile
from tests.diff.crowds import limits, switch
from tests.line import Line, killed

BUYERS = {101, 102, 103, 105}
SETTLE = ShopifyDestination.settle.total_seconds() + 1
READS = ("CustomerTags",)


def place(line: Line, kind: str = "tag", name: str = "segsync:buyers") -> Target:
    return Target.objects.get(shop=line.shop, kind=kind, name=name)


def left(line: Line, vendor: str = "shopify") -> Target:
    """Push until the place has been read back."""
    line.push(vendor)
    line.wait(SETTLE)
    line.push(vendor)
    return Target.objects.get(shop=line.shop, connection__vendor=vendor)


def test_what_we_own_is_taken_away_and_read_back_and_the_native_segment_goes(tags: Line) -> None:
    tags.push()
    assert leave(place(tags), tags.now())
    tags.push()
    assert tags.tagged() == set()
    assert place(tags).state == Target.State.LEAVING  # nothing counts before it is read back
    assert len(tags.store.segments) == 1
    tags.wait(SETTLE)
    asked = tags.calls(*READS)
    tags.push()
    assert tags.calls(*READS) == asked + 1
    found = place(tags)
    assert found.state == Target.State.LEFT
    assert found.reason.startswith("Left ")
    assert found.reason.endswith(": 4 marks taken away, read back: none of ours remains.")
    assert (found.view_id, found.synced_at, found.ready_at, tags.store.segments) == ("", None, None, {})
    assert not LedgerEntry.objects.filter(owned_since__isnull=False).exists()
    assert pipeline.settled(tags.shop, tags.now())


def test_marks_of_others_stay_and_are_counted(tags: Line) -> None:
    tags.tag(101, "segsync:buyers", "vip")
    tags.push()
    leave(place(tags), tags.now())
    found = left(tags)
    assert tags.tagged() == {101}
    assert tags.store.customers[101].tags == ["segsync:buyers", "vip"]
    assert "3 marks taken away, read back: none of ours remains. 1 mark that others had set stays." in found.reason


def test_a_mark_that_is_there_again_when_read_back_is_taken_away_again(tags: Line) -> None:
    """As when a request that hung is carried out late."""
    tags.push()
    leave(place(tags), tags.now())
    tags.push()
    tags.tag(102, "segsync:buyers")
    tags.wait(SETTLE)
    tags.push()
    assert (tags.tagged(), place(tags).state) == (set(), Target.State.LEAVING)
    tags.wait(SETTLE)
    tags.push()
    assert "4 marks taken away" in place(tags).reason


def test_a_process_that_dies_while_leaving_leaves_nothing_behind(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    tags.push()
    leave(place(tags), tags.now())
    with killed(ShopifyDestination, "write", after=True, monkeypatch=monkeypatch):
        tags.push()
    for _ in range(6):
        tags.wait(SETTLE * 3)
        tags.tick()
    assert (tags.tagged(), place(tags).state) == (set(), Target.State.LEFT)
    assert "4 marks taken away" in place(tags).reason


def test_a_place_that_is_left_while_people_are_yet_to_be_told_cancels_them(tags: Line) -> None:
    leave(place(tags), tags.now())
    tags.push()
    assert tags.tagged() == set()
    assert tags.calls("Batch", "StartBulkMutation") == 0


def test_a_place_that_was_left_is_not_made_again_and_not_written_to(tags: Line) -> None:
    tags.push()
    leave(place(tags), tags.now())
    left(tags)
    tags.order(3001, 104)
    tags.wait(61)
    tags.look_again()
    assert make_targets(tags.shop) == 0
    tags.push()
    assert tags.tagged() == set()
    assert Target.objects.count() == 1


def test_coming_back_writes_everything_anew(tags: Line) -> None:
    tags.push()
    leave(place(tags), tags.now())
    left(tags)
    assert come_back(place(tags))
    tags.decide()
    tags.push()
    assert tags.tagged() == BUYERS
    assert (place(tags).state, len(tags.store.segments)) == (Target.State.ON, 1)
    assert place(tags).reason == ""


def test_coming_back_to_a_place_that_many_people_would_be_told_begins_as_a_dry_run(tags: Line) -> None:
    tags.push()
    leave(place(tags), tags.now())
    left(tags)
    limits(tags, dry_run_above=3)
    come_back(place(tags))
    tags.decide()
    tags.push()
    assert (place(tags).state, tags.tagged()) == (Target.State.DRY_RUN, set())


def test_the_guard_does_not_hold_what_a_person_has_asked_for(tags: Line) -> None:
    tags.push()
    limits(tags, guard_people=1)
    leave(place(tags), tags.now())
    tags.decide()
    assert (left(tags).state, tags.tagged()) == (Target.State.LEFT, set())


def test_a_list_keeps_whom_others_put_there_and_stays_itself(lists: Line) -> None:
    lists.push("hubspot")
    stranger = create_contact(lists.portal, {"email": "guest@example.test"}, lists.now())
    found = find_by_name(lists.portal, "SegSync: Buyers")
    assert found is not None
    change_list_members(lists.server.world, lists.portal, found.id, [stranger.id], [])
    leave(place(lists, "list", "SegSync: Buyers"), lists.now())
    lists.push("hubspot")
    lists.wait(SETTLE)
    lists.push("hubspot")
    assert lists.listed() == {"guest@example.test"}
    reason = place(lists, "list", "SegSync: Buyers").reason
    assert "4 marks taken away, read back: none of ours remains. The list itself stays: e-mails and workflows may use it." in reason
    come_back(place(lists, "list", "SegSync: Buyers"))
    lists.decide()
    lists.push("hubspot")
    assert len(lists.listed()) == 5


def test_a_list_that_was_deleted_meanwhile_has_been_left(lists: Line) -> None:
    lists.push("hubspot")
    found = find_by_name(lists.portal, "SegSync: Buyers")
    assert found is not None
    leave(place(lists, "list", "SegSync: Buyers"), lists.now())
    delete_list(lists.portal, found, lists.now())
    for _ in range(3):
        lists.push("hubspot")
        lists.wait(SETTLE)
    there = place(lists, "list", "SegSync: Buyers")
    assert there.state == Target.State.LEFT
    assert ", with all that was in it." in there.reason
    assert not LedgerEntry.objects.filter(target=there, owned_since__isnull=False).exists()


def test_a_mark_that_cannot_be_taken_away_is_told_and_the_place_is_not_left(tags: Line) -> None:
    tags.push()
    leave(place(tags), tags.now())
    LedgerEntry.objects.filter(profile__external_id="101").update(parked_at=tags.now(), outcome="rejected", detail="The customer is locked.")
    left(tags)
    found = place(tags)
    assert found.state == Target.State.LEAVING
    assert found.reason == "1 mark could not be taken away: try the parked ones again. The customer is locked."
    assert pipeline.settled(tags.shop, tags.now())  # it waits for a person
    LedgerEntry.objects.filter(parked_at__isnull=False).update(parked_at=None, next_attempt_at=tags.now())
    assert left(tags).state == Target.State.LEFT


def test_everything_of_a_shop_is_left_and_nothing_of_another(tags: Line, other: Line) -> None:
    other.pull()
    other.segment()
    other.decide()
    other.push()
    tags.push()
    assert leave_all(tags.shop, tags.now()) == 1
    left(tags)
    assert (tags.tagged(), other.tagged()) == (set(), BUYERS)
    assert leave_all(tags.shop, tags.now()) == 0


def test_fault_41_a_paused_segments_pending_marks_are_cancelled_and_its_own_are_removed_once(tags: Line) -> None:
    tags.push()
    tags.order(3001, 104)
    tags.wait(61)
    tags.look_again()  # 104 is to be tagged, and has not been
    switch(tags, "buyers", "paused")
    tags.push()
    assert tags.tagged() == set()
    assert tags.mark(104).generation == tags.mark(104).acked_generation
    assert (tags.mark(104).present, tags.mark(104).owned_since) == (False, None)
    asked = tags.calls("Batch", "StartBulkMutation")
    tags.wait(3_600)
    tags.decide()
    tags.push()
    assert tags.calls("Batch", "StartBulkMutation") == asked
    switch(tags, "buyers", "on")
    tags.push()
    assert tags.tagged() == BUYERS | {104}


def test_fault_40_a_tag_of_two_segments_stays_while_either_matches(tags: Line) -> None:
    tags.push()
    twice = tags.segment("number_of_orders >= 2", "repeat-buyers")
    own = Target.objects.get(name="segsync:repeat-buyers")
    own.segments.clear()
    place(tags).segments.add(twice)  # both are written as the one tag
    tags.decide()
    switch(tags, "buyers", "paused")
    tags.push()
    assert tags.tagged() == tags_of(tags, "repeat-buyers")
    assert tags.tagged() < BUYERS
    switch(tags, "repeat-buyers", "paused")
    tags.push()
    assert tags.tagged() == set()


def tags_of(line: Line, handle: str) -> set[int]:
    """The store's numbers of a segment's members."""
    stays = Membership.objects.filter(shop=line.shop, segment__handle=handle, until__isnull=True)
    found = {int(id_) for id_ in Profile.objects.filter(source="shopify", customer__memberships__in=stays).values_list("external_id", flat=True)}
    assert found
    return found
