"""Memberships move as rules and facts say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from integrations.models import Shop
from integrations.records import Refund
from segsync.evaluate import due, judge
from segsync.evaluate.models import Evaluation, Membership, Schedule
from segsync.leases import Lease, claim
from segsync.rules.edit import change_rule, create_segment
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment
from segsync.store.models import Customer, Profile
from tests.factories import NOON, checkout, customer, line, opened, order, product, tell


def at(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def segment(shop: Shop, rule: str, handle: str = "some") -> Segment:
    return create_segment(shop, handle=handle, name=handle.title(), description="", rule=rule, author=None, now=NOON)


def hold(shop: Shop, now: datetime = NOON) -> Lease:
    lease = claim(Schedule, due.make_schedule(shop, now).pk, now=now, ttl=timedelta(hours=1))
    assert lease is not None
    return lease


def whole(shop: Shop, now: datetime = NOON, cause: str = "import") -> None:
    lease = hold(shop, now)
    judge.judge_everybody(shop, cause, lease, at(now))
    lease.release()


def incremental(shop: Shop, now: datetime) -> int:
    lease = hold(shop, now)
    judged = judge.judge_changed(shop, lease, at(now))
    lease.release()
    return judged


def inside(some: Segment, on: datetime | None = None) -> set[str]:
    """The store's ids of the members now, or at an instant."""
    stays = Membership.objects.filter(segment=some)
    stays = stays.filter(until__isnull=True) if on is None else stays.filter(since__lte=on).exclude(until__lte=on)
    return set(Profile.objects.filter(customer__in=stays.values("customer"), source="shopify").values_list("external_id", flat=True))


def test_a_product_that_moves_between_two_batches_moves_all_of_its_buyers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    hats = segment(shop, "products_purchased MATCHES (category = 'Hats')")
    whole(shop)
    buyers = {str(n) for n in range(6)}
    tell(shop, "shopify", product("9"), *(customer(id_) for id_ in buyers))
    tell(shop, "shopify", *(order(f"o{id_}", id_, lines=(line(f"o{id_}", "l1"),)) for id_ in buyers))
    monkeypatch.setattr(judge, "BATCH", 2)
    batches: list[object] = []

    def clock() -> datetime:
        """The shop sells something else from the second batch on."""
        if len(batches) == 1:
            tell(shop, "shopify", product("9", category="Apparel > Hats", version=NOON + timedelta(minutes=1)))
        batches.append(None)
        return NOON + timedelta(minutes=2)

    lease = hold(shop)
    judge.judge_changed(shop, lease, clock)
    lease.release()
    incremental(shop, NOON + timedelta(minutes=3))
    assert inside(hats) == buyers


def test_whole_and_incremental_agree_as_facts_arrive(shop: Shop) -> None:
    some = segment(shop, "orders_placed MATCHES (date >= -30d, count >= 2)")
    tell(shop, "shopify", customer("1"), customer("2"), order("a", "1"), order("b", "1"), order("c", "2"))
    whole(shop)
    assert inside(some) == {"1"}
    tell(shop, "shopify", order("d", "2"), now=NOON + timedelta(minutes=1))
    assert incremental(shop, NOON + timedelta(minutes=2)) == 1
    assert inside(some) == {"1", "2"}
    assert incremental(shop, NOON + timedelta(minutes=3)) == 0


def test_invariant_5_any_past_instant_can_be_asked_for_with_the_cause_of_each_move(shop: Shop) -> None:
    some = segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1))
    whole(shop)
    later = NOON + timedelta(days=1)
    tell(shop, "shopify", customer("1", orders=0, version=later), now=later)
    incremental(shop, later)
    stay = Membership.objects.get(segment=some)
    assert (stay.since, stay.until, stay.cause, stay.left_cause) == (NOON, later, "import", "profile")
    assert (inside(some, on=NOON + timedelta(hours=1)), inside(some, on=later)) == ({"1"}, set())


def test_invariant_6_somebody_changed_after_the_instant_of_a_whole_evaluation_stays_marked(shop: Shop) -> None:
    segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1), now=NOON + timedelta(seconds=5))
    whole(shop, NOON)
    person = Customer.objects.get()
    assert person.facts_version > person.judged_version


def test_somebody_stored_by_a_machine_whose_clock_is_ahead_is_judged_once(shop: Shop) -> None:
    some = segment(shop, "number_of_orders >= 1")
    whole(shop)
    tell(shop, "shopify", customer("1", orders=1), now=NOON + timedelta(minutes=5))
    assert incremental(shop, NOON) == 1
    assert inside(some) == {"1"}
    assert incremental(shop, NOON) == 0  # not again and again until this clock gets there


def test_nobody_can_be_in_a_segment_twice_at_a_time(shop: Shop) -> None:
    some = segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1))
    whole(shop)
    stay = Membership.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(shop=shop, segment=some, customer=stay.customer, since=NOON, version=stay.version, cause="import")


def test_an_evaluation_is_recorded_for_each_segment_with_what_moved(shop: Shop) -> None:
    some = segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1), customer("2", orders=0))
    whole(shop)
    found = Evaluation.objects.get(segment=some)
    assert (found.customers, found.members, found.entered, found.left, found.as_of) == (2, 1, 1, 0, NOON)
    some.refresh_from_db()
    assert some.size == 1


def test_a_rule_edit_moves_people_and_says_so(shop: Shop) -> None:
    some = segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1), customer("2", orders=5))
    whole(shop)
    edited = change_rule(some, "number_of_orders >= 3", author=None, reason="Only regulars.", now=NOON)
    assert edited is not None
    assert edited.number == 2
    whole(shop, NOON + timedelta(hours=1), cause="rule")
    assert inside(some) == {"2"}
    left = Membership.objects.get(until__isnull=False)
    assert (left.version.number, left.left_version, left.left_cause) == (1, edited, "rule")


def test_saying_the_same_in_other_words_makes_no_version(shop: Shop) -> None:
    some = segment(shop, "number_of_orders >= 1")
    assert change_rule(some, "number_of_orders   >=   1", author=None, reason="", now=NOON) is None


def test_merged_people_leave_and_the_survivor_is_judged_on_everything(shop: Shop) -> None:
    some = segment(shop, "orders_placed MATCHES (count >= 2)")
    tell(shop, "shopify", customer("1", "a@example.com"), customer("2", "b@example.com"), order("a", "1"), order("b", "2"), order("c", "2"))
    whole(shop)
    assert inside(some) == {"2"}
    tell(shop, "hubspot", customer("77", "a@example.com", "b@example.com"), now=NOON + timedelta(minutes=1))
    incremental(shop, NOON + timedelta(minutes=2))
    open_stays = Membership.objects.filter(until__isnull=True)
    assert open_stays.count() == 1
    assert open_stays.get().customer.merged_into is None
    assert inside(some) == {"1", "2"}


def test_the_sweep_moves_out_whoever_an_hour_window_has_passed_over(shop: Shop) -> None:
    some = segment(shop, "checkouts_abandoned MATCHES (date >= -24h, recovered = false)")
    tell(
        shop,
        "shopify",
        customer("1"),
        customer("2"),
        checkout("c1", "1", NOON - timedelta(hours=23, minutes=58)),
        checkout("c2", "2", NOON - timedelta(hours=2)),
    )
    whole(shop)
    assert inside(some) == {"1", "2"}
    schedule = due.make_schedule(shop, NOON)
    schedule.swept_until = NOON
    later = NOON + timedelta(minutes=3)
    assert due.sweep(schedule, later) == 1
    assert incremental(shop, later) == 1
    assert inside(some) == {"2"}
    assert Membership.objects.get(until__isnull=False).left_cause == "time"


def test_the_sweep_moves_out_whose_refund_an_hour_window_has_passed_over(shop: Shop) -> None:
    some = segment(shop, "orders_refunded MATCHES (date >= -24h)")
    given = [NOON - timedelta(hours=23, minutes=58), NOON - timedelta(hours=2)]
    for number, at in enumerate(given, 1):
        bought = order(f"{number}00", str(number), refunds=(Refund(f"r{number}", at, 100),), version=at)
        tell(shop, "shopify", customer(str(number)), bought)
    whole(shop)
    assert inside(some) == {"1", "2"}
    schedule = due.make_schedule(shop, NOON)
    schedule.swept_until = NOON
    later = NOON + timedelta(minutes=3)
    assert due.sweep(schedule, later) == 1
    assert incremental(shop, later) == 1
    assert inside(some) == {"2"}


def test_a_sweep_missed_while_nothing_ran_is_made_up(shop: Shop) -> None:
    segment(shop, "emails.opened MATCHES (date >= -2h)")
    tell(shop, "hubspot", customer("7", "a@example.com"), opened("e1", "a@example.com", at=NOON - timedelta(hours=1)))
    whole(shop)
    schedule = due.make_schedule(shop, NOON)
    schedule.swept_until = NOON
    assert due.sweep(schedule, NOON + timedelta(days=2)) == 1


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 1, 23, tzinfo=UTC)),
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), datetime(2026, 10, 26, 0, tzinfo=UTC)),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 1, 1, 0, tzinfo=UTC)),
    ],
)
def test_the_next_midnight_is_the_shops_own_daylight_saving_included(shop: Shop, now: datetime, midnight: datetime) -> None:
    assert due.next_midnight(shop, now) == midnight


def test_only_one_process_decides_for_a_shop_and_a_dead_ones_lease_expires(shop: Shop) -> None:
    schedule = due.make_schedule(shop, NOON)
    first = claim(Schedule, schedule.pk, now=NOON, ttl=timedelta(seconds=60))
    assert first is not None
    assert claim(Schedule, schedule.pk, now=NOON + timedelta(seconds=59), ttl=timedelta(seconds=60)) is None
    second = claim(Schedule, schedule.pk, now=NOON + timedelta(seconds=61), ttl=timedelta(seconds=60))
    assert second is not None
    assert first.renew(now=NOON + timedelta(seconds=62), ttl=timedelta(seconds=60)) is False
    assert first.release() is False
    assert second.release() is True


def test_a_segment_of_a_segment_moves_with_it(shop: Shop) -> None:
    buyers = segment(shop, "number_of_orders >= 1", "buyers")
    loyal = segment(shop, "segments CONTAINS 'buyers'", "loyal")
    tell(shop, "shopify", customer("1", orders=1), customer("2", orders=0))
    whole(shop)
    assert inside(buyers) == inside(loyal) == {"1"}
    later = NOON + timedelta(days=1)
    tell(shop, "shopify", customer("2", orders=3, version=later), now=later)
    incremental(shop, later)
    assert inside(loyal) == {"1", "2"}
    with pytest.raises(RuleError, match="buyers → loyal → buyers"):
        change_rule(buyers, "segments CONTAINS 'loyal'", author=None, reason="", now=later)


def test_ranks_go_by_the_cuts_in_force_until_the_next_whole_evaluation(shop: Shop) -> None:
    top = segment(shop, "number_of_orders IN TOP 1 AND journey_stage = 'PROSPECT'")
    tell(shop, "shopify", customer("1", orders=5), customer("2", orders=2))
    assert incremental(shop, NOON) == 2  # no cut yet: the rule waits, the others would not
    assert inside(top) == set()
    whole(shop)
    assert inside(top) == {"1"}
    later = NOON + timedelta(hours=1)
    tell(shop, "shopify", customer("2", orders=9, version=later), now=later)
    incremental(shop, later)
    assert inside(top) == {"1", "2"}
    whole(shop, later)
    assert inside(top) == {"2"}
    kept = Evaluation.objects.filter(segment=top).latest("as_of").cuts
    assert kept["ranks"] == [["number_of_orders", "TOP", "1", False, ["integer", 9]]]
