"""What a person may set going: it happens on POST only, for those who may, and makes rows due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Connection, Shop
from segsync import clock
from segsync.diff.models import LedgerEntry, Target
from segsync.pull.models import Stream
from tests.console.rows import connect, mark, person, segment, target


@pytest.fixture
def stream(shop: Shop) -> Stream:
    """A stream that is asked again in an hour."""
    return Stream.objects.create(shop=shop, connection=connect(shop), name="orders", due_at=clock.now() + timedelta(hours=1))


@pytest.fixture
def parked(shop: Shop) -> LedgerEntry:
    """A mark that was given up."""
    return mark(target(connect(shop), segment(shop)), person(shop, 1), parked=True)


def due(stream: Stream) -> bool:
    stream.refresh_from_db()
    return stream.due_at is not None and stream.due_at <= clock.now()


def chosen(client: Client, model: str, action: str, *rows: int) -> str:
    answer = client.post(f"/admin/{model}/", {"action": action, "_selected_action": rows}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_pulling_again_makes_every_stream_due(stream: Stream, admin_client: Client) -> None:
    assert "1 stream asked for" in chosen(admin_client, "integrations/connection", "pull_selected", stream.connection_id)
    assert due(stream)


def test_the_button_on_a_connection_asks_first_and_acts_on_post_only(stream: Stream, admin_client: Client) -> None:
    address = f"/admin/integrations/connection/{stream.connection_id}/pull_now/"
    assert "asked for at once" in admin_client.get(address).content.decode()
    assert not due(stream)
    answer = admin_client.post(address, {"_form_submitted": "on"})
    assert answer.headers["HX-Redirect"] == f"/admin/integrations/connection/{stream.connection_id}/change/"
    assert due(stream)


def test_an_account_that_is_not_connected_is_not_pulled(stream: Stream, admin_client: Client) -> None:
    Connection.objects.update(status=Connection.Status.NEEDS_RECONNECT)
    assert "connect it again first" in chosen(admin_client, "integrations/connection", "pull_selected", stream.connection_id)
    assert not due(stream)


def test_a_connection_that_needs_reconnecting_says_where(stream: Stream, admin_client: Client) -> None:
    Connection.objects.update(status=Connection.Status.NEEDS_RECONNECT, reason="The grant is gone.")
    page = admin_client.get(f"/admin/integrations/connection/{stream.connection_id}/change/").content.decode()
    assert "The grant is gone." in page
    assert "/shopify/install?shop=corner-shop.myshopify.com" in page


def test_a_target_is_paused_and_resumed(parked: LedgerEntry, admin_client: Client) -> None:
    place = parked.target
    chosen(admin_client, "diff/target", "pause_selected", place.pk)
    place.refresh_from_db()
    assert place.state == Target.State.PAUSED
    answer = admin_client.post(f"/admin/diff/target/{place.pk}/resume_one/", {"_form_submitted": "on"})
    assert answer.headers["HX-Redirect"]
    place.refresh_from_db()
    assert (place.state, place.reason) == (Target.State.ON, "")
    assert place.due_at is not None


def test_a_target_counts_what_is_wanted_acknowledged_waiting_and_parked(parked: LedgerEntry, shop: Shop, admin_client: Client) -> None:
    for number in range(2, 5):
        mark(parked.target, person(shop, number), told=number < 4)
    row = next(iter(admin_client.get("/admin/diff/target/").context["cl"].result_list))
    assert (row.wanted, row.present, row.waiting, row.parked) == (4, 2, 1, 1)


def test_a_parked_mark_is_tried_again(parked: LedgerEntry, admin_client: Client) -> None:
    assert "1 parked entry will be told again" in chosen(admin_client, "diff/ledgerentry", "try_selected", parked.pk)
    parked.refresh_from_db()
    assert (parked.parked_at, parked.attempts) == (None, 0)
    assert parked.next_attempt_at <= clock.now()


def test_a_mark_that_is_not_parked_keeps_its_time(shop: Shop, admin_client: Client) -> None:
    waiting = mark(target(connect(shop), segment(shop)), person(shop, 1))
    assert "None of these is parked" in chosen(admin_client, "diff/ledgerentry", "try_selected", waiting.pk)
    waiting.refresh_from_db()
    assert waiting.next_attempt_at > clock.now()


def test_whoever_may_only_look_can_set_nothing_going(stream: Stream, client: Client) -> None:
    reader = User.objects.create_user("reader", password="a-long-password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_connection"))
    client.force_login(reader)
    chosen(client, "integrations/connection", "pull_selected", stream.connection_id)
    assert client.post(f"/admin/integrations/connection/{stream.connection_id}/pull_now/", {"_form_submitted": "on"}).status_code == 403
    assert not due(stream)


def test_how_segments_are_written_is_changed_on_the_shops_page(shop: Shop, admin_client: Client) -> None:
    settings = {
        "writeback-TOTAL_FORMS": 1,
        "writeback-INITIAL_FORMS": 0,
        "writeback-0-shop": shop.pk,
        "writeback-0-tag_prefix": "vip:",
        "writeback-0-list_folder": "Lists",
        "writeback-0-when_removed": "respect",
        "writeback-0-guard_share": 10,
        "writeback-0-guard_people": 50,
        "writeback-0-dry_run_above": 0,
    }
    assert admin_client.post(f"/admin/integrations/shop/{shop.pk}/change/", settings).status_code == 302
    shop.refresh_from_db()
    assert (shop.writeback.tag_prefix, shop.writeback.create_contacts) == ("vip:", False)
    assert (shop.writeback.guard_share, shop.writeback.guard_people, shop.writeback.dry_run_above) == (10, 50, 0)
    assert shop.writeback.when_removed == "respect"
