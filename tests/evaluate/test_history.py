"""Intervals of membership answer who came and went, why, and how large a segment was on any day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from integrations.models import Shop
from segsync.evaluate import sizes
from segsync.evaluate.history import Flow, causes, flows, moves
from segsync.evaluate.models import Membership, SegmentSize
from segsync.rules.models import Segment
from segsync.store.models import Customer, Profile
from tests.evaluate.test_judge import incremental, segment, whole
from tests.factories import NOON, customer, order, tell

DAY = timedelta(days=1)


@pytest.fixture
def new_and_loyal(shop: Shop) -> tuple[Segment, Segment]:
    """On the first day 1 and 2 are new; on the third 1 becomes loyal, and 3 arrives."""
    new, loyal = segment(shop, "number_of_orders = 1", "new"), segment(shop, "number_of_orders >= 2", "loyal")
    tell(shop, "shopify", customer("1", orders=1), customer("2", orders=1))
    whole(shop)
    later = NOON + 2 * DAY
    tell(shop, "shopify", customer("1", orders=2, version=later), customer("3", orders=1, version=later), now=later)
    incremental(shop, later)
    return new, loyal


def person(id_: str) -> int:
    return Profile.objects.get(external_id=id_).customer_id


def test_moves_come_in_the_order_of_time_with_cause_and_evidence(new_and_loyal: tuple[Segment, Segment]) -> None:
    new, _ = new_and_loyal
    told = list(moves(new, NOON - DAY, NOON + 3 * DAY))
    assert [(move.at, move.customer_id, move.way, move.cause) for move in told] == [
        (NOON, person("1"), "entered", "import"),
        (NOON, person("2"), "entered", "import"),
        (NOON + 2 * DAY, person("1"), "left", "profile"),
        (NOON + 2 * DAY, person("3"), "entered", "profile"),
    ]
    assert told[0].evidence == [["number_of_orders = 1", "number of orders: 1"]]
    assert told[2].evidence == [["number_of_orders = 1", "number of orders: 2"]]
    assert list(moves(new, NOON, NOON)) == []
    assert [move.way for move in moves(new, NOON - DAY, NOON + 3 * DAY, customer=person("1"))] == ["entered", "left"]


def test_causes_are_counted(new_and_loyal: tuple[Segment, Segment]) -> None:
    assert causes(new_and_loyal[0], NOON, NOON + 3 * DAY) == {("entered", "import"): 2, ("entered", "profile"): 1, ("left", "profile"): 1}


def test_flows_lead_from_segment_to_segment(shop: Shop, new_and_loyal: tuple[Segment, Segment]) -> None:
    new, loyal = new_and_loyal
    assert flows(shop, NOON + DAY, NOON + 3 * DAY) == [Flow(new.pk, loyal.pk, 1)]
    assert flows(shop, NOON - DAY, NOON + DAY) == []


def test_sizes_are_kept_for_every_local_day_that_is_over_also_those_missed(shop: Shop, new_and_loyal: tuple[Segment, Segment]) -> None:
    new, loyal = new_and_loyal
    assert sizes.keep(shop, date(2026, 9, 14), NOON + 4 * DAY) == date(2026, 9, 18)
    told = SegmentSize.objects.order_by("day").values_list("day", "members", "entered", "left")
    assert list(told.filter(segment=new)) == [
        (date(2026, 9, 15), 2, 2, 0),
        (date(2026, 9, 16), 2, 0, 0),
        (date(2026, 9, 17), 2, 1, 1),
        (date(2026, 9, 18), 2, 0, 0),
    ]
    assert list(told.filter(segment=loyal, day=date(2026, 9, 17))) == [(date(2026, 9, 17), 1, 1, 0)]
    assert sizes.keep(shop, date(2026, 9, 18), NOON + 4 * DAY) == date(2026, 9, 18)
    assert SegmentSize.objects.count() == 8


def test_a_day_is_the_shops_own(shop: Shop) -> None:
    shop.timezone = "Pacific/Auckland"
    shop.save()
    some = segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1))
    whole(shop)  # 12:00 UTC is midnight of 16 September there
    sizes.keep(shop, date(2026, 9, 14), NOON + DAY)
    assert list(SegmentSize.objects.filter(segment=some).order_by("day").values_list("day", "members", "entered")) == [
        (date(2026, 9, 15), 0, 0),
        (date(2026, 9, 16), 1, 1),
    ]


def test_the_size_of_a_segment_follows_every_move(shop: Shop, new_and_loyal: tuple[Segment, Segment]) -> None:
    for some in new_and_loyal:
        some.refresh_from_db()
        assert some.size == Membership.objects.filter(segment=some, until__isnull=True).count()


def test_evidence_is_kept_small(shop: Shop) -> None:
    segment(shop, "orders_placed MATCHES (count >= 1)")
    tell(shop, "shopify", customer("1"), *(order(f"o{n}", "1") for n in range(40)))
    whole(shop)
    (clause, *lines) = Membership.objects.get().evidence[0]
    assert clause == "orders_placed MATCHES (count >= 1)"
    assert len(lines) <= 3
    assert Customer.objects.count() == 1
