"""Finding a person and reading why they are where they are."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.models import Shop
from segsync.store.models import Customer
from tests.console.rows import connect, joins, mark, person, segment, target


@pytest.fixture
def ann(shop: Shop) -> Customer:
    """Somebody in one segment, out of another, with a mark that the platform refused."""
    made = person(shop, 1, "ann@example.test")
    person(shop, 2, "bob@example.test")
    buyers = segment(shop)
    joins(made, buyers)
    joins(made, segment(shop, "lapsed"), left=True)
    mark(target(connect(shop), buyers), made, parked=True)
    return made


@pytest.mark.parametrize("term", ["ann@example.test", " Ann@Example.TEST ", "7001", "ann"])
def test_people_are_found_by_address_or_id(ann: Customer, admin_client: Client, term: str) -> None:
    page = admin_client.get("/admin/store/customer/", {"q": term}).content.decode()
    assert "ann@example.test" in page
    assert "bob@example.test" not in page


def test_nobody_is_found_by_what_nobody_has(ann: Customer, admin_client: Client) -> None:
    page = admin_client.get("/admin/store/customer/", {"q": "zed@example.test"}).content.decode()
    assert "ann@example.test" not in page


def test_people_are_listed_by_the_segment_they_are_in_now(ann: Customer, admin_client: Client) -> None:
    inside = {row.segment.handle: row.segment.pk for row in ann.memberships.all()}
    assert "ann@example.test" in admin_client.get("/admin/store/customer/", {"segment": inside["repeat-buyers"]}).content.decode()
    assert "ann@example.test" not in admin_client.get("/admin/store/customer/", {"segment": inside["lapsed"]}).content.decode()


def test_a_page_says_where_somebody_belongs_since_when_and_why(ann: Customer, admin_client: Client) -> None:
    page = admin_client.get(f"/admin/store/customer/{ann.pk}/change/").content.decode()
    for told in (
        "Repeat buyers",
        "an order, rule version 1",
        "number of orders: 2",
        "Lapsed",
        "time alone, rule version 1",
        "7001",
        "123.45 GBP",
        "emails opened",
        "Autumn",
        "The customer has 250 tags.",
    ):
        assert told in page, told


def test_a_merged_person_is_not_listed_and_leads_to_the_one_they_became(ann: Customer, shop: Shop, admin_client: Client) -> None:
    gone = person(shop, 3, "old@example.test")
    Customer.objects.filter(pk=gone.pk).update(merged_into=ann)
    assert "old@example.test" not in admin_client.get("/admin/store/customer/").content.decode()
    assert f"/admin/store/customer/{ann.pk}/change/" in admin_client.get(f"/admin/store/customer/{gone.pk}/change/").content.decode()


def test_amounts_follow_the_currency(shop: Shop, admin_client: Client) -> None:
    Shop.objects.update(currency="JPY")
    shop.refresh_from_db()
    person(shop, 5)
    assert "12,345 JPY" in admin_client.get("/admin/store/customer/").content.decode()
