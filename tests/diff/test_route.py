"""What is wanted on the other side follows from memberships, records and targets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.models import Connection, Shop
from segsync.diff.models import LedgerEntry, WritebackSettings
from segsync.diff.route import route
from segsync.diff.targets import make_targets
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.store.models import Customer, Profile
from tests.evaluate.test_judge import at, incremental, whole
from tests.factories import NOON, customer, tell


@pytest.fixture
def buyers(shop: Shop, store: Connection, crm: Connection) -> Segment:
    return create_segment(shop, handle="buyers", name="Buyers", description="", rule="number_of_orders >= 1", author=None, now=NOON)


def wanted(shop: Shop) -> set[tuple[str, str]]:
    """(place, platform's id) of every mark wanted."""
    rows = LedgerEntry.objects.filter(shop=shop, wanted=True).select_related("target", "profile")
    return {(row.target.name, row.profile.external_id) for row in rows}


def settle(shop: Shop) -> None:
    whole(shop)
    make_targets(shop)
    route(shop, at(NOON))


def test_a_member_is_wanted_at_every_target_of_their_segment(shop: Shop, buyers: Segment) -> None:
    tell(shop, "shopify", customer("1", "a@example.com", orders=2), customer("2", "b@example.com", orders=0))
    tell(shop, "hubspot", customer("71", "a@example.com"), customer("72", "b@example.com"))
    settle(shop)
    assert wanted(shop) == {("segsync:buyers", "1"), ("SegSync: Buyers", "71")}


def test_segments_of_one_name_do_not_share_a_list_unasked(shop: Shop, buyers: Segment) -> None:
    create_segment(shop, handle="others", name="Buyers", description="", rule="number_of_orders = 0", author=None, now=NOON)
    tell(shop, "hubspot", customer("71", "a@example.com"), customer("72", "b@example.com"))
    tell(shop, "shopify", customer("1", "a@example.com", orders=2), customer("2", "b@example.com", orders=0))
    settle(shop)
    assert {mark for mark in wanted(shop) if mark[0].startswith("SegSync")} == {("SegSync: Buyers", "71"), ("SegSync: Buyers 2", "72")}


def test_both_records_of_one_person_are_wanted(shop: Shop, buyers: Segment) -> None:
    tell(shop, "shopify", customer("1", "a@example.com", orders=1), customer("2", "b@example.com", orders=0))
    tell(shop, "hubspot", customer("71", "a@example.com", "b@example.com"))
    settle(shop)
    assert wanted(shop) == {("segsync:buyers", "1"), ("segsync:buyers", "2"), ("SegSync: Buyers", "71")}


def test_routing_again_changes_nothing(shop: Shop, buyers: Segment) -> None:
    tell(shop, "shopify", customer("1", "a@example.com", orders=1))
    settle(shop)
    before = list(LedgerEntry.objects.values_list("pk", "generation", "wanted"))
    Customer.objects.update(routed_version=0)
    assert route(shop, at(NOON)) == 1
    assert list(LedgerEntry.objects.values_list("pk", "generation", "wanted")) == before


def test_leaving_bumps_the_generation_and_keeps_the_row(shop: Shop, buyers: Segment) -> None:
    tell(shop, "shopify", customer("1", "a@example.com", orders=1))
    settle(shop)
    LedgerEntry.objects.update(acked_generation=1)
    tell(shop, "shopify", customer("1", "a@example.com", orders=0, version=NOON + timedelta(hours=1)), now=NOON + timedelta(hours=1))
    incremental(shop, NOON + timedelta(hours=1))
    route(shop, at(NOON + timedelta(hours=1)))
    entry = LedgerEntry.objects.get(target__kind="tag")
    assert (entry.wanted, entry.generation, entry.acked_generation) == (False, 2, 1)


def test_a_member_without_a_contact_is_to_be_created_only_with_an_address(shop: Shop, buyers: Segment) -> None:
    tell(shop, "shopify", customer("1", "a@example.com", orders=1), customer("2", orders=1))
    settle(shop)
    pending = Profile.objects.get(source="hubspot")
    assert pending.pending
    assert pending.emails == ["a@example.com"]


def test_nobody_is_created_when_the_shop_does_not_want_it(shop: Shop, buyers: Segment) -> None:
    WritebackSettings.objects.create(shop=shop, create_contacts=False)
    tell(shop, "shopify", customer("1", "a@example.com", orders=1))
    settle(shop)
    assert not Profile.objects.filter(source="hubspot").exists()
    assert wanted(shop) == {("segsync:buyers", "1")}


def test_a_contact_that_turns_up_by_itself_takes_the_place_of_the_one_to_be_created(shop: Shop, buyers: Segment) -> None:
    tell(shop, "shopify", customer("1", "a@example.com", orders=1))
    settle(shop)
    tell(shop, "hubspot", customer("71", "A@example.com"), now=NOON + timedelta(minutes=1))
    incremental(shop, NOON + timedelta(minutes=1))
    route(shop, at(NOON + timedelta(minutes=1)))
    assert wanted(shop) == {("segsync:buyers", "1"), ("SegSync: Buyers", "71")}


def test_fault_40_two_segments_on_one_place_keep_the_mark_while_either_matches(shop: Shop, buyers: Segment) -> None:
    loyal = create_segment(shop, handle="loyal", name="Loyal", description="", rule="number_of_orders >= 5", author=None, now=NOON)
    make_targets(shop)
    buyers.targets.get(kind="tag").segments.add(loyal)
    tell(shop, "shopify", customer("1", orders=1), customer("2", orders=6))
    settle(shop)
    assert {("segsync:buyers", "1"), ("segsync:buyers", "2"), ("segsync:loyal", "2")} <= wanted(shop)
