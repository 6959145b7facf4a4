"""Dry run and stop: everything is worked out and nothing is told before a person says so."""

from __future__ import annotations

from segsync import pipeline
from segsync.console.operations import turn_on
from segsync.diff.models import LedgerEntry, Target
from segsync.push.foresight import adding, names, to_leave, to_turn_on
from tests.diff.crowds import limits
from tests.line import Line

BUYERS = {101, 102, 103, 105}


def small(line: Line, limit: int) -> Line:
    """The store's four buyers are judged under this limit; nothing is told yet."""
    limits(line, dry_run_above=limit)
    line.pull()
    line.segment()
    line.decide()
    return line


def target(line: Line, kind: str = "tag") -> Target:
    return Target.objects.get(shop=line.shop, kind=kind)


def test_a_first_write_to_more_people_than_allowed_begins_as_a_dry_run(line: Line) -> None:
    small(line, 3)
    asked = line.calls()
    line.push()
    line.tick()
    assert (target(line).state, target(line).synced_at, target(line).ready_at) == (Target.State.DRY_RUN, None, None)
    assert target(line).reason.startswith("The first write would touch 4 people, more than the 3 that the shop's settings allow unseen:")
    assert (line.tagged(), line.store.segments, line.calls("Batch")) == (set(), {}, 0)
    assert line.calls() >= asked
    assert LedgerEntry.objects.filter(wanted=True).count() == 4  # worked out all the same
    assert pipeline.settled(line.shop, line.now())


def test_not_even_the_list_is_made_in_a_dry_run(both: Line) -> None:
    limits(both, dry_run_above=3)
    both.segment()
    both.decide()
    both.push("hubspot")
    assert target(both, "list").state == Target.State.DRY_RUN
    assert (both.portal.lists, both.portal.contacts) == ({}, {})


def test_a_first_write_to_as_many_as_allowed_begins_at_once(line: Line) -> None:
    small(line, 4).push()
    assert line.tagged() == BUYERS
    assert target(line).synced_at is not None


def test_0_means_no_limit(line: Line) -> None:
    small(line, 0).push()
    assert line.tagged() == BUYERS


def test_what_would_be_sent_is_told_before_it_is(line: Line) -> None:
    small(line, 3)
    seen = to_turn_on(target(line))
    assert (seen.adds, seen.removes, seen.creates) == (4, 0, 0)
    assert seen.cost.calls >= 1
    assert seen.cost.seconds > 0
    assert {name for _, name in names(adding(target(line)))} == {"ann@example.test", "bob@example.test", "cat@example.test", "eve@example.test"}
    assert to_leave(target(line)).removes == 0


def test_whom_others_have_marked_already_is_not_counted_as_told(line: Line) -> None:
    small(line, 3)
    LedgerEntry.objects.filter(profile__external_id="101").update(present=True, outcome="foreign")
    seen = to_turn_on(target(line))
    assert (seen.adds, seen.left_alone) == (3, 1)


def test_turned_on_it_is_told_and_does_not_fall_back(line: Line) -> None:
    small(line, 3)
    assert turn_on(Target.objects.filter(pk=target(line).pk), line.now()) == 1
    line.decide()
    line.push()
    assert (line.tagged(), target(line).state, target(line).reason) == (BUYERS, Target.State.ON, "")
    line.order(3001, 104)
    line.wait(61)
    line.look_again()
    line.push()
    assert line.tagged() == BUYERS | {104}


def test_a_place_that_has_been_written_to_needs_no_dry_run_when_it_grows(line: Line) -> None:
    small(line, 4).push()
    limits(line, dry_run_above=1)
    line.order(3001, 104)
    line.wait(61)
    line.look_again()
    line.push()
    assert line.tagged() == BUYERS | {104}


def test_a_place_written_to_before_first_writes_were_kept_goes_on(line: Line) -> None:
    small(line, 0).push()
    Target.objects.update(synced_at=None)
    limits(line, dry_run_above=1)
    line.order(3001, 104)
    line.wait(61)
    line.look_again()
    line.push()
    assert line.tagged() == BUYERS | {104}
    assert target(line).synced_at is not None


def test_a_shop_that_is_stopped_is_told_nothing_and_goes_on_where_it_was(line: Line) -> None:
    small(line, 0)
    limits(line, stopped_at=line.now())
    assert pipeline.channels_to_push(line.now()) == []
    line.push()
    assert (line.tagged(), line.store.segments) == (set(), {})
    assert pipeline.settled(line.shop, line.now())
    limits(line, stopped_at=None)
    assert pipeline.channels_to_push(line.now()) == [line.channel().pk]
    line.push()
    assert line.tagged() == BUYERS


def test_stopping_one_shop_stops_no_other(line: Line, other: Line) -> None:
    for one in (line, other):
        small(one, 0)
    limits(line, stopped_at=line.now())
    assert set(pipeline.channels_to_push(line.now())) == {other.channel("shopify").pk, other.channel("hubspot").pk}


def test_a_target_without_a_view_makes_none_and_takes_away_ours(line: Line) -> None:
    small(line, 0).push()
    assert len(line.store.segments) == 1
    Target.objects.update(keeps_view=False, due_at=line.now())
    line.push()
    assert (line.store.segments, target(line).view_id, line.tagged()) == ({}, "", BUYERS)
    Target.objects.update(keeps_view=True, due_at=line.now())
    line.push()
    assert len(line.store.segments) == 1
