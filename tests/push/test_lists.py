"""Telling a portal: people are put on lists, created where they are missing, and nobody else's doing is undone."""

from __future__ import annotations

import pytest

from integrations.hubspot.push import HubSpotDestination
from integrations.sandbox.by_hand import change_list_members
from integrations.sandbox.hubspot.contacts import archive_contact, create_contact, find_by_email
from integrations.sandbox.hubspot.lists import create_list, delete_list, find_by_name
from integrations.sandbox.hubspot.state import CrmList
from segsync import pipeline
from segsync.diff.models import LedgerEntry, Target
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from segsync.store.models import Profile
from tests.line import BUYERS, Line, killed

WITH_ADDRESS = {"ann@example.test", "bob@example.test", "cat@example.test", "eve@example.test"}
NOBODY = "number_of_orders >= 99"
ANN: dict[str, object] = {
    "filterType": "PROPERTY",
    "property": "firstname",
    "operation": {"operationType": "STRING", "operator": "IS_EQUAL_TO", "value": "Ann"},
}
ANNS: dict[str, object] = {
    "filterBranchType": "OR",
    "filters": [],
    "filterBranches": [{"filterBranchType": "AND", "filterBranches": [], "filters": [ANN]}],
}


def rule(line: Line, text: str, handle: str = "buyers") -> None:
    segment = Segment.objects.get(shop=line.shop, handle=handle)
    change_rule(segment, text, author=None, reason="", now=line.now())
    pipeline.rule_changed(segment, line.now())
    line.wait(1)
    line.decide()


def listed(line: Line, name: str = "SegSync: Buyers") -> set[str]:
    return {email.casefold() for email in line.listed(name)}


def on_hubspot(line: Line, name: str = "SegSync: Buyers") -> CrmList:
    found = find_by_name(line.portal, name)
    assert found is not None
    return found


def by_hand(line: Line, *add: int, remove: tuple[int, ...] = ()) -> None:
    change_list_members(line.server.world, line.portal, on_hubspot(line).id, list(add), list(remove))


def untold(line: Line, kind: str = "list") -> int:
    return sum(entry.generation > entry.acked_generation for entry in LedgerEntry.objects.filter(shop=line.shop, target__kind=kind))


def test_members_are_listed_and_created_where_they_are_missing(lists: Line) -> None:
    lists.push("hubspot")
    assert listed(lists) == WITH_ADDRESS
    assert len(lists.portal.contacts) == len(WITH_ADDRESS)
    assert untold(lists) == 0
    assert not Profile.objects.filter(external_id__startswith="new:").exists()
    rule(lists, NOBODY)
    lists.push("hubspot")
    assert listed(lists) == set()


def test_invariant_7_whom_a_marketer_put_on_our_list_stays_there(lists: Line) -> None:
    rule(lists, NOBODY)
    lists.push("hubspot")
    ann = find_by_email(lists.portal, "ann@example.test")
    stranger = create_contact(lists.portal, {"email": "guest@example.test"}, lists.now())
    assert ann is not None
    by_hand(lists, ann.id, stranger.id)
    rule(lists, BUYERS)
    lists.push("hubspot")
    assert listed(lists) == WITH_ADDRESS | {"guest@example.test"}
    rule(lists, NOBODY)
    lists.push("hubspot")
    assert listed(lists) == {"ann@example.test", "guest@example.test"}
    assert untold(lists) == 0


@pytest.mark.parametrize("kind", ["apply_then_500", "cut_body"])
def test_invariant_7_also_where_the_outcome_of_our_call_was_unknown(lists: Line, kind: str) -> None:
    rule(lists, NOBODY)
    lists.push("hubspot")
    ann = find_by_email(lists.portal, "ann@example.test")
    assert ann is not None
    by_hand(lists, ann.id)
    lists.wait(60)
    rule(lists, BUYERS)
    lists.fault(kind, "PUT *", platform="hubspot")
    lists.push("hubspot")
    assert lists.mark(ann.id, "list").outcome == "unknown"
    lists.wait(61)
    lists.push("hubspot")
    assert (listed(lists), untold(lists)) == (WITH_ADDRESS, 0)
    assert (lists.mark(ann.id, "list").outcome, lists.mark(ann.id, "list").owned_since) == ("already", None)
    rule(lists, NOBODY)
    lists.push("hubspot")
    assert listed(lists) == {"ann@example.test"}


def test_invariant_8_an_address_that_hubspot_does_not_take_parks_alone(lists: Line) -> None:
    lists.customer(106, "not an @ddress")
    lists.order(2001, 106)
    lists.wait(61)
    lists.look_again()
    lists.push("hubspot")
    assert listed(lists) == WITH_ADDRESS
    bad = LedgerEntry.objects.get(parked_at__isnull=False)
    assert bad.outcome == LedgerEntry.Outcome.REJECTED
    assert bad.detail != ""
    assert "ddress" not in bad.detail.replace("address", "")
    asked = lists.calls()
    lists.wait(3_600)
    assert lists.push("hubspot") == 0
    assert lists.calls() == asked


def test_a_contact_pulled_before_it_was_created_is_not_created_again(lists: Line) -> None:
    lists.contact("Bob@Example.test")
    lists.wait(61)
    lists.look_again()
    lists.push("hubspot")
    assert listed(lists) == WITH_ADDRESS
    assert len(lists.portal.contacts) == len(WITH_ADDRESS)


def test_a_contact_made_by_somebody_else_meanwhile_is_taken_and_its_facts_are_pulled(lists: Line) -> None:
    bob = create_contact(lists.portal, {"email": "bob@example.test", "lifecyclestage": "customer"}, lists.now())
    lists.wait(30)
    lists.push("hubspot")  # not pulled yet
    assert listed(lists) == WITH_ADDRESS
    taken = Profile.objects.get(source="hubspot", external_id=str(bob.id))
    assert taken.properties is None
    lists.wait(31)
    lists.pull("contacts")
    taken.refresh_from_db()
    assert taken.properties is not None


@pytest.mark.parametrize("after", [False, True])
def test_invariant_10_killed_while_contacts_were_created(lists: Line, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    with killed(HubSpotDestination, "create", after=after, monkeypatch=monkeypatch):
        lists.push("hubspot")
    lists.wait(61)
    lists.push("hubspot")
    assert (listed(lists), len(lists.portal.contacts), untold(lists)) == (WITH_ADDRESS, len(WITH_ADDRESS), 0)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_invariant_10_killed_between_call_and_answer(lists: Line, monkeypatch: pytest.MonkeyPatch, after: bool, flipped: bool) -> None:
    with killed(HubSpotDestination, "write", after=after, monkeypatch=monkeypatch):
        lists.push("hubspot")
    if flipped:
        rule(lists, NOBODY)
    lists.wait(61)
    lists.push("hubspot")
    assert (listed(lists), untold(lists)) == (set() if flipped else WITH_ADDRESS, 0)
    rule(lists, NOBODY)
    lists.push("hubspot")
    assert listed(lists) == set()


def test_a_mark_that_is_wanted_keeps_the_record_that_another_one_no_longer_needs(lists: Line) -> None:
    lists.segment("number_of_orders >= 1", "others")
    lists.decide()
    rule(lists, NOBODY, "others")  # before anything was told
    lists.push("hubspot")
    assert listed(lists) == WITH_ADDRESS
    assert listed(lists, "SegSync: Others") == set()


def test_fault_41_nobody_is_created_for_a_mark_that_is_no_longer_wanted(lists: Line) -> None:
    rule(lists, NOBODY)
    lists.push("hubspot")
    assert len(lists.portal.contacts) == 1
    assert not Profile.objects.filter(external_id__startswith="new:").exists()
    rule(lists, BUYERS)
    lists.push("hubspot")
    assert listed(lists) == WITH_ADDRESS


def test_fault_26_a_deleted_contact_is_not_created_again_and_is_listed_when_it_is_back(lists: Line) -> None:
    lists.push("hubspot")
    ann = find_by_email(lists.portal, "ann@example.test")
    assert ann is not None
    archive_contact(lists.portal, ann, lists.now())
    lists.segment("number_of_orders >= 1", "others")
    lists.decide()
    lists.push("hubspot")
    rule(lists, NOBODY)
    rule(lists, BUYERS)
    lists.push("hubspot")
    assert listed(lists, "SegSync: Others") == WITH_ADDRESS - {"ann@example.test"}
    assert (len(lists.portal.contacts), untold(lists)) == (len(WITH_ADDRESS), 0)
    ann.archived, ann.updated_at = False, lists.wait(1)  # restored
    lists.wait(61)
    lists.look_again()
    lists.push("hubspot")
    assert listed(lists, "SegSync: Others") == listed(lists) == WITH_ADDRESS


def test_fault_29_a_list_that_was_deleted_is_not_made_again_and_stops_no_other(lists: Line) -> None:
    lists.segment("number_of_orders >= 1", "others")
    lists.decide()
    lists.push("hubspot")
    made = on_hubspot(lists)
    delete_list(lists.portal, made, lists.now())
    rule(lists, NOBODY)
    rule(lists, NOBODY, "others")
    lists.push("hubspot")
    lists.push("hubspot")
    target = Target.objects.get(name="SegSync: Buyers")
    assert target.ready_at is None
    assert "does not exist" in target.reason
    assert find_by_name(lists.portal, "SegSync: Buyers") is None
    assert listed(lists, "SegSync: Others") == set()
    lists.push("shopify")
    assert pipeline.settled(lists.shop, lists.now())  # the rest waits for a person


def test_fault_29_an_unknown_outcome_on_a_deleted_list_blocks_nobody(lists: Line) -> None:
    lists.segment("number_of_orders >= 1", "others")
    lists.decide()
    lists.fault("apply_then_500", "PUT *", platform="hubspot", times=2)
    lists.push("hubspot")
    lists.push("hubspot")
    assert LedgerEntry.objects.filter(outcome="unknown", target__kind="list").exists()
    delete_list(lists.portal, on_hubspot(lists), lists.now())
    for _ in range(3):
        lists.wait(61)
        lists.push("hubspot")
    assert listed(lists, "SegSync: Others") == WITH_ADDRESS
    assert "does not exist" in Target.objects.get(name="SegSync: Buyers").reason


def test_fault_29_a_list_made_active_waits_and_goes_on_when_it_is_static_again(lists: Line) -> None:
    lists.push("hubspot")
    made = on_hubspot(lists)
    made.processing_type, made.filter_branch = "DYNAMIC", ANNS
    rule(lists, NOBODY)
    lists.push("hubspot")
    lists.push("hubspot")
    assert "active list" in Target.objects.get(kind="list").reason
    made.processing_type, made.filter_branch = "MANUAL", None
    lists.wait(3_601)
    lists.push("hubspot")
    assert (listed(lists), untold(lists), Target.objects.get(kind="list").reason) == (set(), 0, "")


def test_a_list_of_that_name_that_is_somebody_elses_is_left_alone(lists: Line) -> None:
    lists.push("hubspot")
    lists.segment("number_of_orders >= 1", "others")
    theirs = create_list(lists.portal, "SegSync: Others", "MANUAL", lists.now())
    lists.decide()
    lists.push("hubspot")
    assert theirs.members == {}
    assert "did not make" in Target.objects.get(name="SegSync: Others").reason


def test_a_list_that_gets_no_answer_holds_up_no_other(lists: Line) -> None:
    lists.push("hubspot")
    lists.segment("number_of_orders >= 1", "others")
    lists.decide()
    rule(lists, NOBODY)
    lists.fault("502", "POST /crm/lists/*", platform="hubspot")
    lists.push("hubspot")
    assert listed(lists) == set()  # told all the same
    lists.wait(61)
    lists.push("hubspot")
    assert listed(lists, "SegSync: Others") == WITH_ADDRESS


def test_two_records_of_one_person_are_both_listed(lists: Line) -> None:
    lists.push("hubspot")
    lists.contact("ann@home.test")
    lists.store.customers[101].email = "ann@home.test"
    lists.store.customers[101].updated_at = lists.wait(1)
    lists.wait(61)
    lists.look_again()
    lists.push("hubspot")
    assert listed(lists) == WITH_ADDRESS | {"ann@home.test"}
