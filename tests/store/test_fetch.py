"""Rows read without Django's converters are the same rows."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from integrations.models import Shop
from integrations.records import Refund
from segsync.store.fetch import fetch
from segsync.store.models import Customer, Order, Product, Profile
from tests.factories import NOON, customer, order, product, tell

COLUMNS = ("pk", "external_id", "placed_at", "cancelled_at", "counted", "total_minor", "number", "tags", "refunds")


@pytest.fixture
def buyers(shop: Shop) -> list[int]:
    """Three people with an order each: one given back in part, one cancelled."""
    tell(shop, "shopify", product("9"), *(customer(str(number)) for number in (1, 2, 3)))
    tell(shop, "shopify", order("a", "1", refunds=(Refund("r1", NOON, 700),)), order("b", "2", cancelled_at=NOON), order("c", "3"))
    return list(Customer.objects.order_by("pk").values_list("pk", flat=True))


def test_plain_columns_and_json_come_as_django_gives_them(shop: Shop, buyers: list[int]) -> None:
    rows = Order.objects.filter(shop=shop, customer_id__in=buyers).order_by("pk").values_list(*COLUMNS)
    told = [tuple(list(value) if isinstance(value, tuple) else value for value in row) for row in fetch(rows)]
    assert told == [tuple(row) for row in rows]
    assert told[0][-1] == [["r1", NOON.isoformat(), 700]]
    assert told[1][2].tzinfo is UTC
    assert told[1][2] == NOON - timedelta(days=3)


def test_a_list_of_keys_is_one_parameter(shop: Shop, buyers: list[int]) -> None:
    some = Profile.objects.filter(shop=shop, customer_id__among=buyers[:2]).order_by("pk")
    assert [external_id for (external_id,) in fetch(some.values_list("external_id"))] == ["1", "2"]
    assert list(Customer.objects.filter(shop=shop, pk__among=[buyers[2], 10**12]).values_list("pk", flat=True)) == [buyers[2]]
    assert Product.objects.filter(shop=shop, external_id__among=["9", "it's; \"}", "8"]).count() == 1
    assert not Product.objects.filter(shop=shop, external_id__among=[]).exists()


def test_nothing_is_asked_where_nothing_can_be_found(shop: Shop) -> None:
    assert not list(fetch(Order.objects.filter(shop=shop, pk__in=[]).values_list("pk")))


def test_keys_of_two_kinds_are_refused(shop: Shop) -> None:
    with pytest.raises(TypeError, match="whole numbers alone or texts alone"):
        Customer.objects.filter(shop=shop, pk__among=[1, "2"])
