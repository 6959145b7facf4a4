"""What write-back would cost: figures by hand from the platforms' limits, nothing told and nothing made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations import registry, throttle
from integrations.models import Connection, Shop
from segsync.diff.models import LedgerEntry, Target, WritebackSettings
from segsync.push import estimate as module
from segsync.push.estimate import estimate
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.store.models import Customer, Profile
from tests.factories import NOON, customer, tell


@pytest.fixture
def loyal(shop: Shop) -> Segment:
    return create_segment(shop, handle="loyal", name="Loyal", description="", rule="number_of_orders >= 2", author=None, now=NOON)


def everybody(shop: Shop) -> list[int]:
    return list(Customer.objects.filter(shop=shop).order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("adds", "removes", "looks", "calls", "seconds"),
    [
        (0, 0, 0, 0, 0.0),
        (1, 0, 1, 2, 0.11),  # one customer read for 1 point, one tag for 10, at 100 a second
        (120, 30, 120, 4, 16.2),  # 120 points to read in one call, 150 mutations of 10 points in three calls
        (209, 0, 0, 5, 20.9),
        (210, 0, 0, 4, 0.3),  # from 210 on in bulk: upload place, upload, start, look
        (3000, 1000, 0, 8, 0.6),  # one operation adds, one removes
        (5100, 0, 0, 6, 10.3),  # a full batch in bulk, the last hundred directly
        (100_000, 0, 0, 80, 6.0),
    ],
)
def test_tags_cost_points(store: Connection, adds: int, removes: int, looks: int, calls: int, seconds: float) -> None:
    cost = registry.destination(store, registry.DestinationSettings()).cost(adds, removes, looks=looks)
    assert (cost.calls, round(cost.seconds, 2), cost.share_of_daily) == (calls, seconds, None)


def test_a_larger_plan_is_quicker_once_the_store_has_said_so(store: Connection) -> None:
    throttle.CostPacer(kept=throttle.Shared(store.pk, "points")).learn(available=20_000, rate=1_000, maximum=20_000)
    assert registry.destination(store, registry.DestinationSettings()).cost(150, 0).seconds == 1.5


@pytest.mark.parametrize(
    ("adds", "removes", "creates", "calls", "seconds"),
    [
        (0, 0, 0, 0, 0),
        (600, 400, 0, 1, 0),
        (1001, 0, 0, 2, 0),
        (12_000, 0, 0, 12, 0),
        (50, 0, 250, 7, 0),  # three batches of a hundred, two calls each, and one for the list
        (101_000, 0, 0, 101, 10),  # the 101st waits for the next ten seconds
        (500_000, 0, 0, 500, 40),
    ],
)
def test_lists_cost_calls(crm: Connection, adds: int, removes: int, creates: int, calls: int, seconds: float) -> None:
    cost = registry.destination(crm, registry.DestinationSettings()).cost(adds, removes, creates=creates)
    assert (cost.calls, cost.seconds, cost.share_of_daily) == (calls, seconds, calls / 250_000)


def test_each_platform_is_told_of_those_it_knows_or_can_get_to_know(shop: Shop, store: Connection, crm: Connection, loyal: Segment) -> None:
    tell(shop, "shopify", customer("1", "a@example.com"), customer("2", "b@example.com"), customer("3"))
    tell(shop, "hubspot", customer("71", "a@example.com"))
    lists, tags = estimate(shop, loyal, everybody(shop), [])
    assert (lists.vendor, lists.name, lists.adds, lists.creates, lists.removes, lists.target) == ("hubspot", "SegSync: Loyal", 2, 1, 0, None)
    assert (tags.vendor, tags.name, tags.adds, tags.creates, tags.cost.calls) == ("shopify", "segsync:loyal", 3, 0, 2)
    assert not Target.objects.exists()
    assert not WritebackSettings.objects.exists()


def test_a_shop_that_creates_no_contacts_is_not_told_of_new_ones(shop: Shop, crm: Connection, loyal: Segment) -> None:
    WritebackSettings.objects.create(shop=shop, create_contacts=False)
    tell(shop, "shopify", customer("1", "a@example.com"))
    assert [(telling.adds, telling.creates) for telling in estimate(shop, loyal, everybody(shop), [])] == [(0, 0)]


def test_only_marks_of_ours_are_taken_away(shop: Shop, store: Connection, loyal: Segment) -> None:
    tell(shop, "shopify", customer("1"), customer("2"), customer("3"))
    place = Target.objects.create(shop=shop, connection=store, kind="tag", name="segsync:loyal", label="Loyal", state=Target.State.PAUSED)
    place.segments.add(loyal)
    for profile, owned in zip(Profile.objects.order_by("pk"), (NOON, None), strict=False):
        LedgerEntry.objects.create(
            shop=shop, connection=store, target=place, profile=profile, wanted=True, wanted_at=NOON, next_attempt_at=NOON, owned_since=owned
        )
    (telling,) = estimate(shop, loyal, [], everybody(shop))
    assert (telling.removes, telling.adds, telling.target, telling.paused) == (1, 0, place, True)


def test_a_platform_that_is_not_connected_is_told_nothing(shop: Shop, store: Connection, loyal: Segment) -> None:
    Connection.objects.update(status=Connection.Status.NEEDS_RECONNECT)
    tell(shop, "shopify", customer("1"))
    assert estimate(shop, loyal, everybody(shop), []) == []


def test_figures_of_very_many_people_are_scaled_up_and_say_so(shop: Shop, store: Connection, loyal: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTED", 4)
    tell(shop, "shopify", *(customer(str(n)) for n in range(1, 9)))
    Profile.objects.filter(external_id__in=("1", "2")).update(gone_at=NOON + timedelta(days=1))
    (telling,) = estimate(shop, loyal, everybody(shop), [])
    assert (telling.adds, telling.about) == (4, True)
