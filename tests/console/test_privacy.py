"""Requests under privacy law in the admin: who must do what by when, and the file that answers a person."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Shop
from segsync import clock
from segsync.store.models import PrivacyRequest
from tests.console.rows import connect, person


@pytest.fixture
def asked(shop: Shop) -> PrivacyRequest:
    """Ann asks what is stored about her."""
    connect(shop)
    person(shop, 1, "ann@example.test")
    person(shop, 2, "bob@example.test")
    now = clock.now()
    return PrivacyRequest.objects.create(
        shop=shop, vendor="shopify", kind="tell", received_at=now, deadline_at=now + timedelta(days=30, hours=1), external_id="7001", email="ann@example.test"
    )


def page(client: Client, request: PrivacyRequest) -> str:
    return client.get(f"/admin/store/privacyrequest/{request.pk}/change/").content.decode()


def test_an_open_request_says_what_to_do_by_when_and_masks_who_asked(asked: PrivacyRequest, admin_client: Client) -> None:
    told = page(admin_client, asked)
    for words in ("tell a person what is stored", "30 days left", "7001 a…@example.test", "what is stored about the person"):
        assert words in told, words
    assert "ann@example.test" not in told
    assert "30 days left to answer" in admin_client.get("/admin/").content.decode()
    PrivacyRequest.objects.update(deadline_at=clock.now() - timedelta(days=1))
    assert "late" in page(admin_client, asked)


def test_the_answer_holds_what_is_stored_about_the_person_and_about_nobody_else(asked: PrivacyRequest, admin_client: Client) -> None:
    answer = admin_client.get(f"/admin/store/privacyrequest/{asked.pk}/stored.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    stored = json.loads(answer.content)
    assert [row["emails"] for row in stored["records"]] == [["ann@example.test"]]
    assert [row["name"] for row in stored["orders"]] == ["#1"]
    assert "bob@example.test" not in answer.content.decode()


def test_done_it_no_longer_says_who_asked(asked: PrivacyRequest, admin_client: Client) -> None:
    address = f"/admin/store/privacyrequest/{asked.pk}/mark_done/"
    assert "Send the file to the person first" in admin_client.get(address).content.decode()
    asked.refresh_from_db()
    assert asked.status == "open"
    admin_client.post(address, {"_form_submitted": "on"})
    asked.refresh_from_db()
    assert (asked.status, asked.external_id, asked.email, asked.done_by) == ("done", "", "", User.objects.get())
    assert admin_client.get(f"/admin/store/privacyrequest/{asked.pk}/stored.json").status_code == 404
    assert "what is stored about" not in admin_client.get("/admin/").content.decode()


def test_erasing_is_not_closed_by_hand(asked: PrivacyRequest, admin_client: Client) -> None:
    PrivacyRequest.objects.update(kind="erase_person", problem="The platform does not answer.")
    admin_client.post(f"/admin/store/privacyrequest/{asked.pk}/mark_done/", {"_form_submitted": "on"})
    asked.refresh_from_db()
    assert asked.status == "open"
    assert admin_client.get(f"/admin/store/privacyrequest/{asked.pk}/stored.json").status_code == 404
    assert "A request to erase waits: The platform does not answer." in admin_client.get("/admin/").content.decode()


def test_whoever_may_not_see_customers_does_not_get_the_file(asked: PrivacyRequest, client: Client) -> None:
    reader = User.objects.create_user("reader", password="a-long-password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_privacyrequest"))
    client.force_login(reader)
    assert client.get(f"/admin/store/privacyrequest/{asked.pk}/change/").status_code == 200
    assert client.get(f"/admin/store/privacyrequest/{asked.pk}/stored.json").status_code == 403
    assert client.post(f"/admin/store/privacyrequest/{asked.pk}/mark_done/", {"_form_submitted": "on"}).status_code == 403
