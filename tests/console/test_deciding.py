"""What a person decides about writing: held removals, dry runs, leaving, stopping. Each asks first and acts on POST only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Connection, Shop
from segsync import clock
from segsync.diff.models import Hold, LedgerEntry, Target, WritebackSettings
from tests.console.rows import connect, mark, person, segment, target


@pytest.fixture
def place(shop: Shop) -> Target:
    """A tag that three people have who belong no more."""
    made = target(connect(shop), segment(shop))
    for number in range(1, 4):
        mark(made, person(shop, number), told=True)
    now = clock.now()
    LedgerEntry.objects.update(owned_since=now, wanted=False, wanted_at=now, generation=2)
    return made


@pytest.fixture
def hold(place: Target) -> Hold:
    now = clock.now()
    Target.objects.filter(pk=place.pk).update(held_at=now)
    return Hold.objects.create(shop=place.shop, target=place, asked_at=now, why="3 of 3 people would lose the mark.", removals=3, holders=3)


def act(client: Client, address: str, **fields: object) -> int:
    return client.post(f"/admin/{address}/", {"_form_submitted": "on", **fields}).status_code


def state(place: Target) -> str:
    place.refresh_from_db()
    return place.state


def test_a_decision_shows_names_numbers_and_two_buttons(hold: Hold, admin_client: Client) -> None:
    page = admin_client.get(f"/admin/diff/hold/{hold.pk}/change/").content.decode()
    for there in ("3 of 3 (100 %)", "3 of 3 people would lose the mark.", "person1@example.test", "Remove them…", "Keep them…", "more than 20 %"):
        assert there in page


def test_removing_them_asks_first_and_counts_only_for_what_was_seen(hold: Hold, admin_client: Client) -> None:
    address = f"diff/hold/{hold.pk}/remove_one"
    page = admin_client.get(f"/admin/{address}/").content.decode()
    assert "Remove them: 3" in page
    assert 'name="seen" value="3"' in page
    hold.refresh_from_db()
    assert hold.decision == ""
    Hold.objects.update(removals=9)
    answer = admin_client.post(f"/admin/{address}/", {"seen": "3"})
    assert "By now 9 people would lose the mark, not 3" in answer.content.decode()
    assert act(admin_client, address, seen="9") == 302
    hold.refresh_from_db()
    assert (hold.decision, hold.decided_by) == (Hold.Decision.APPROVED, User.objects.get())
    assert Target.objects.get().held_at is None
    page = admin_client.get(f"/admin/diff/hold/{hold.pk}/change/").content.decode()
    assert "Remove them…" not in page


def test_keeping_them_pauses_the_target(hold: Hold, place: Target, admin_client: Client) -> None:
    assert "Nothing is taken away" in admin_client.get(f"/admin/diff/hold/{hold.pk}/keep_one/").content.decode()
    assert act(admin_client, f"diff/hold/{hold.pk}/keep_one") == 302
    assert state(place) == Target.State.PAUSED
    assert "Kept by admin" in place.reason


def test_resuming_what_was_kept_asks_again(hold: Hold, place: Target, admin_client: Client) -> None:
    WritebackSettings.objects.create(shop=place.shop, guard_people=2)
    act(admin_client, f"diff/hold/{hold.pk}/keep_one")
    act(admin_client, f"diff/target/{place.pk}/resume_one")
    assert state(place) == Target.State.ON
    assert place.held_at is not None
    assert Hold.objects.filter(decision="").count() == 1


def test_a_hold_is_told_on_the_overview(hold: Hold, admin_client: Client) -> None:
    page = admin_client.get("/admin/").content.decode()
    assert "waits for a decision: 3 of 3 people would lose the mark." in page
    assert f"/admin/diff/hold/{hold.pk}/change/" in page


def test_a_dry_run_shows_what_would_be_sent_and_is_turned_on(place: Target, admin_client: Client) -> None:
    LedgerEntry.objects.filter(profile__external_id="7001").update(wanted=True, owned_since=None, present=None)
    assert act(admin_client, f"diff/target/{place.pk}/dry_run_one") == 200
    assert state(place) == Target.State.DRY_RUN
    page = admin_client.get(f"/admin/diff/target/{place.pk}/change/").content.decode()
    for there in (
        "What would be sent if it were turned on",
        "Calls",
        "Time that the rate limit forces",
        "person1@example.test",
        "person2@example.test",
        "Turn on",
    ):
        assert there in page
    assert act(admin_client, f"diff/target/{place.pk}/turn_on_one") == 200
    assert state(place) == Target.State.ON
    assert place.synced_at is not None


def test_leaving_asks_with_the_numbers(place: Target, admin_client: Client) -> None:
    address = f"diff/target/{place.pk}/leave_one"
    page = admin_client.get(f"/admin/{address}/").content.decode()
    assert "What would be taken away" in page
    assert state(place) == Target.State.ON
    assert act(admin_client, address) == 302
    assert state(place) == Target.State.LEAVING
    page = admin_client.get(f"/admin/diff/target/{place.pk}/change/").content.decode()
    assert "How far leaving it is" in page
    assert act(admin_client, f"diff/target/{place.pk}/come_back_one") == 200
    assert state(place) == Target.State.ON


def test_everything_of_a_shop_is_left_after_asking(place: Target, admin_client: Client) -> None:
    address = f"integrations/shop/{place.shop_id}/leave_everywhere"
    assert "Remove everything SegSync wrote for" in admin_client.get(f"/admin/{address}/").content.decode()
    assert state(place) == Target.State.ON
    assert act(admin_client, address) == 302
    assert state(place) == Target.State.LEAVING


def test_all_writing_is_stopped_and_goes_on(place: Target, admin_client: Client) -> None:
    page = f"integrations/shop/{place.shop_id}"
    assert "Nothing at all is written" in admin_client.get(f"/admin/{page}/stop_writing/").content.decode()
    assert not WritebackSettings.objects.filter(stopped_at__isnull=False).exists()
    act(admin_client, f"{page}/stop_writing")
    assert WritebackSettings.objects.get().stopped_at is not None
    assert "somebody stopped all writing" in admin_client.get("/admin/").content.decode()
    act(admin_client, f"{page}/start_writing")
    assert WritebackSettings.objects.get().stopped_at is None


def test_the_saved_segment_is_switched(place: Target, admin_client: Client) -> None:
    act(admin_client, f"diff/target/{place.pk}/view_one")
    place.refresh_from_db()
    assert place.keeps_view is False
    assert place.due_at is not None
    assert place.due_at <= clock.now() + timedelta(seconds=1)


def test_whoever_may_only_look_decides_nothing(hold: Hold, place: Target, client: Client) -> None:
    reader = User.objects.create_user("reader", password="a-long-password", is_staff=True)
    reader.user_permissions.add(*Permission.objects.filter(codename__in=("view_hold", "view_target", "view_shop")))
    client.force_login(reader)
    for address in (
        f"diff/hold/{hold.pk}/remove_one",
        f"diff/hold/{hold.pk}/keep_one",
        f"diff/target/{place.pk}/leave_one",
        f"diff/target/{place.pk}/dry_run_one",
        f"integrations/shop/{place.shop_id}/stop_writing",
        f"integrations/shop/{place.shop_id}/leave_everywhere",
    ):
        assert act(client, address, seen=3) == 403
    assert (state(place), Hold.objects.get().decision, Connection.objects.count()) == (Target.State.ON, "", 1)
