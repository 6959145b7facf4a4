"""Properties made and ticked, judged by what the portal holds afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from integrations.base import Change, MarkKind, Outcome, Ownership, Place, Result, Standing
from integrations.errors import Misconfigured, NotFound, RateLimited, Rejected, UnknownOutcome
from integrations.sandbox.hubspot.contacts import archive_contact, merge_contacts
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.server import SandboxServer
from tests.integrations.hubspot.desk import Desk, connect

MAKE = "POST /crm/properties/2026-09/contacts"
GROUP = "POST /crm/properties/2026-09/contacts/groups"
READ = "POST /crm/objects/2026-09/contacts/batch/read"
UPDATE = "POST /crm/objects/2026-09/contacts/batch/update"
VIP = "segsync_vip"


@pytest.fixture
def owner(db: None, sandbox: SandboxServer, portal: Portal) -> Desk:
    """A portal whose owner lets us make properties."""
    return connect(sandbox, portal, granted=("crm.schemas.contacts.write",))


def place(desk: Desk, name: str = VIP, label: str = "SegSync: VIP") -> Place:
    return desk.destination.ensure_place(Place(MarkKind.PROPERTY, name), label)


def people(desk: Desk, *names: str) -> list[str]:
    return [desk.contact(f"{name}@example.com") for name in names]


def results(outcomes: Sequence[Outcome]) -> dict[int, Result]:
    assert len({one.key for one in outcomes}) == len(outcomes)
    return {one.key: one.result for one in outcomes}


def ticks(where: Place, members: Sequence[str], *, add: bool = True, first_key: int = 0) -> list[Change]:
    return [Change(first_key + n, where, member, add) for n, member in enumerate(members)]


def ticked(desk: Desk, name: str = VIP) -> dict[str, str]:
    """Every contact that has a value of the property."""
    return {str(one.id): one.properties[name] for one in desk.portal.contacts.values() if one.properties.get(name)}


# --- properties ------------------------------------------------------------------------------------------------------------


def test_a_property_is_made_once_as_a_checkbox_in_our_group(owner: Desk) -> None:
    made = place(owner)
    defined = owner.portal.custom_properties[VIP]
    assert (defined["type"], defined["fieldType"], defined["groupName"], defined["label"]) == ("bool", "booleancheckbox", "segsync", "SegSync: VIP")
    assert owner.portal.property_groups["segsync"]["label"] == "SegSync"
    assert owner.destination.ensure_place(made, "SegSync: VIP") == made
    place(owner, "segsync_lapsed")
    assert (owner.calls(MAKE), owner.calls(GROUP)) == (2, 1)
    assert owner.destination.ensure_view(made, "VIP", "") == ""
    assert owner.destination.ownership(MarkKind.PROPERTY) is Ownership.OURS


def test_somebody_elses_property_is_left_alone(owner: Desk) -> None:
    place(owner, "segsync_lapsed")
    theirs = dict(owner.portal.custom_properties["segsync_lapsed"], name=VIP, groupName="contactinformation")
    owner.portal.custom_properties[VIP] = theirs
    with pytest.raises(Rejected, match="did not make"):
        place(owner)
    assert owner.portal.custom_properties[VIP] == theirs


def test_one_of_hubspots_own_is_never_taken(owner: Desk) -> None:
    with pytest.raises(Rejected, match="did not make"):
        place(owner, "jobtitle")


def test_a_create_whose_answer_was_lost_is_found_again_while_nobody_has_a_value(owner: Desk) -> None:
    owner.fault("apply_then_reset", MAKE)
    with pytest.raises(UnknownOutcome):
        place(owner)
    assert place(owner).external_id == owner.portal.custom_properties[VIP]["createdAt"]
    assert owner.calls(MAKE) == 1
    owner.contact("a@example.com", **{VIP: "true"})
    with pytest.raises(Rejected, match="did not make"):
        place(owner)


def test_fault_29_a_deleted_property_is_told_and_not_made_again(owner: Desk) -> None:
    made, kept = place(owner), place(owner, "segsync_lapsed")
    first, second = people(owner, "first", "second")
    del owner.portal.custom_properties[VIP]
    with pytest.raises(NotFound, match="deleted"):
        owner.destination.ensure_place(made, "")
    with pytest.raises(NotFound, match="deleted"):
        owner.destination.read(made, [first])
    outcomes = owner.destination.write([Change(1, made, first, True), Change(2, kept, first, True), Change(3, kept, second, True)])
    assert results(outcomes) == {1: Result.REJECTED, 2: Result.DONE, 3: Result.DONE}
    assert next(one.detail for one in outcomes if one.key == 1) == "The property was deleted in HubSpot."
    assert set(owner.portal.custom_properties) == {"segsync_lapsed"}


def test_fault_29_a_property_made_anew_by_somebody_under_our_name_is_not_ours(owner: Desk) -> None:
    made = place(owner)
    owner.portal.custom_properties[VIP]["createdAt"] = "2030-01-01T00:00:00Z"
    with pytest.raises(NotFound):
        owner.destination.ensure_place(made, "")
    with pytest.raises(NotFound):
        owner.destination.read(made, people(owner, "a"))


def test_fault_29_a_property_that_became_something_else_is_refused_with_what_to_do(owner: Desk) -> None:
    made = place(owner)
    owner.portal.custom_properties[VIP]["type"] = "string"
    with pytest.raises(Rejected, match="no checkbox any more"):
        owner.destination.ensure_place(made, "")


@pytest.mark.parametrize("name", ["", "VIP", "1st", "segsync-vip", "segsync vip", "hs_vip", "x" * 101])
def test_fault_31_what_cannot_name_a_property_is_refused_before_it_is_sent(owner: Desk, name: str) -> None:
    with pytest.raises(Rejected, match="cannot name a contact property"):
        place(owner, name)
    assert owner.calls(MAKE) == 0


def test_fault_25_without_the_right_to_make_properties_the_missing_scope_is_named(desk: Desk) -> None:
    with pytest.raises(Misconfigured, match=r"crm\.schemas\.contacts\.write"):
        place(desk)


# --- values ----------------------------------------------------------------------------------------------------------------


def test_leaving_empties_the_property_and_nothing_of_ours_stays(owner: Desk) -> None:
    made = place(owner)
    members = people(owner, "a", "b")
    assert set(results(owner.destination.write(ticks(made, members))).values()) == {Result.DONE}
    assert ticked(owner) == dict.fromkeys(members, "true")
    assert results(owner.destination.write(ticks(made, members[:1], add=False))) == {0: Result.DONE}
    assert ticked(owner) == {members[1]: "true"}
    assert VIP not in {name for name, value in owner.portal.contacts[int(members[0])].properties.items() if value}


def test_each_change_has_its_own_outcome(owner: Desk) -> None:
    made = place(owner)
    new, inside, leaving, never, gone = people(owner, "new", "inside", "leaving", "never", "gone")
    owner.destination.write(ticks(made, [inside, leaving]))
    archive_contact(owner.portal, owner.portal.contacts[int(gone)], datetime.now(UTC))
    members = [(new, True), (inside, True), (leaving, False), (never, False), (gone, True), ("999999999", True), ("no-id", True)]
    outcomes = owner.destination.write([Change(n, made, member, add) for n, (member, add) in enumerate(members, start=1)])
    assert results(outcomes) == {
        1: Result.DONE,
        2: Result.ALREADY,
        3: Result.DONE,
        4: Result.ALREADY,
        5: Result.GONE,
        6: Result.GONE,
        7: Result.REJECTED,
    }
    assert ticked(owner) == {new: "true", inside: "true"}


def test_a_contact_that_vanishes_between_look_and_change_is_gone_and_its_neighbour_is_done(owner: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place(owner)
    kept, gone = people(owner, "kept", "gone")
    update = owner.client.update_contacts

    def late(inputs: Sequence[dict[str, object]]) -> dict[str, object]:
        archive_contact(owner.portal, owner.portal.contacts[int(gone)], datetime.now(UTC))
        return update(inputs)

    monkeypatch.setattr(owner.client, "update_contacts", late)
    assert results(owner.destination.write(ticks(made, [kept, gone]))) == {0: Result.DONE, 1: Result.GONE}
    assert ticked(owner) == {kept: "true"}


def test_all_properties_of_a_contact_go_in_one_input_and_a_hundred_contacts_in_one_call(owner: Desk) -> None:
    places = [place(owner, f"segsync_{n}") for n in range(3)]
    members = people(owner, *(f"p{n}" for n in range(230)))
    changes = [Change(n * 1_000 + m, where, member, True) for m, member in enumerate(members) for n, where in enumerate(places)]
    assert Counter(results(owner.destination.write(changes)).values()) == {Result.DONE: 690}
    assert (owner.calls(READ), owner.calls(UPDATE)) == (3, 3)
    assert all(ticked(owner, where.name) == dict.fromkeys(members, "true") for where in places)
    assert owner.destination.cost(230, 0, kind=MarkKind.PROPERTY).calls == 6


def test_in_and_out_again_of_one_contact_happen_in_that_order(owner: Desk) -> None:
    made, (one,) = place(owner), people(owner, "a")
    assert results(owner.destination.write([Change(1, made, one, True), Change(2, made, one, False)])) == {1: Result.DONE, 2: Result.DONE}
    assert ticked(owner) == {}


def test_fault_27_the_old_id_of_a_merged_contact_writes_nothing_to_the_survivor(owner: Desk) -> None:
    made = place(owner)
    kept, swallowed = people(owner, "kept", "swallowed")
    merge_contacts(owner.portal, owner.portal.contacts[int(kept)], owner.portal.contacts[int(swallowed)], datetime.now(UTC))
    assert results(owner.destination.write(ticks(made, [swallowed]))) == {0: Result.GONE}
    assert ticked(owner) == {}
    assert results(owner.destination.write(ticks(made, [kept]))) == {0: Result.DONE}
    assert owner.destination.read(made, [swallowed, kept]) == {swallowed: None, kept: True}


def test_fault_21_a_value_that_hubspot_does_not_take_singles_out_its_contact(owner: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place(owner)
    members = people(owner, *(f"p{n}" for n in range(40)))
    update = owner.client.update_contacts

    def spoilt(inputs: Sequence[dict[str, object]]) -> dict[str, object]:
        return update([dict(one, properties={VIP: "perhaps"}) if one["id"] == members[17] else one for one in inputs])

    monkeypatch.setattr(owner.client, "update_contacts", spoilt)
    outcomes = owner.destination.write(ticks(made, members))
    assert {key for key, result in results(outcomes).items() if result is not Result.DONE} == {17}
    assert next(one for one in outcomes if one.key == 17).result is Result.REJECTED
    assert set(ticked(owner)) == {*members} - {members[17]}


@pytest.mark.parametrize("kind", ["apply_then_500", "apply_then_reset", "cut_body", "reset", "503"])
def test_fault_4_an_unknown_outcome_is_said_so_and_read_back(owner: Desk, kind: str) -> None:
    made = place(owner)
    members = people(owner, *(f"p{n}" for n in range(150)))
    owner.fault(kind, UPDATE)
    told = results(owner.destination.write(ticks(made, members)))
    assert Counter(told.values()) == {Result.UNKNOWN: 100, Result.DONE: 50}
    applied = kind not in ("reset", "503")
    assert owner.destination.read(made, members) == {member: applied or n >= 100 for n, member in enumerate(members)}


def test_fault_22_a_429_half_way_keeps_what_was_done_and_one_at_the_start_is_raised(owner: Desk) -> None:
    made = place(owner)
    members = people(owner, *(f"p{n}" for n in range(150)))
    owner.fault("429", READ, retry_after=1.0)
    with pytest.raises(RateLimited):
        owner.destination.write(ticks(made, members))


def test_lists_and_properties_are_written_in_one_go(owner: Desk) -> None:
    listed, made = owner.place("SegSync: VIP"), place(owner)
    members = people(owner, "a", "b")
    outcomes = owner.destination.write([*ticks(made, members), *ticks(listed, members, first_key=10)])
    assert set(results(outcomes).values()) == {Result.DONE}
    assert (owner.members("SegSync: VIP"), set(ticked(owner))) == ({*members}, {*members})
    owner.fault("429", READ, retry_after=1.0)
    both = [*ticks(made, members, add=False), *ticks(listed, members, add=False, first_key=10)]
    assert Counter(results(owner.destination.write(both)).values()) == {Result.DONE: 2, Result.UNSENT: 2}
    assert (owner.members("SegSync: VIP"), set(ticked(owner))) == (set(), {*members})


def test_a_value_set_to_no_by_hand_counts_as_not_ticked_and_is_emptied_with_the_rest(owner: Desk) -> None:
    made = place(owner)
    one = owner.contact("a@example.com", **{VIP: "false"})
    assert owner.destination.read(made, [one]) == {one: False}
    assert results(owner.destination.write(ticks(made, [one], add=False))) == {0: Result.DONE}
    assert ticked(owner) == {}


def test_an_hour_after_a_lost_create_the_property_counts_as_somebody_elses(owner: Desk) -> None:
    owner.fault("apply_then_reset", MAKE)
    with pytest.raises(UnknownOutcome):
        place(owner)
    old = datetime.now(UTC) - timedelta(hours=2)
    owner.portal.custom_properties[VIP]["createdAt"] = old.isoformat()
    with pytest.raises(Rejected, match="did not make"):
        place(owner)


# --- who has it, and how it stands -----------------------------------------------------------------------------------------


def test_everybody_who_has_it_ticked_is_told_by_id_and_a_reading_goes_on_where_it_stopped(owner: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    where = place(owner)
    ours = [owner.contact(f"p{number}@example.com", **{VIP: "true"}) for number in range(5)]
    owner.contact("no@example.com", **{VIP: "false"})
    owner.contact("never@example.com")
    monkeypatch.setattr("integrations.hubspot.ticks.PAGE", 2)
    pages = list(owner.destination.holders(where))
    assert [one.member for page in pages for one in page.people] == ours
    assert [page.cursor for page in pages] == [ours[1], ours[3], ""]
    assert [one.member for page in owner.destination.holders(where, ours[1]) for one in page.people] == ours[2:]


def test_how_a_property_stands(owner: Desk) -> None:
    where = place(owner)
    assert owner.destination.standing(where, "") == Standing(VIP)
    assert "not been made" in owner.destination.standing(Place(MarkKind.PROPERTY, VIP), "").problem
    owner.portal.custom_properties[VIP]["type"] = "string"
    assert "no checkbox any more" in owner.destination.standing(where, "").problem
    del owner.portal.custom_properties[VIP]
    assert "deleted" in owner.destination.standing(where, "").problem
    with pytest.raises(NotFound):
        list(owner.destination.holders(where))
