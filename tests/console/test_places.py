"""Giving a segment one more place: what is offered, what is refused and why, and who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Connection, Shop
from segsync.diff.models import Target
from segsync.rules.models import Segment
from tests.console.rows import connect, segment, target


@pytest.fixture
def written(shop: Shop) -> Segment:
    """A segment that is written to a tag, of a shop whose portal lets us make properties."""
    made = segment(shop)
    target(connect(shop), made)
    portal = connect(shop, "hubspot")
    Connection.objects.filter(pk=portal.pk).update(scopes=["oauth", "crm.schemas.contacts.write"])
    return made


def address(row: Segment) -> str:
    return f"/admin/rules/segment/{row.pk}/add-place/"


def place(shop: Shop, vendor: str, kind: str) -> str:
    return f"{Connection.objects.get(shop=shop, vendor=vendor).pk}-{kind}"


def test_every_kind_that_the_platforms_keep_is_offered_with_a_name_that_is_free(written: Segment, admin_client: Client) -> None:
    page = admin_client.get(address(written)).content.decode()
    names = ("HubSpot contact list", "HubSpot contact property", "Shopify customer tag")
    assert all(name in page for name in names)
    assert 'value="SegSync: Repeat buyers"' in page
    assert 'value="segsync_repeat_buyers"' in page
    assert 'value="segsync:repeat-buyers-2"' in page
    assert address(written) in admin_client.get(f"/admin/rules/segment/{written.pk}/change/").content.decode()


def test_a_place_is_added_and_nothing_else_changes(written: Segment, admin_client: Client, shop: Shop) -> None:
    answer = admin_client.post(address(written), {"place": place(shop, "hubspot", "property"), "name": " segsync_loyal "}, follow=True)
    assert "is written to the HubSpot contact property “segsync_loyal” from now on" in answer.content.decode()
    assert set(written.targets.values_list("kind", "name")) == {("tag", "segsync:repeat-buyers"), ("property", "segsync_loyal")}


def test_a_tag_of_another_segment_is_shared_and_said_to_be(written: Segment, admin_client: Client, shop: Shop) -> None:
    other = segment(shop, "loyal")
    answer = admin_client.post(address(other), {"place": place(shop, "shopify", "tag"), "name": "SegSync:repeat-buyers"}, follow=True)
    assert "shared with 1 other segment" in answer.content.decode()
    assert Target.objects.get().segments.count() == 2


def test_fault_31_a_name_that_cannot_be_is_said_with_what_to_change_and_what_was_typed_stays(written: Segment, admin_client: Client, shop: Shop) -> None:
    page = admin_client.post(address(written), {"place": place(shop, "hubspot", "property"), "name": "<VIP>"}).content.decode()
    assert "cannot name a contact property" in page
    assert 'value="&lt;VIP&gt;"' in page
    assert Target.objects.count() == 1


def test_a_right_that_is_missing_is_named_instead_of_a_form(written: Segment, admin_client: Client, shop: Shop) -> None:
    Connection.objects.filter(vendor="hubspot").update(scopes=[])
    page = admin_client.get(address(written)).content.decode()
    assert "crm.schemas.contacts.write" in page
    assert 'value="segsync_repeat_buyers"' not in page
    page = admin_client.post(address(written), {"place": place(shop, "hubspot", "property"), "name": "segsync_x"}).content.decode()
    assert Target.objects.count() == 1


def test_a_connection_of_another_shop_is_not_found(written: Segment, admin_client: Client) -> None:
    elsewhere = Shop.objects.create(domain="elsewhere.myshopify.com")
    connect(elsewhere)
    assert admin_client.post(address(written), {"place": place(elsewhere, "shopify", "tag"), "name": "x"}).status_code == 404
    assert admin_client.get("/admin/rules/segment/999999/add-place/").status_code == 404


def test_who_may_only_look_may_not_add(written: Segment, client: Client, shop: Shop) -> None:
    looker = User.objects.create_user("looker", password="x", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_segment"))
    client.force_login(looker)
    assert client.post(address(written), {"place": place(shop, "shopify", "tag"), "name": "x"}).status_code == 403
    assert address(written) not in client.get(f"/admin/rules/segment/{written.pk}/change/").content.decode()
