"""Whoever was erased stays so, whatever old pages tell; whoever comes back by themselves is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Model

from integrations import records
from integrations.models import Shop
from segsync.store.erased import bury
from segsync.store.models import Activity, Checkout, Customer, Erased, ErasureKey, Identity, Order, Profile
from tests.factories import NOON, checkout, customer, opened, order, tell

LATER = NOON + timedelta(days=1)


def erase(shop: Shop, *names: tuple[str, str]) -> None:
    with transaction.atomic():
        bury(shop.pk, names, NOON)


@pytest.fixture
def ann_erased(shop: Shop) -> Shop:
    """Nobody goes by Ann's names any more; the shop has nobody else."""
    erase(shop, ("shopify", "1"), ("email", "ann@example.test"))
    return shop


def rows() -> dict[str, int]:
    kinds: tuple[type[Model], ...] = (Customer, Identity, Profile, Order, Checkout, Activity)
    return {kind.__name__: number for kind in kinds if (number := kind._default_manager.count())}


def test_fault_43_an_old_page_brings_an_erased_person_back_in_no_way(ann_erased: Shop) -> None:
    page = [
        customer("1", "ann@example.test", addresses=(records.Address("1", "GB"),)),
        records.Address("1", "GB"),
        order("5", "1"),
        records.OrderLine("7", "5", "9", "", "", "A thing", "", 1, 1, 1, 1, False),
        checkout("6", "1", NOON - timedelta(days=2)),
        opened("8", "Ann@Example.test "),
    ]
    for _ in range(2):
        tell(ann_erased, "shopify", *page)
    assert rows() == {}


def test_fault_43_also_under_her_address_alone_where_it_is_older_than_the_erasure(ann_erased: Shop) -> None:
    tell(ann_erased, "import", customer("some-hash", "ann@example.test", version=NOON))
    tell(ann_erased, "import", replace(order("9", ""), email="ann@example.test", placed_at=NOON))
    tell(ann_erased, "hubspot", customer("77", "ANN@example.test", version=NOON - timedelta(days=1)))
    tell(ann_erased, "hubspot", opened("8", "ann@example.test", LATER))  # nobody who came back goes by it
    assert rows() == {}


def test_the_others_of_the_page_are_stored(ann_erased: Shop) -> None:
    tell(ann_erased, "shopify", customer("1", "ann@example.test"), customer("2", "bob@example.test"), order("5", "1"), order("6", "2"))
    assert list(Identity.objects.order_by("kind").values_list("kind", "value")) == [("email", "bob@example.test"), ("shopify", "2")]
    assert list(Order.objects.values_list("external_id", flat=True)) == ["6"]


def test_an_id_stays_erased_for_good(ann_erased: Shop) -> None:
    tell(ann_erased, "shopify", customer("1", "new@example.test", version=LATER), order("9", "1", placed_at=LATER, version=LATER))
    assert rows() == {}
    tell(ann_erased, "hubspot", customer("1", "zoe@example.test", version=LATER))  # another platform's number
    assert Customer.objects.count() == 1


def test_somebody_who_comes_back_under_the_address_is_new_and_what_is_older_stays_erased(ann_erased: Shop) -> None:
    tell(ann_erased, "shopify", customer("50", "ann@example.test", version=LATER), now=LATER)
    assert rows() == {"Customer": 1, "Identity": 2, "Profile": 1}
    tell(ann_erased, "hubspot", opened("8", "ann@example.test", NOON - timedelta(days=1)), opened("9", "ann@example.test", LATER))
    assert list(Activity.objects.values_list("external_id", flat=True)) == ["9"]
    tell(ann_erased, "shopify", customer("1", "ann@example.test"))
    assert Profile.objects.count() == 1


def test_an_erased_record_that_another_one_swallowed_gives_that_one_no_name(ann_erased: Shop) -> None:
    tell(ann_erased, "shopify", customer("2", "bob@example.test", merged_ids=("1", "3")))
    assert set(Identity.objects.values_list("value", flat=True)) == {"2", "3", "bob@example.test"}


def test_what_is_kept_of_a_name_tells_nobody_the_name(ann_erased: Shop) -> None:
    other = Shop.objects.create(domain="other.myshopify.com")
    erase(other, ("shopify", "1"), ("email", "ann@example.test"))
    digests = set(Erased.objects.values_list("digest", flat=True))
    assert len(digests) == 4  # the same names, hashed otherwise in each shop
    assert not any("ann" in digest for digest in digests)
    assert ErasureKey.objects.values("key").distinct().count() == 2


def test_another_shop_knows_nothing_of_it(ann_erased: Shop) -> None:
    other = Shop.objects.create(domain="other.myshopify.com")
    tell(other, "shopify", customer("1", "ann@example.test"), order("5", "1"))
    assert Customer.objects.filter(shop=other).count() == 1
