"""Lists made and members written, judged by what the portal holds afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from integrations import http
from integrations.base import Change, MarkKind, NewMember, Outcome, Place, Result
from integrations.errors import Misconfigured, NotFound, RateLimited, Rejected, UnknownOutcome
from integrations.hubspot import memberships
from integrations.sandbox.hubspot.contacts import archive_contact, merge_contacts
from integrations.sandbox.hubspot.lists import create_list
from integrations.sandbox.hubspot.state import Folder, Portal
from integrations.sandbox.server import SandboxServer
from tests.integrations.hubspot.desk import Desk, connect

IS_LEAD = {
    "filterType": "PROPERTY",
    "property": "lifecyclestage",
    "operation": {"operationType": "ENUMERATION", "operator": "IS_ANY_OF", "values": ["lead"], "includeObjectsWithNoValueSet": False},
}
CREATE = "POST /crm/lists/2026-09"
CHANGE = "PUT /crm/lists/2026-09/{id}/memberships/add-and-remove"


def _changes(place: Place, members: Sequence[str], *, add: bool = True, first_key: int = 0) -> list[Change]:
    return [Change(first_key + n, place, member, add) for n, member in enumerate(members)]


def _results(outcomes: Sequence[Outcome]) -> dict[int, Result]:
    assert len({one.key for one in outcomes}) == len(outcomes)
    return {one.key: one.result for one in outcomes}


def _now() -> datetime:
    return datetime.now(UTC)


# --- lists ---------------------------------------------------------------------------------------------------------------


def test_a_list_is_made_once_by_hand_filling_in_our_folder(desk: Desk) -> None:
    place = desk.place("SegSync – VIP buyers")
    made = desk.list_named("segsync – vip buyers")
    assert (str(made.id), made.processing_type) == (place.external_id, "MANUAL")
    assert desk.portal.folders[made.folder_id].name == "SegSync"
    assert desk.destination.ensure_place(place, "") == place
    other = desk.place("SegSync – At risk / lapsed?")
    assert desk.portal.lists[int(other.external_id)].folder_id == made.folder_id
    assert len(desk.portal.folders) == 1
    assert desk.destination.ensure_view(place, "VIP", "") == ""


def test_a_folder_of_that_name_that_is_there_is_used(desk: Desk) -> None:
    desk.portal.folders[7] = Folder(7, "segsync")
    desk.place("VIP")
    assert desk.list_named("VIP").folder_id == 7


def test_somebody_elses_list_is_left_alone(desk: Desk) -> None:
    theirs = create_list(desk.portal, "vip", "MANUAL", _now())
    with pytest.raises(Rejected, match="already has a list named “VIP”"):
        desk.place("VIP")
    assert theirs.members == {}
    assert list(desk.portal.lists) == [theirs.id]


def test_a_create_whose_answer_was_lost_is_found_again(desk: Desk) -> None:
    desk.fault("apply_then_reset", CREATE)
    with pytest.raises(UnknownOutcome):
        desk.place("VIP")
    place = desk.place("VIP")
    assert [str(one) for one in desk.portal.lists] == [place.external_id]


def test_a_list_in_our_folder_that_holds_people_is_not_taken_for_ours(desk: Desk) -> None:
    desk.destination.write(_changes(desk.place("VIP"), [desk.contact("a@example.com")]))
    with pytest.raises(Rejected):
        desk.destination.ensure_place(Place(MarkKind.LIST, "VIP"), "")


def test_fault_29_a_deleted_list_is_told_and_not_made_again(desk: Desk) -> None:
    place = desk.place("VIP")
    desk.list_named("VIP").deleted_at = _now()
    with pytest.raises(NotFound):
        desk.destination.ensure_place(place, "")
    with pytest.raises(NotFound):
        desk.destination.read(place, ["1"])
    (told,) = desk.destination.write(_changes(place, [desk.contact("a@example.com")]))
    assert (told.result, told.detail) == (Result.REJECTED, "The list was deleted in HubSpot.")
    assert len(desk.portal.lists) == 1


def test_fault_29_a_list_that_became_active_is_told_for_each_change(desk: Desk) -> None:
    place = desk.place("VIP")
    members = [desk.contact(f"p{n}@example.com") for n in range(40)]
    made = desk.list_named("VIP")
    made.processing_type = "DYNAMIC"
    made.filter_branch = {
        "filterBranchType": "OR",
        "filterBranchOperator": "OR",
        "filters": [],
        "filterBranches": [{"filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [], "filters": [IS_LEAD]}],
    }
    with pytest.raises(Rejected, match="active list"):
        desk.destination.ensure_place(place, "")
    outcomes = desk.destination.write(_changes(place, members))
    assert {(one.result, "active list" in one.detail) for one in outcomes} == {(Result.REJECTED, True)}
    assert desk.calls(CHANGE) == 1


def test_a_tag_has_no_place_in_hubspot(desk: Desk) -> None:
    with pytest.raises(Misconfigured, match="lists"):
        desk.destination.ensure_place(Place(MarkKind.TAG, "segsync:vip"), "")


# --- members -------------------------------------------------------------------------------------------------------------


def test_each_change_has_its_own_outcome(desk: Desk) -> None:
    place = desk.place("VIP")
    new, inside, leaving, never, gone = (desk.contact(f"{name}@example.com") for name in ("new", "inside", "leaving", "never", "gone"))
    desk.destination.write(_changes(place, [inside, leaving]))
    archive_contact(desk.portal, desk.portal.contacts[int(gone)], _now())
    changes = [
        Change(1, place, new, True),
        Change(2, place, inside, True),
        Change(3, place, leaving, False),
        Change(4, place, never, False),
        Change(5, place, gone, True),
        Change(6, place, "999999999", True),
        Change(7, place, "not-an-id", True),
    ]
    assert _results(desk.destination.write(changes)) == {
        1: Result.DONE,
        2: Result.ALREADY,
        3: Result.DONE,
        4: Result.ALREADY,
        5: Result.GONE,
        6: Result.GONE,
        7: Result.REJECTED,
    }
    assert desk.members("VIP") == {new, inside}


def test_changes_of_many_lists_cost_one_call_each(desk: Desk) -> None:
    places = [desk.place(f"Segment {n}") for n in range(12)]
    people = [desk.contact(f"p{n}@example.com") for n in range(90)]
    changes = [Change(len(people) * n + m, place, one, True) for n, place in enumerate(places) for m, one in enumerate(people)]
    outcomes = desk.destination.write(changes)
    assert set(_results(outcomes).values()) == {Result.DONE}
    assert len(outcomes) == len(changes) == 1_080
    assert desk.calls(CHANGE) == 12
    assert all(desk.members(f"Segment {n}") == set(people) for n in range(12))


def test_more_than_a_thousand_changes_of_a_list_are_sent_in_parts(desk: Desk) -> None:
    place = desk.place("VIP")
    people = [desk.contact(f"p{n}@example.com") for n in range(2_100)]
    assert set(_results(desk.destination.write(_changes(place, people))).values()) == {Result.DONE}
    assert desk.calls(CHANGE) == 3
    assert desk.members("VIP") == set(people)


def test_in_and_out_again_of_one_person_happen_in_that_order(desk: Desk) -> None:
    place, one = desk.place("VIP"), desk.contact("a@example.com")
    outcomes = desk.destination.write([Change(1, place, one, True), Change(2, place, one, False)])
    assert _results(outcomes) == {1: Result.DONE, 2: Result.DONE}
    assert desk.members("VIP") == set()


@pytest.mark.parametrize("kind", ["apply_then_500", "apply_then_reset", "cut_body", "reset", "503"])
def test_fault_4_an_unknown_outcome_is_said_so_and_other_lists_go_on(desk: Desk, kind: str) -> None:
    first, second = desk.place("First"), desk.place("Second")
    a, b = desk.contact("a@example.com"), desk.contact("b@example.com")
    desk.fault(kind, CHANGE)
    outcomes = desk.destination.write([Change(1, first, a, True), Change(2, second, b, True)])
    assert _results(outcomes) == {1: Result.UNKNOWN, 2: Result.DONE}
    applied = kind not in ("reset", "503")
    assert desk.destination.read(first, [a]) == {a: applied}
    assert desk.members("Second") == {b}


def test_two_calls_without_answer_leave_the_rest_for_later(desk: Desk) -> None:
    places = [desk.place(f"Segment {n}") for n in range(4)]
    one = desk.contact("a@example.com")
    desk.fault("reset", CHANGE, times=4)
    outcomes = desk.destination.write([Change(n, place, one, True) for n, place in enumerate(places)])
    assert _results(outcomes) == {0: Result.UNKNOWN, 1: Result.UNKNOWN, 2: Result.UNSENT, 3: Result.UNSENT}


def test_fault_22_a_429_before_anything_was_done_is_raised_and_hubspot_is_left_in_peace(desk: Desk) -> None:
    place, one = desk.place("VIP"), desk.contact("a@example.com")
    desk.fault("429", CHANGE, retry_after=30.0)
    with pytest.raises(RateLimited) as told:
        desk.destination.write(_changes(place, [one]))
    assert told.value.retry_after == 30.0
    calls = len([call for call in desk.server.world.calls.recent(_now() - timedelta(minutes=1)) if call.account == desk.connection.account])
    with pytest.raises(RateLimited):
        desk.destination.write(_changes(place, [one]))
    again = [call for call in desk.server.world.calls.recent(_now() - timedelta(minutes=1)) if call.account == desk.connection.account]
    assert len(again) == calls


def test_a_429_half_way_keeps_what_was_done(desk: Desk) -> None:
    first, second = desk.place("First"), desk.place("Second")
    one = desk.contact("a@example.com")
    used = len(desk.server.hubspot.limits._calls[desk.portal.hub_id])
    desk.portal.limits_scale = (used + 1.5) / 110  # room for one more call
    outcomes = desk.destination.write([Change(1, first, one, True), Change(2, second, one, True)])
    assert _results(outcomes) == {1: Result.DONE, 2: Result.UNSENT}
    assert (desk.members("First"), desk.members("Second")) == ({one}, set())


def test_fault_5_a_call_given_up_on_may_still_be_carried_out_and_is_read_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    place, one = desk.place("VIP"), desk.contact("a@example.com")
    monkeypatch.setattr(http, "TIMEOUT", (1.0, 0.2))
    desk.fault("hang", CHANGE, seconds=0.5)
    assert _results(desk.destination.write(_changes(place, [one]))) == {0: Result.UNKNOWN}
    assert desk.destination.read(place, [one]) == {one: False}
    time.sleep(0.5)
    assert desk.destination.read(place, [one]) == {one: True}


def test_fault_28_a_merged_contact_is_gone_and_the_survivor_can_be_written(desk: Desk) -> None:
    place = desk.place("VIP")
    kept, swallowed = desk.contact("kept@example.com"), desk.contact("swallowed@example.com")
    merge_contacts(desk.portal, desk.portal.contacts[int(kept)], desk.portal.contacts[int(swallowed)], _now())
    assert _results(desk.destination.write(_changes(place, [swallowed, kept]))) == {0: Result.GONE, 1: Result.DONE}
    assert desk.members("VIP") == {kept}
    assert desk.destination.read(place, [swallowed, kept]) == {swallowed: None, kept: True}


def test_reading_tells_inside_outside_and_gone(desk: Desk) -> None:
    place = desk.place("VIP")
    inside, outside, gone = (desk.contact(f"{name}@example.com") for name in ("inside", "outside", "gone"))
    desk.destination.write(_changes(place, [inside, gone]))
    archive_contact(desk.portal, desk.portal.contacts[int(gone)], _now())
    asked = [inside, outside, gone, "888888888", "nobody"]
    assert desk.destination.read(place, asked) == {inside: True, outside: False, gone: None, "888888888": None, "nobody": None}
    assert desk.destination.read(place, []) == {}


def test_many_are_read_by_the_cheaper_way(desk: Desk) -> None:
    place = desk.place("VIP")
    people = [desk.contact(f"p{n}@example.com") for n in range(1_000)]
    desk.destination.write(_changes(place, people))
    assert set(desk.destination.read(place, people).values()) == {True}
    assert desk.calls("GET /crm/lists/2026-09/{id}/memberships") == 4
    assert desk.calls("POST /crm/lists/2026-09/records/memberships/batch/read") == 0
    assert set(desk.destination.read(place, people[:150]).values()) == {True}
    assert desk.calls("POST /crm/lists/2026-09/records/memberships/batch/read") == 2


# --- people --------------------------------------------------------------------------------------------------------------


def test_contacts_are_created_once_and_found_again(desk: Desk) -> None:
    there = desk.contact("There@Example.com")
    second = desk.contact("main@example.com", hs_additional_emails="further@example.com")
    asked = [NewMember(n, email) for n, email in enumerate(["new@example.com", "there@example.COM", "further@example.com", " NEW@example.com "])]
    answers = {one.key: one for one in desk.destination.create(asked)}
    made = {contact.properties["email"]: str(contact.id) for contact in desk.portal.contacts.values()}
    assert set(made) == {"There@Example.com", "main@example.com", "new@example.com"}
    assert [answers[n].external_id for n in range(4)] == [made["new@example.com"], there, second, made["new@example.com"]]
    assert [answers[n].result for n in range(3)] == [Result.DONE, Result.ALREADY, Result.ALREADY]
    again = {one.key: one.external_id for one in desk.destination.create(asked)}
    assert again == {key: one.external_id for key, one in answers.items()}


def test_hundreds_are_created_though_one_address_is_no_good(desk: Desk) -> None:
    asked = [NewMember(n, f"p{n}@example.com") for n in range(230)]
    asked[117] = NewMember(117, "no address at all")
    asked.append(NewMember(999, "  "))
    answers = {one.key: one for one in desk.destination.create(asked)}
    bad = {key for key, one in answers.items() if one.result is not Result.DONE}
    assert bad == {117, 999}
    assert answers[117].result is Result.REJECTED
    assert answers[117].detail
    assert "no address" not in answers[117].detail
    assert len(desk.portal.contacts) == 229


def test_a_creation_without_answer_is_unknown_and_found_the_next_time(desk: Desk) -> None:
    desk.fault("apply_then_500", "POST /crm/objects/2026-09/contacts/batch/upsert")
    asked = [NewMember(1, "a@example.com")]
    assert [one.result for one in desk.destination.create(asked)] == [Result.UNKNOWN]
    (told,) = desk.destination.create(asked)
    assert (told.result, len(desk.portal.contacts)) == (Result.ALREADY, 1)


def test_nobody_to_create_costs_nothing(desk: Desk) -> None:
    assert list(desk.destination.create([])) == []
    assert desk.calls("POST /crm/objects/2026-09/contacts/batch/read") == 0


def test_answers_are_read_in_either_spelling_and_with_fields_left_out() -> None:
    place = Place(MarkKind.LIST, "VIP", "1")
    chunk = [Change(1, place, "5", True), Change(2, place, "6", True), Change(3, place, "7", False)]
    for added in ("recordsIdsAdded", "recordIdsAdded"):
        assert _results(memberships._told(chunk, {added: ["5"]})) == {1: Result.DONE, 2: Result.ALREADY, 3: Result.ALREADY}
    assert set(_results(memberships._told(chunk, {})).values()) == {Result.ALREADY}


def test_two_portals_never_meet(db: None, desk: Desk, sandbox: SandboxServer) -> None:
    other_portal = Portal(desk.portal.hub_id + 50_000, "other.example", search_lag=timedelta(0))
    sandbox.world.portals[other_portal.hub_id] = other_portal
    other = connect(sandbox, other_portal)
    place = desk.place("VIP")
    other.place("VIP")
    desk.destination.write(_changes(place, [desk.contact("a@example.com")]))
    assert other.members("VIP") == set()
    assert other.portal.contacts == {}
