"""Keeping what sources tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from integrations import records
from integrations.models import Shop
from segsync.store.models import Activity, Customer, Order, OrderLine, Product, Profile
from segsync.store.upsert import store_page
from tests.factories import NOON, customer, line, opened, order, product, tell

LATER = NOON + timedelta(hours=1)


def changed(shop: Shop) -> set[int]:
    return {row.pk for row in Customer.objects.filter(shop=shop) if row.facts_version > row.judged_version}


def all_judged() -> None:
    for row in Customer.objects.all():
        Customer.objects.filter(pk=row.pk).update(judged_version=row.facts_version, routed_version=row.outcome_version)


def test_invariant_2_storing_a_page_twice_changes_nothing(shop: Shop) -> None:
    page = (customer("1", "a@example.com", orders=1), order("500", "1", lines=(line("500", "l1"),)), opened("e1", "a@example.com"), product("9"))
    assert tell(shop, "shopify", *page) == 4
    all_judged()
    assert tell(shop, "shopify", *page, now=LATER) == 0
    assert changed(shop) == set()
    assert (Profile.objects.count(), Order.objects.count(), OrderLine.objects.count(), Activity.objects.count()) == (1, 1, 1, 1)


def test_fault_14_an_older_telling_never_overwrites_a_newer_one(shop: Shop) -> None:
    tell(shop, "shopify", order("500", "1", total=100, version=LATER))
    assert tell(shop, "shopify", order("500", "1", total=999, version=NOON)) == 0
    assert Order.objects.get().total_minor == 100


def test_invariant_4_whoever_a_stored_fact_is_about_is_marked_changed_with_it(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "a@example.com"), customer("2", "b@example.com"))
    all_judged()
    tell(shop, "shopify", order("500", "2"), now=LATER)
    two = Profile.objects.get(external_id="2").customer
    assert changed(shop) == {two.pk}
    two.refresh_from_db()
    assert (two.changed_at, two.change_cause) == (LATER, "order")


def test_a_page_is_stored_only_inside_a_transaction(shop: Shop, transactional_db: None) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        store_page(shop.pk, "shopify", [customer("1")], NOON)


def test_a_failing_page_leaves_nothing_behind(shop: Shop) -> None:
    unknown = records.Tombstone("spaceship", "1", NOON)
    with pytest.raises(ValueError, match="spaceship"), transaction.atomic():
        store_page(shop.pk, "shopify", [customer("1", "a@example.com"), unknown], NOON)
    assert not Profile.objects.exists()


def test_the_lines_of_an_edited_order_replace_the_old_ones(shop: Shop) -> None:
    tell(shop, "shopify", order("500", "1", lines=(line("500", "l1"), line("500", "l2"))))
    tell(shop, "shopify", order("500", "1", version=LATER, lines=(line("500", "l2"), line("500", "l3"))))
    assert set(OrderLine.objects.values_list("external_id", flat=True)) == {"l2", "l3"}


def test_lines_told_after_their_order_find_it_and_lines_of_no_order_are_left_out(shop: Shop) -> None:
    tell(shop, "shopify", order("500", "1", lines=None))
    tell(shop, "shopify", line("500", "l1"), line("999", "l9"))
    assert list(OrderLine.objects.values_list("external_id", flat=True)) == ["l1"]


@pytest.mark.parametrize("odd", [{"test": True}, {"cancelled_at": NOON}])
def test_test_and_cancelled_orders_do_not_count(shop: Shop, odd: dict[str, object]) -> None:
    tell(shop, "shopify", order("500", "1", **odd))  # type: ignore[arg-type]
    assert Order.objects.get().counted is False


def test_a_deleted_order_does_not_count_and_its_customer_is_judged_again(shop: Shop) -> None:
    tell(shop, "shopify", order("500", "1"))
    all_judged()
    tell(shop, "shopify", records.Tombstone("order", "500", LATER), now=LATER)
    assert Order.objects.get().counted is False
    assert len(changed(shop)) == 1


def test_everybody_who_bought_a_product_is_judged_again_when_its_category_changes(shop: Shop) -> None:
    tell(shop, "shopify", product("9"), order("500", "1", lines=(line("500", "l1", product="9"),)), order("501", "2", lines=(line("501", "l2", product="8"),)))
    all_judged()
    tell(shop, "shopify", product("9", category="Apparel > Boots", version=LATER), now=LATER)
    assert Product.objects.get(external_id="9").category == "Apparel > Boots"
    assert changed(shop) == {Order.objects.get(external_id="500").customer_id}


def test_our_own_tag_write_coming_back_moves_nobody(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "a@example.com", tags=("segsync:vip",)))
    all_judged()
    tell(shop, "shopify", customer("1", "a@example.com", tags=("segsync:vip",), version=LATER), now=LATER)
    assert changed(shop) == set()


def test_a_record_asked_for_more_is_news_at_the_same_version(shop: Shop) -> None:
    tell(shop, "hubspot", customer("1", "a@example.com", properties={"stage": "lead"}))
    all_judged()
    assert tell(shop, "hubspot", customer("1", "a@example.com", properties={"stage": "lead"})) == 0
    assert changed(shop) == set()
    assert tell(shop, "hubspot", customer("1", "a@example.com", properties={"stage": "lead", "score": "80"})) == 1
    assert Profile.objects.get().properties == {"stage": "lead", "score": "80"}
    assert len(changed(shop)) == 1
