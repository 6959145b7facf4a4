"""The audit: everything is read back, what somebody else did is told, and put right as the settings say; nobody else's doing is undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from integrations.base import Holder, Holders
from integrations.models import Connection
from integrations.sandbox.by_hand import change_list_members
from integrations.sandbox.hubspot.contacts import find_by_email, merge_contacts
from integrations.sandbox.hubspot.lists import delete_list, find_by_name
from integrations.sandbox.hubspot.state import CrmList
from integrations.shopify.push import ShopifyDestination
from segsync import pipeline
from segsync.diff.models import LedgerEntry, Target, WhenRemoved, WritebackSettings
from segsync.push import audit as module
from segsync.push import drift
from segsync.push.audit import ask, next_night, plan, run
from segsync.push.models import Audit, AuditedTarget, Finding
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from tests.line import BUYERS, Line, killed

EVERY_BUYER = {101, 102, 103, 105}
NOBODY = "number_of_orders >= 99"
SETTLED = ShopifyDestination.settle.total_seconds() + 1
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
WITH_ADDRESS = {"ann@example.test", "bob@example.test", "cat@example.test", "eve@example.test"}


@pytest.fixture
def told(tags: Line) -> Line:
    """Four buyers have the tag, for long enough to be believed."""
    tags.push()
    tags.wait(SETTLED)
    return tags


@pytest.fixture
def listed(lists: Line) -> Line:
    """Four buyers are on the list, for long enough to be believed."""
    lists.push("hubspot")
    lists.wait(SETTLED)
    return lists


def rule(line: Line, text: str) -> None:
    segment = Segment.objects.get(shop=line.shop, handle="buyers")
    change_rule(segment, text, author=None, reason="", now=line.now())
    pipeline.rule_changed(segment, line.now())
    line.wait(1)
    line.decide()


def audit(line: Line, vendor: str = "shopify", *, only_report: bool = False) -> AuditedTarget:
    """Audit now, to the end; what it found of the only place."""
    asked = ask(Connection.objects.get(shop=line.shop, vendor=vendor), line.now(), only_report=only_report)
    for _ in range(20):
        if run(asked.pk, line.now):
            break
    asked.refresh_from_db()
    assert asked.status == Audit.Status.DONE, asked.problem
    return asked.targets.get()


def audit_and_push(line: Line, vendor: str = "shopify") -> AuditedTarget:
    found = audit(line, vendor)
    line.push(vendor)
    line.wait(SETTLED)
    return found


def counts(found: AuditedTarget) -> dict[str, int]:
    return {name: number for name in (*module.COUNTS, "repaired") if (number := getattr(found, name))}


def settings(line: Line, **fields: object) -> None:
    WritebackSettings.objects.filter(shop=line.shop).update(**fields)


def findings(found: AuditedTarget) -> list[tuple[str, str, str]]:
    return sorted(Finding.objects.filter(audit=found.audit).values_list("kind", "external_id", "done"))


def on_hubspot(line: Line) -> CrmList:
    made = find_by_name(line.portal, "SegSync: Buyers")
    assert made is not None
    return made


def test_what_is_as_it_should_be_is_counted_and_nothing_is_written(told: Line) -> None:
    writes = told.calls("Batch", "StartBulkMutation")
    assert counts(audit_and_push(told)) == {"right": 4}
    assert told.calls("Batch", "StartBulkMutation") == writes
    assert not Finding.objects.exists()


def test_fault_30_a_tag_that_the_merchant_took_away_is_put_back_once_an_audit(told: Line) -> None:
    told.untag(101, "segsync:buyers")
    found = audit_and_push(told)
    assert (counts(found), findings(found)) == ({"right": 3, "missing": 1, "repaired": 1}, [("missing", "101", "put_back")])
    assert (found.drift, found.members) == (1, 4)
    assert told.tagged() == EVERY_BUYER
    told.untag(101, "segsync:buyers")
    told.look_again()
    told.push()
    assert told.tagged() == EVERY_BUYER - {101}  # not before the next audit
    assert counts(audit_and_push(told))["missing"] == 1
    assert told.tagged() == EVERY_BUYER
    rule(told, NOBODY)
    told.push()
    assert told.tagged() == set()  # what was put back is ours again


def test_fault_30_a_tag_that_the_merchant_took_away_stays_away_where_that_is_respected(told: Line) -> None:
    settings(told, when_removed=WhenRemoved.RESPECT)
    told.untag(101, "segsync:buyers")
    found = audit_and_push(told)
    assert (counts(found), findings(found)) == ({"right": 3, "missing": 1, "repaired": 1}, [("missing", "101", "respected")])
    assert told.mark(101).outcome == LedgerEntry.Outcome.RESPECTED
    for _ in range(3):  # over later audits, pulls, evaluations and pushes
        told.order(3000 + int(told.now().timestamp()) % 1000, 101)
        told.wait(SETTLED)
        told.look_again()
        assert counts(audit_and_push(told)) == {"right": 3, "respected": 1}
        assert told.tagged() == EVERY_BUYER - {101}
    rule(told, NOBODY)
    told.push()
    rule(told, BUYERS)  # who leaves and enters anew is told anew
    told.push()
    assert told.tagged() == EVERY_BUYER


def test_fault_30_once_removals_are_no_longer_respected_the_next_audit_puts_back(told: Line) -> None:
    settings(told, when_removed=WhenRemoved.RESPECT)
    told.untag(101, "segsync:buyers")
    audit_and_push(told)
    settings(told, when_removed=WhenRemoved.PUT_BACK)
    audit_and_push(told)
    assert told.tagged() == EVERY_BUYER


def test_a_target_with_a_policy_of_its_own_does_not_follow_the_shops(told: Line) -> None:
    Target.objects.update(when_removed=WhenRemoved.RESPECT)
    told.untag(101, "segsync:buyers")
    audit_and_push(told)
    assert told.tagged() == EVERY_BUYER - {101}


def test_fault_30_what_somebody_else_put_there_is_never_touched(told: Line) -> None:
    told.tag(104, "segsync:buyers")  # bought nothing
    told.customer(900)
    told.tag(900, "segsync:buyers")  # not pulled yet: nobody we know
    found = audit_and_push(told)
    assert (counts(found), findings(found)) == ({"right": 4, "foreign": 2}, [("foreign", "104", ""), ("foreign", "900", "")])
    assert told.tagged() == EVERY_BUYER | {104, 900}
    rule(told, NOBODY)
    told.push()
    told.wait(SETTLED)
    audit_and_push(told)
    assert told.tagged() == {104, 900}


def test_fault_30_a_respected_removal_that_the_merchant_takes_back_is_theirs(told: Line) -> None:
    settings(told, when_removed=WhenRemoved.RESPECT)
    told.untag(101, "segsync:buyers")
    audit_and_push(told)
    told.tag(101, "segsync:buyers")
    assert counts(audit_and_push(told)) == {"right": 3, "foreign": 1}
    assert (told.mark(101).present, told.mark(101).outcome) == (True, LedgerEntry.Outcome.ALREADY)
    rule(told, NOBODY)
    told.push()
    assert told.tagged() == {101}


@pytest.mark.parametrize("way", ["setting", "asked"])
def test_a_report_changes_nothing(told: Line, way: str) -> None:
    settings(told, audit_repairs=way == "asked")
    told.untag(101, "segsync:buyers")
    before = list(LedgerEntry.objects.order_by("pk").values())
    found = audit(told, only_report=way == "asked")
    assert (counts(found), findings(found)) == ({"right": 3, "missing": 1}, [("missing", "101", "")])
    assert list(LedgerEntry.objects.order_by("pk").values()) == before


def test_a_mark_of_ours_that_was_not_to_be_taken_away_is_tried_again(told: Line) -> None:
    entry = told.mark(102)
    LedgerEntry.objects.filter(pk=entry.pk).update(wanted=False, generation=entry.generation + 1, parked_at=told.now(), detail="Refused.")
    found = audit_and_push(told)
    assert (counts(found), findings(found)) == ({"right": 3, "extra": 1, "repaired": 1}, [("extra", "102", "taken_away")])
    assert told.tagged() == EVERY_BUYER - {102}


def test_fault_31_who_has_all_the_tags_that_shopify_allows_is_told_and_tagged_once_there_is_room(tags: Line) -> None:
    tags.store.customers[102].tags = sorted(f"tag-{number:03}" for number in range(250))
    tags.push()
    tags.wait(SETTLED)
    found = audit_and_push(tags)
    assert (counts(found), findings(found)) == ({"right": 3, "limit": 1}, [("limit", "102", "")])
    assert Finding.objects.get().detail == "The record has 250 marks; the platform allows 250."
    tags.untag(102, "tag-007")
    assert counts(audit_and_push(tags)) == {"right": 3, "repaired": 1}
    assert tags.tagged() == EVERY_BUYER


def test_fault_31_a_tag_spelled_otherwise_is_the_same_tag(told: Line) -> None:
    told.store.customers[101].tags = ["SegSync:Buyers"]
    assert counts(audit_and_push(told)) == {"right": 4, "renamed": 1}
    assert told.store.customers[101].tags == ["SegSync:Buyers"]
    assert Finding.objects.get().detail == "It is spelled SegSync:Buyers there."


def test_fault_26_somebody_deleted_is_closed_and_not_looked_for_again(told: Line) -> None:
    del told.store.customers[103]
    found = audit_and_push(told)
    assert (counts(found), findings(found)) == ({"right": 3, "gone": 1, "repaired": 1}, [("gone", "103", "closed")])
    assert told.mark(103).outcome == LedgerEntry.Outcome.GONE
    assert counts(audit_and_push(told)) == {"right": 3}


def test_what_may_still_land_or_was_just_told_is_left_alone(tags: Line) -> None:
    tags.fault("apply_then_500", "Batch", platform="shopify")
    tags.push()
    assert counts(audit(tags)) == {"waiting": 4}
    assert tags.mark(101).sent_at is not None
    tags.wait(SETTLED)
    tags.push()
    tags.untag(101, "segsync:buyers")
    assert counts(audit(tags)) == {"waiting": 4}
    tags.wait(SETTLED)
    assert counts(audit(tags)) == {"right": 3, "missing": 1, "repaired": 1}


def test_a_mark_that_is_told_while_it_is_compared_is_not_repaired(told: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    told.untag(101, "segsync:buyers")
    read = ShopifyDestination.read

    def left_meanwhile(*args: object) -> object:
        found = read(*args)  # type: ignore[arg-type]
        rule(told, NOBODY)
        told.push()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(ShopifyDestination, "read", left_meanwhile)
        assert "repaired" not in counts(audit(told))
    told.push()
    assert told.tagged() == set()
    assert not LedgerEntry.objects.filter(wanted=True).exists()


def test_an_index_that_lags_takes_nothing_away(told: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> Iterator[Holders]:
        yield Holders([], "")

    monkeypatch.setattr(ShopifyDestination, "holders", nobody)
    settings(told, when_removed=WhenRemoved.RESPECT)
    assert counts(audit_and_push(told)) == {"right": 4}


def test_people_told_out_of_order_are_not_compared(told: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def backwards(*_: object) -> Iterator[Holders]:
        yield Holders([Holder("105"), Holder("101")], "")

    monkeypatch.setattr(ShopifyDestination, "holders", backwards)
    asked = ask(told.shopify, told.now())
    assert not run(asked.pk, told.now)
    asked.refresh_from_db()
    assert (asked.status, asked.problem, asked.failures) == ("running", "The platform did not tell people in order.", 1)
    assert counts(asked.targets.get()) == {}


@pytest.mark.parametrize("batch", [1, 2, 3, 500])
@pytest.mark.parametrize("gathered", [1, 2, 2_000])
def test_in_pages_and_batches_of_any_size_everybody_is_compared_once(told: Line, monkeypatch: pytest.MonkeyPatch, batch: int, gathered: int) -> None:
    for number in (9, 98, 1001):
        told.customer(number)
        told.tag(number, "segsync:buyers")
    told.untag(101, "segsync:buyers")
    told.untag(105, "segsync:buyers")
    monkeypatch.setattr(drift, "BATCH", batch)
    monkeypatch.setattr(module, "GATHERED", gathered)
    path = ShopifyDestination.holders

    def one_by_one(self: ShopifyDestination, place: object, cursor: str = "") -> Iterator[Holders]:
        everybody = [one for page in path(self, place) for one in page.people]  # type: ignore[arg-type]
        left = [one for one in everybody if int(one.member) > int(cursor or 0)]
        for at, one in enumerate(left):
            yield Holders([one], one.member if at < len(left) - 1 else "")

    monkeypatch.setattr(ShopifyDestination, "holders", one_by_one)
    assert counts(audit_and_push(told)) == {"right": 2, "missing": 2, "foreign": 3, "repaired": 2}
    assert told.tagged() == EVERY_BUYER | {9, 98, 1001}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_invariant_10_killed_in_the_middle_it_goes_on_where_it_was(told: Line, monkeypatch: pytest.MonkeyPatch, times: int, after: bool) -> None:
    monkeypatch.setattr(drift, "BATCH", 1)
    told.untag(101, "segsync:buyers")
    told.untag(103, "segsync:buyers")
    asked = ask(told.shopify, told.now())
    with killed(module, "_keep", after=after, monkeypatch=monkeypatch, times=times):
        run(asked.pk, told.now)
    assert not run(asked.pk, told.now)  # the dead one's lease
    told.wait(31)
    assert run(asked.pk, told.now)
    assert counts(asked.targets.get()) == {"right": 2, "missing": 2, "repaired": 2}
    assert Finding.objects.count() == 2
    told.push()
    assert told.tagged() == EVERY_BUYER


def test_fault_22_a_platform_that_asks_to_wait_is_waited_for_and_a_dead_one_is_given_up(told: Line) -> None:
    told.fault("429", "HoldersPage", platform="shopify", retry_after=30)
    asked = ask(told.shopify, told.now())
    assert not run(asked.pk, told.now)
    assert pipeline.audit.due_audits(told.now()) == []
    told.wait(31)
    assert run(asked.pk, told.now)
    told.fault("503", platform="shopify", times=None)
    asked = ask(told.shopify, told.now())
    for _ in range(module.GIVE_UP):
        run(asked.pk, told.now)
        told.wait(700)
    asked.refresh_from_db()
    assert (asked.status, asked.finished_at is not None) == ("failed", True)
    assert asked.problem


def test_fault_42_an_account_connected_anew_in_the_middle_ends_the_audit_begun_before(told: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = module._keep

    def connected_anew(*args: object, **fields: object) -> None:
        keep(*args, **fields)  # type: ignore[arg-type]
        Connection.objects.update(generation=7)

    told.untag(101, "segsync:buyers")
    asked = ask(told.shopify, told.now())
    with monkeypatch.context() as patch:
        patch.setattr(module, "_keep", connected_anew)
        assert run(asked.pk, told.now)
    asked.refresh_from_db()
    assert (asked.status, asked.problem) == ("failed", "The account was connected anew while it was read.")
    assert not Finding.objects.exists()


def test_a_segment_of_shopifys_that_was_renamed_deleted_or_made_to_ask_for_something_else_is_told(told: Line) -> None:
    number, made = next(iter(told.store.segments.items()))
    told.store.segments[number] = replace(made, name="Mine now")
    found = audit(told)
    assert counts(found) == {"right": 4, "renamed": 1}
    assert Finding.objects.get(audit=found.audit).detail == "The saved segment is called “Mine now” there."
    told.store.segments[number] = replace(made, query="number_of_orders > 1")
    assert counts(audit(told)) == {"right": 4, "deleted": 1}
    told.store.segments.clear()
    found = audit_and_push(told)
    assert counts(found) == {"right": 4, "deleted": 1}
    assert Target.objects.get().reason
    assert told.store.segments == {}  # whoever deleted it does not want it


def test_lists_are_audited_as_tags_are(listed: Line) -> None:
    ann = find_by_email(listed.portal, "ann@example.test")
    stranger = listed.contact("guest@example.test")
    assert ann is not None
    change_list_members(listed.server.world, listed.portal, on_hubspot(listed).id, [stranger], [ann.id])
    found = audit_and_push(listed, "hubspot")
    assert counts(found) == {"right": 3, "missing": 1, "foreign": 1, "repaired": 1}
    assert listed.listed() == WITH_ADDRESS | {"guest@example.test"}
    rule(listed, NOBODY)
    listed.push("hubspot")
    assert listed.listed() == {"guest@example.test"}


def test_a_list_that_was_renamed_is_known_by_its_id(listed: Line) -> None:
    on_hubspot(listed).name = "Our buyers"
    found = audit(listed, "hubspot")
    assert (counts(found), Finding.objects.get().detail) == ({"right": 4, "renamed": 1}, "It is called “Our buyers” there.")


@pytest.mark.parametrize("how", ["deleted", "active"])
def test_fault_29_a_list_that_was_deleted_or_made_active_is_told_and_not_made_again(listed: Line, how: str) -> None:
    made = on_hubspot(listed)
    if how == "deleted":
        delete_list(listed.portal, made, listed.now())
    else:
        made.processing_type, made.filter_branch = "DYNAMIC", ANNS
    found = audit(listed, "hubspot")
    assert (counts(found), findings(found)) == ({"deleted": 1, "missing": 4}, [("deleted", "", "stopped")])
    target = Target.objects.get(kind="list")
    assert target.ready_at is None
    assert ("deleted" if how == "deleted" else "active list") in target.reason
    listed.push("hubspot")
    assert len([one for one in listed.portal.lists.values() if one.name == "SegSync: Buyers"]) == 1


def test_fault_28_a_contact_that_hubspot_misses_in_its_answer_is_not_taken_for_told(lists: Line) -> None:
    ann = find_by_email(lists.portal, "ann@example.test")
    assert ann is not None
    ann.archived = True  # not pulled yet
    lists.push("hubspot")
    entry = lists.mark(ann.id, "list")
    assert (entry.outcome, entry.present) == (LedgerEntry.Outcome.GONE, False)
    assert "ann@example.test" not in lists.listed()
    lists.wait(SETTLED)
    assert counts(audit(lists, "hubspot")) == {"right": 3}


def test_fault_27_merged_contacts_leave_one_mark_on_the_survivor_and_no_ghost(listed: Line) -> None:
    ann, bob = (find_by_email(listed.portal, f"{name}@example.test") for name in ("ann", "bob"))
    assert ann is not None
    assert bob is not None
    merge_contacts(listed.portal, ann, bob, listed.now())
    listed.wait(SETTLED)
    listed.look_again()
    listed.push("hubspot")
    listed.wait(SETTLED)
    audit_and_push(listed, "hubspot")
    assert listed.listed() == WITH_ADDRESS - {"bob@example.test"}
    assert counts(audit_and_push(listed, "hubspot")) == {"right": 3}
    rule(listed, NOBODY)
    listed.push("hubspot")
    assert listed.listed() == set()


@pytest.mark.parametrize("stays", [True, False])
def test_fault_27_a_mark_that_came_to_the_survivor_is_ours_and_goes_when_it_is_no_longer_wanted(listed: Line, stays: bool) -> None:
    """Only the contact that is swallowed was on our list; the portal moves its place on the list to the survivor."""
    guest, bob = listed.contact("guest@example.test"), find_by_email(listed.portal, "bob@example.test")
    assert bob is not None
    listed.wait(SETTLED)
    listed.look_again()
    merge_contacts(listed.portal, listed.portal.contacts[guest], bob, listed.wait(1))
    listed.wait(SETTLED)
    listed.pull("contacts")
    if not stays:
        rule(listed, NOBODY)
    listed.decide()
    listed.push("hubspot")
    listed.wait(SETTLED)
    assert ("guest@example.test" in listed.listed()) is stays
    assert counts(audit_and_push(listed, "hubspot")) == ({"right": 4} if stays else {})
    rule(listed, NOBODY)
    listed.push("hubspot")
    assert listed.listed() == set()


def test_fault_27_a_survivor_that_somebody_else_had_put_there_stays_there(listed: Line) -> None:
    guest, bob = listed.contact("guest@example.test"), find_by_email(listed.portal, "bob@example.test")
    assert bob is not None
    change_list_members(listed.server.world, listed.portal, on_hubspot(listed).id, [guest], [])
    listed.store.customers[104].email, listed.store.customers[104].updated_at = "guest@example.test", listed.wait(1)
    listed.order(2001, 104)  # a buyer by now, who was on the list before us
    listed.wait(SETTLED)
    listed.look_again()
    listed.push("hubspot")
    merge_contacts(listed.portal, listed.portal.contacts[guest], bob, listed.wait(1))
    listed.wait(SETTLED)
    listed.look_again()
    rule(listed, NOBODY)
    listed.push("hubspot")
    assert listed.listed() == {"guest@example.test"}


def test_another_shops_marks_are_neither_read_nor_told(told: Line, other: Line) -> None:
    other.pull()
    other.segment()
    other.decide()
    other.push()
    other.wait(SETTLED)
    other.untag(101, "segsync:buyers")
    assert counts(audit_and_push(told)) == {"right": 4}
    assert other.tagged() == EVERY_BUYER - {101}
    assert Finding.objects.count() == 0


def test_each_connection_is_audited_once_a_night_of_its_shop(told: Line) -> None:
    told.tick()
    (planned,) = Audit.objects.all()
    assert planned.status == Audit.Status.PLANNED
    night = planned.due_at
    assert night is not None
    local = night.astimezone(told.shop.tz)
    assert (local.hour in (3, 4), night == next_night(told.shopify, told.now())) == (True, True)
    told.untag(101, "segsync:buyers")
    told.wait((night - told.now()).total_seconds() + 1)
    for _ in range(3):
        told.tick()
        told.wait(1)
    planned.refresh_from_db()
    assert (planned.status, told.tagged()) == (Audit.Status.DONE, EVERY_BUYER)
    following = Audit.objects.get(status=Audit.Status.PLANNED)
    assert following.due_at is not None
    assert timedelta(hours=22) < following.due_at - night < timedelta(hours=26)
    assert plan(told.now()) == 0


def test_whoever_asks_twice_gets_the_same_audit(told: Line) -> None:
    plan(told.now())
    first = ask(told.shopify, told.now())
    assert ask(told.shopify, told.now()) == first
    assert (Audit.objects.count(), first.cause) == (1, Audit.Cause.ASKED)
    assert run(first.pk, told.now)
    assert ask(told.shopify, told.now()) != first
