"""Whom a change of a product concerns: whoever bought it, and whoever only left it in a checkout."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from integrations.models import Shop
from integrations.records import CheckoutLine, ProductCollection
from segsync.store.models import CheckoutProduct, Customer
from tests.factories import NOON, checkout, customer, line, order, product, tell

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=1)


@pytest.fixture
def people(shop: Shop) -> dict[str, int]:
    """Somebody who bought product 9, two who only left it in a checkout (told within it, told after it), and somebody who did neither."""
    for name in ("buyer", "left", "left-later", "other"):
        tell(shop, "shopify", customer(name, f"{name}@example.com"))
    within = replace(checkout("c1", "left", NOON), lines=(CheckoutLine("1", "c1", "9", "", "", "Boots", 1),))
    after = replace(checkout("c2", "left-later", NOON), lines=None)
    tell(shop, "shopify", product("9"), order("1", "buyer", lines=(line("1", "1"),)), within, after, checkout("c3", "other", NOON))
    tell(shop, "shopify", CheckoutLine("2", "c2", "9", "", "", "Boots", 1), CheckoutLine("3", "c2", "", "", "", "Gift", 1))
    owners = dict(Customer.objects.filter(shop=shop).values_list("profiles__external_id", "pk"))
    Customer.objects.update(judged_version=1, facts_version=1)
    return owners


def marked() -> set[int]:
    return set(Customer.objects.filter(facts_version__gt=1).values_list("pk", flat=True))


def test_whoever_bought_it_or_left_it_is_judged_again(shop: Shop, people: dict[str, int]) -> None:
    tell(shop, "shopify", product("9", "Apparel > Boots", version=LATER))
    assert marked() == {people["buyer"], people["left"], people["left-later"]}
    Customer.objects.update(facts_version=1)
    tell(shop, "shopify", ProductCollection("9", "5", "Winter"))
    assert marked() == {people["buyer"], people["left"], people["left-later"]}


def test_a_product_that_was_taken_out_of_a_checkout_does_not_lead_there_any_more(shop: Shop, people: dict[str, int]) -> None:
    tell(shop, "shopify", replace(checkout("c1", "left", NOON, version=LATER), lines=(CheckoutLine("1", "c1", "8", "", "", "Hat", 1),)))
    Customer.objects.update(facts_version=1)
    tell(shop, "shopify", product("9", "Apparel > Boots", version=LATER))
    assert people["left"] not in marked()
    tell(shop, "shopify", product("8"))
    assert people["left"] in marked()


def test_the_look_goes_by_the_product_and_not_through_every_checkout(shop: Shop, people: dict[str, int]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as told:
        tell(shop, "shopify", product("9", "Apparel > Boots", version=LATER))
    looks = [query["sql"] for query in told if CheckoutProduct._meta.db_table in query["sql"]]
    assert len(looks) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {looks[0]}")
            assert "checkout_by_product" in str(cursor.fetchall())


def test_whoever_a_checkout_leaves_is_judged_again_as_well(shop: Shop) -> None:
    tell(shop, "shopify", customer("one"), customer("two"), checkout("c1", "one", NOON))
    Customer.objects.update(judged_version=F("facts_version"))
    tell(shop, "shopify", checkout("c1", "two", NOON, version=LATER), now=LATER)
    marked = Customer.objects.filter(facts_version__gt=F("judged_version"))
    assert set(marked.values_list("profiles__external_id", flat=True)) == {"one", "two"}
