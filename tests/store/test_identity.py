"""Who is who."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.models import Shop
from segsync.store.identity import normal_email
from segsync.store.models import Activity, Customer, Identity, Order, Profile
from tests.factories import NOON, customer, opened, order, tell


def person_of(shop: Shop, source: str, external_id: str) -> Customer:
    return Profile.objects.get(shop=shop, source=source, external_id=external_id).customer


@pytest.mark.parametrize(("typed", "normal"), [("  Ada@Example.COM ", "ada@example.com"), ("ada", ""), ("", ""), ("ａda@example.com", "ada@example.com")])
def test_addresses_are_equal_without_regard_to_case_and_blanks(typed: str, normal: str) -> None:
    assert normal_email(typed) == normal


def test_a_store_customer_and_a_contact_with_one_address_are_one_person(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "ada@example.com"))
    tell(shop, "hubspot", customer("77", " Ada@Example.com"))
    assert person_of(shop, "shopify", "1") == person_of(shop, "hubspot", "77")
    assert Customer.objects.filter(shop=shop).count() == 1


def test_two_store_customers_joined_by_a_contacts_second_address_become_one_and_both_are_judged_again(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "ada@example.com"), customer("2", "ada@work.example"), order("500", "2"))
    first, second = person_of(shop, "shopify", "1"), person_of(shop, "shopify", "2")
    assert first != second
    Customer.objects.update(judged_version=100, facts_version=100)
    tell(shop, "hubspot", customer("77", "ada@example.com", "ada@work.example"), now=NOON + timedelta(minutes=1))
    survivor = person_of(shop, "hubspot", "77")
    assert person_of(shop, "shopify", "1") == person_of(shop, "shopify", "2") == survivor
    assert Order.objects.get(external_id="500").customer == survivor
    gone = Customer.objects.exclude(pk=survivor.pk).get()
    assert gone.merged_into == survivor
    assert all(row.facts_version > row.judged_version for row in Customer.objects.all())


def test_records_of_one_page_that_share_an_address_are_one_person(shop: Shop) -> None:
    tell(shop, "hubspot", customer("1", "a@example.com"), customer("2", "b@example.com"), customer("3", "a@example.com", "b@example.com"))
    assert Customer.objects.filter(shop=shop, merged_into__isnull=True).count() == 1
    assert Identity.objects.filter(shop=shop).values("customer").distinct().count() == 1


def test_an_order_that_comes_before_its_customer_waits_for_them(shop: Shop) -> None:
    tell(shop, "shopify", order("500", "1"))
    tell(shop, "shopify", customer("1", "ada@example.com"))
    assert Order.objects.get().customer == person_of(shop, "shopify", "1")


def test_an_e_mail_opened_by_nobody_we_know_is_theirs_once_they_come(shop: Shop) -> None:
    tell(shop, "hubspot", opened("e1", "Late@example.com"))
    assert Activity.objects.get().customer is None
    tell(shop, "shopify", customer("1", "late@example.com"))
    assert Activity.objects.get().customer == person_of(shop, "shopify", "1")


def test_an_address_given_up_may_be_taken_by_somebody_else(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "shared@example.com"))
    tell(shop, "shopify", customer("1", "own@example.com", version=NOON + timedelta(hours=1)))
    tell(shop, "shopify", customer("2", "shared@example.com"))
    assert person_of(shop, "shopify", "1") != person_of(shop, "shopify", "2")


def test_people_of_two_shops_never_meet(shop: Shop) -> None:
    other = Shop.objects.create(domain="other.myshopify.com")
    tell(shop, "shopify", customer("1", "ada@example.com"))
    tell(other, "shopify", customer("1", "ada@example.com"))
    assert person_of(shop, "shopify", "1") != person_of(other, "shopify", "1")
