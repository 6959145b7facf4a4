"""The guard: what would take a mark from many people at once waits for a person, whatever it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from integrations.models import Connection, Shop
from segsync import pipeline
from segsync.diff import guard, holds
from segsync.diff.models import Hold, LedgerEntry, Target, WritebackSettings
from segsync.diff.route import route
from segsync.diff.sources import lost_sources
from segsync.diff.targets import make_targets, settings_of
from segsync.pull import run
from segsync.pull.models import Stream
from segsync.push.ledger import due_entries
from segsync.rules.edit import create_segment
from tests.diff.crowds import NOBODY, TINY, buy_again, cancel, crowd, limits, open_hold, rule, switch, tag
from tests.evaluate.test_judge import at, incremental, whole
from tests.factories import NOON, customer, tell
from tests.line import BUYERS, Line

DAY = 86_400


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("jo", password="a-long-password")


def held(line: Line) -> bool:
    return tag(line).held_at is not None


def test_invariant_9_a_change_that_would_remove_more_than_the_guard_allows_waits_for_a_person(line: Line) -> None:
    everybody = TINY | set(crowd(line, 36))
    rule(line, NOBODY)
    line.push()
    assert line.tagged() == everybody
    hold = open_hold(line)
    assert hold is not None
    assert (hold.removals, hold.holders) == (40, 40)
    assert "40 of 40 people would lose the mark: more than 20 % and more than 5 people." in hold.why
    assert "a rule edit" in hold.why
    assert pipeline.channels_to_push(line.now(), line.shop.pk) == []
    assert pipeline.settled(line.shop, line.now())


def test_as_many_as_the_limit_allows_are_taken_away_at_once(line: Line) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:8])
    line.push()
    assert not held(line)
    assert line.tagged() == TINY | set(numbers[8:])


def test_one_more_than_the_limit_allows_waits(line: Line) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:9])
    line.push()
    assert held(line)
    assert line.tagged() == TINY | set(numbers)


def test_few_people_may_leave_a_small_segment_whatever_their_share(line: Line) -> None:
    crowd(line, 0)
    rule(line, NOBODY)
    line.push()
    assert (held(line), line.tagged()) == (False, set())


def test_a_loss_that_comes_page_by_page_is_counted_as_one(line: Line) -> None:
    numbers = crowd(line, 36)
    for start in range(0, 20, 4):  # no pass takes more than four
        cancel(line, numbers[start : start + 4])
        line.push()
    assert held(line)
    assert line.tagged() == TINY | set(numbers[8:])  # the two passes within the limit
    hold = open_hold(line)
    assert hold is not None
    assert (hold.removals, hold.holders) == (20, 40)


def test_slow_changes_are_not_added_up_for_ever(line: Line) -> None:
    numbers = crowd(line, 36)
    for start in range(0, 12, 4):
        cancel(line, numbers[start : start + 4])
        line.push()
        line.wait(3_600)
    assert (held(line), line.tagged()) == (False, TINY | set(numbers[12:]))


def test_people_who_enter_are_told_while_others_are_held(line: Line) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:20])
    buy_again(line, [104], 1)
    line.push()
    assert line.tagged() == TINY | {104} | set(numbers)


def test_a_hold_lapses_when_people_come_back(line: Line) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:20])
    buy_again(line, numbers[:18], 1)
    line.push()
    assert (held(line), open_hold(line)) == (False, None)
    assert Hold.objects.get().decision == Hold.Decision.LAPSED
    assert line.tagged() == TINY | set(numbers) - set(numbers[18:20])


def test_a_hold_does_not_lapse_because_time_passes(line: Line) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:8])
    line.push()
    cancel(line, numbers[8:10])  # two more than the limit, within the hour
    line.wait(7_200)
    buy_again(line, [104], 1)
    line.push()
    assert held(line)
    assert line.tagged() == TINY | {104} | set(numbers[8:])


def test_removing_them_tells_what_was_held_and_does_not_ask_about_it_again(line: Line, person: User) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:20])
    hold = open_hold(line)
    assert hold is not None
    holds.remove_them(hold, person, line.now(), seen=20)
    buy_again(line, [104], 1)
    assert not held(line)
    line.push()
    assert line.tagged() == TINY | {104} | set(numbers[20:])
    cancel(line, numbers[20:24])  # 4 of the 21 that are left: within the limit by itself
    line.push()
    assert (held(line), line.tagged()) == (False, TINY | {104} | set(numbers[24:]))
    hold.refresh_from_db()
    assert (hold.decision, hold.decided_by) == (Hold.Decision.APPROVED, person)


def test_after_an_approval_a_further_loss_is_asked_about(line: Line, person: User) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:20])
    hold = open_hold(line)
    assert hold is not None
    holds.remove_them(hold, person, line.now(), seen=20)
    cancel(line, numbers[20:26])
    line.push()
    second = open_hold(line)
    assert second is not None
    assert (second.removals, second.holders) == (6, 20)
    assert not line.tagged() & set(numbers[:20])


def test_an_approval_counts_only_for_the_numbers_that_were_seen(line: Line, person: User) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:20])
    hold = open_hold(line)
    assert hold is not None
    cancel(line, numbers[20:])
    with pytest.raises(holds.Outdated, match="By now 36 people would lose the mark, not 20"):
        holds.remove_them(hold, person, line.now(), seen=20)
    line.push()
    assert line.tagged() == TINY | set(numbers)


def test_keeping_them_pauses_the_target_and_resuming_asks_again(line: Line, person: User) -> None:
    everybody = TINY | set(crowd(line, 36))
    rule(line, NOBODY)
    hold = open_hold(line)
    assert hold is not None
    holds.keep_them(hold, person, line.now())
    line.decide()
    line.push()
    assert line.tagged() == everybody
    place = tag(line)
    assert (place.state, place.held_at) == (Target.State.PAUSED, None)
    assert "Kept by jo" in place.reason
    assert "marks that would be lost: 40" in place.reason
    assert open_hold(line) is None
    with pytest.raises(holds.Outdated):
        holds.remove_them(hold, person, line.now(), seen=40)
    Target.objects.update(state=Target.State.ON)
    assert guard.weigh(line.shop, [tag(line)], line.now()) == 1
    line.push()
    assert line.tagged() == everybody


def test_raising_the_limit_lets_a_hold_go(line: Line) -> None:
    numbers = crowd(line, 36)
    cancel(line, numbers[:20])
    limits(line, guard_share=90)
    line.decide()
    line.push()
    assert line.tagged() == TINY | set(numbers[20:])


def test_pausing_a_large_segment_is_asked_about(line: Line) -> None:
    everybody = TINY | set(crowd(line, 36))
    switch(line, "buyers", "paused")
    line.push()
    assert line.tagged() == everybody
    hold = open_hold(line)
    assert hold is not None
    assert "The segment Buyers is paused." in hold.why


def test_a_foreign_mark_is_no_loss(line: Line) -> None:
    limits(line, guard_share=20, guard_people=5)
    for number in range(201, 221):
        line.customer(number, f"c{number}@example.test")
        line.tag(number, "segsync:buyers")
        line.order(number * 10, number)
    line.pull()
    line.segment()
    line.decide()
    line.push()
    rule(line, NOBODY)
    line.push()
    assert not held(line)  # only the tiny store's four are ours
    assert line.tagged() == set(range(201, 221))


def test_more_people_who_come_to_wait_during_the_pass_are_weighed_too(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The segment is paused between the look at who waits and the routing."""
    everybody = TINY | set(crowd(line, 36))
    look, first = guard.look, [True]

    def looking(shop: Shop, now: datetime, also: Collection[int] = ()) -> Counter[int]:
        found = look(shop, now, also)
        if first and first.pop():
            segment = tag(line).segments.get()
            segment.state = "paused"
            segment.save()
            pipeline.state_changed(segment, line.now())
        return found

    monkeypatch.setattr(guard, "look", looking)
    cancel(line, [201])
    line.push()
    assert held(line)
    assert line.tagged() == everybody


def test_everybody_is_weighed_alike_when_many_wait(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FEW", 3)
    numbers = crowd(line, 36)
    cancel(line, numbers[:9])
    line.push()
    hold = open_hold(line)
    assert hold is not None
    assert (hold.removals, line.tagged()) == (9, TINY | set(numbers))


def test_another_shops_people_are_not_counted(line: Line, other: Line) -> None:
    other.pull()
    other.segment()
    other.decide()
    other.push()
    numbers = crowd(line, 36)
    cancel(line, numbers[:20])
    assert open_hold(other) is None
    assert LedgerEntry.objects.filter(shop=other.shop, target__held_at__isnull=False).count() == 0


def test_fault_36_a_store_that_takes_its_approval_back_empties_no_segment(line: Line) -> None:
    everybody = TINY | set(crowd(line, 36))
    scopes = ("read_customers", "write_customers", "read_orders")
    for scope in scopes:
        line.allow(scope, given=False)
    line.forget_denials()
    for name in ("customers", "orders"):
        line.wait(3_600)
        run.pull(line.stream(name).pk, line.now)
        assert line.stream(name).refused_at is not None
    line.decide()
    for scope in scopes:
        line.allow(scope, given=True)
    line.push()
    assert len(line.members()) == 40
    assert line.tagged() == everybody


def test_fault_36_a_store_that_returns_nothing_empties_no_segment(line: Line) -> None:
    everybody = TINY | set(crowd(line, 36))
    customers, orders = dict(line.store.customers), dict(line.store.orders)
    line.store.customers.clear()
    line.store.orders.clear()
    Stream.objects.filter(shop=line.shop).update(pulled_until=None, due_at=line.now())
    line.pull()
    assert [run.records > 0 for run in line.stream("customers").runs.order_by("pk")] == [True, False]
    line.decide()
    line.store.customers.update(customers)
    line.store.orders.update(orders)
    line.push()
    assert line.tagged() == everybody
    assert ["returned nothing at all" in loss.sentence for loss in lost_sources(line.shop)] == [True, True]


def test_fault_36_facts_that_the_source_no_longer_tells_take_nobody_out_unseen(shop: Shop, store: Connection) -> None:
    """The platform shows the same people, without what the rule asks about."""
    settings_of(shop)
    WritebackSettings.objects.update(guard_people=5)
    create_segment(shop, handle="buyers", name="Buyers", description="", rule=BUYERS, author=None, now=NOON)
    tell(shop, "shopify", *(customer(str(number), orders=1) for number in range(1, 41)))
    whole(shop)
    make_targets(shop)
    route(shop, at(NOON))
    LedgerEntry.objects.update(acked_generation=1, present=True, owned_since=NOON)
    later = NOON + timedelta(hours=5)
    tell(shop, "shopify", *(customer(str(number), version=later) for number in range(1, 41)), now=later)
    incremental(shop, later)
    route(shop, at(later))
    assert (Hold.objects.get().removals, Hold.objects.get().holders) == (40, 40)
    LedgerEntry.objects.update(next_attempt_at=later)
    Target.objects.update(ready_at=NOON)
    assert due_entries(store.pk, later, 100) == []


def test_fault_36_while_a_source_is_lost_its_share_alone_counts_and_for_as_long(line: Line) -> None:
    """Orders are no longer read, so that day by day somebody's last one that we know of is too old."""
    numbers = crowd(line, 36, people=500)
    rule(line, "orders_placed MATCHES (date >= -30d, count >= 1)")
    line.push()
    line.wait(3 * DAY)
    buy_again(line, numbers[6:], 1)
    line.allow("read_orders", given=False)
    line.wait(120)
    run.pull(line.stream("orders").pk, line.now)
    for _ in range(10):
        line.decide()
        line.push()
        line.wait(3 * DAY)
    line.decide()
    hold = open_hold(line)
    assert hold is not None
    assert hold.removals > 8  # more than a fifth of 40, of which none left within an hour of each other but the last six
    assert "Shopify's orders cannot be read any more: Shopify denies access: the scope read_orders is missing." in hold.why
    assert line.tagged() >= set(numbers)
