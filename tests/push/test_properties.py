"""Further places of a segment: properties are ticked and emptied, a tag is shared, and the places beside them stay as they are."""

from __future__ import annotations

import pytest

from integrations.base import MarkKind
from integrations.errors import Rejected
from integrations.hubspot.push import HubSpotDestination
from integrations.sandbox.hubspot.contacts import find_by_email
from segsync import pipeline
from segsync.diff.models import LedgerEntry, Target
from segsync.diff.targets import add_target, place_name, settings_of
from segsync.push import estimate
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from tests.line import BUYERS, Line, killed

NAME = "segsync_buyers"
WITH_ADDRESS = {"ann@example.test", "bob@example.test", "cat@example.test", "eve@example.test"}
NOBODY = "number_of_orders >= 99"


def segment(line: Line, handle: str = "buyers") -> Segment:
    return Segment.objects.get(shop=line.shop, handle=handle)


def rule(line: Line, text: str) -> None:
    change_rule(segment(line), text, author=None, reason="", now=line.now())
    pipeline.rule_changed(segment(line), line.now())
    line.wait(1)
    line.decide()


def ticked(line: Line, name: str = NAME) -> set[str]:
    """The addresses of contacts that have any value of the property."""
    return {one.properties["email"].casefold() for one in line.portal.contacts.values() if one.properties.get(name)}


def untold(line: Line) -> int:
    return sum(entry.generation > entry.acked_generation for entry in LedgerEntry.objects.filter(shop=line.shop, connection=line.hubspot))


@pytest.fixture
def ticks(lists: Line) -> Line:
    """The segment's list is told, and a property is to be."""
    lists.connect_portal("crm.schemas.contacts.write")
    lists.push("hubspot")
    add_target(segment(lists), lists.hubspot, MarkKind.PROPERTY, NAME, lists.now())
    lists.decide()
    return lists


def test_members_are_ticked_and_emptied_beside_their_list(ticks: Line) -> None:
    ticks.push("hubspot")
    assert (ticked(ticks), {email.casefold() for email in ticks.listed()}, untold(ticks)) == (WITH_ADDRESS, WITH_ADDRESS, 0)
    rule(ticks, NOBODY)
    ticks.push("hubspot")
    assert (ticked(ticks), ticks.listed(), untold(ticks)) == (set(), set(), 0)


def test_a_property_is_ours_alone_also_where_it_was_ticked_before_we_told_it(ticks: Line) -> None:
    ticks.push("hubspot")
    rule(ticks, NOBODY)
    ticks.push("hubspot")
    ann = find_by_email(ticks.portal, "ann@example.test")
    assert ann is not None
    ticks.says(ann.id, **{NAME: "true"})
    rule(ticks, BUYERS)
    ticks.push("hubspot")
    assert ticks.mark(ann.id, "property").owned_since is not None
    rule(ticks, NOBODY)
    ticks.push("hubspot")
    assert ticked(ticks) == set()


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_invariant_10_killed_between_call_and_answer(ticks: Line, monkeypatch: pytest.MonkeyPatch, after: bool, flipped: bool) -> None:
    with killed(HubSpotDestination, "write", after=after, monkeypatch=monkeypatch):
        ticks.push("hubspot")
    if flipped:
        rule(ticks, NOBODY)
    ticks.wait(61)
    ticks.push("hubspot")
    assert (ticked(ticks), untold(ticks)) == (set() if flipped else WITH_ADDRESS, 0)
    rule(ticks, NOBODY)
    ticks.push("hubspot")
    assert ticked(ticks) == set()


def test_fault_29_a_deleted_property_is_refused_and_stops_no_list(ticks: Line) -> None:
    ticks.push("hubspot")
    ticks.forgets(NAME)
    rule(ticks, NOBODY)
    ticks.push("hubspot")
    ticks.push("hubspot")
    target = Target.objects.get(kind="property")
    assert (target.ready_at, target.reason) == (None, "The property was deleted in HubSpot.")
    assert ticks.listed() == set()
    assert NAME not in ticks.portal.custom_properties


def test_fault_25_a_right_taken_away_refuses_the_property_alone_and_it_goes_on_by_itself(ticks: Line) -> None:
    ticks.connect_portal()  # without the right to make properties
    rule(ticks, NOBODY)
    ticks.push("hubspot")
    target = Target.objects.get(kind="property")
    assert target.ready_at is None
    assert "crm.schemas.contacts.write" in target.reason
    assert (ticks.listed(), ticks.channel("hubspot").problem) == (set(), "")
    ticks.connect_portal("crm.schemas.contacts.write")
    rule(ticks, BUYERS)
    ticks.wait(3_601)
    ticks.push("hubspot")
    assert (ticked(ticks), untold(ticks)) == (WITH_ADDRESS, 0)


def test_a_place_may_be_added_only_where_it_can_be(lists: Line) -> None:
    here, now = segment(lists), lists.now()
    with pytest.raises(Rejected, match=r"has not granted crm\.schemas\.contacts\.write"):
        add_target(here, lists.hubspot, MarkKind.PROPERTY, NAME, now)
    with pytest.raises(Rejected, match="keeps no such marks"):
        add_target(here, lists.hubspot, MarkKind.TAG, "vip", now)
    with pytest.raises(Rejected, match="cannot be a tag"):
        add_target(here, lists.shopify, MarkKind.TAG, "a,b", now)
    with pytest.raises(Rejected, match="200 characters at most"):
        add_target(here, lists.shopify, MarkKind.TAG, "x" * 201, now)
    assert Target.objects.count() == 2


def test_a_connection_of_another_shop_is_refused(line: Line, other: Line) -> None:
    with pytest.raises(Rejected, match="not this shop's"):
        add_target(line.segment(), other.shopify, MarkKind.TAG, "vip", line.now())


def test_fault_40_two_segments_that_name_one_tag_share_it_whatever_its_case(tags: Line) -> None:
    tags.push()
    loyal = tags.segment("number_of_orders >= 2", "loyal")
    shared = add_target(loyal, tags.shopify, MarkKind.TAG, "SegSync:Buyers", tags.now())
    assert (shared.name, shared.segments.count()) == ("segsync:buyers", 2)
    rule(tags, NOBODY)
    tags.push()
    assert tags.tagged() == {101}
    change_rule(loyal, NOBODY, author=None, reason="", now=tags.now())
    pipeline.rule_changed(loyal, tags.now())
    tags.wait(1)
    tags.decide()
    tags.push()
    assert tags.tagged() == set()


def test_a_place_being_left_is_not_taken_again_before_it_is_left_and_then_made_anew(tags: Line) -> None:
    tags.push()
    Target.objects.update(state=Target.State.LEAVING)
    loyal = tags.segment("number_of_orders >= 2", "loyal")
    with pytest.raises(Rejected, match="being left"):
        add_target(loyal, tags.shopify, MarkKind.TAG, "segsync:buyers", tags.now())
    Target.objects.filter(name="segsync:buyers").update(state=Target.State.LEFT)
    again = add_target(loyal, tags.shopify, MarkKind.TAG, "segsync:buyers", tags.now())
    assert (again.state, again.ready_at, list(again.segments.all())) == (Target.State.ON, None, [loyal])


def test_each_kind_has_a_name_to_propose(lists: Line) -> None:
    made = lists.segment(BUYERS, "at-risk")
    names = {kind: place_name(kind, made, settings_of(lists.shop)) for kind in MarkKind}
    assert names == {MarkKind.TAG: "segsync:at-risk", MarkKind.LIST: "SegSync: At-Risk", MarkKind.PROPERTY: "segsync_at_risk"}


def test_what_writing_would_cost_is_told_for_each_place(ticks: Line) -> None:
    told = estimate.estimate(ticks.shop, segment(ticks), [], [])
    assert {(one.kind, one.name) for one in told} == {(MarkKind.LIST, "SegSync: Buyers"), (MarkKind.PROPERTY, NAME), (MarkKind.TAG, "segsync:buyers")}
