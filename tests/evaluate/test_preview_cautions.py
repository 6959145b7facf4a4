"""What a preview says of a rule's data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from integrations import records
from integrations.models import Connection, Shop
from segsync.evaluate import known_values
from segsync.evaluate.cautions import cautions
from segsync.pull.models import Stream
from segsync.rules.moments import Moment
from segsync.rules.parse import parse_rule
from segsync.rules.shop_vocabulary import vocabulary_of
from tests.factories import NOON, checkout, customer, line, opened, order, product, tell


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """Orders since 60 days ago, one product of the category Apparel > Shoes, an opened e-mail of yesterday, one customer with a tag."""
    tell(
        shop, "shopify", product("9"), customer("1", "a@example.com", tags=("Wholesale",)), order("a", "1", NOON - timedelta(days=60)), checkout("c", "1", NOON)
    )
    tell(shop, "hubspot", customer("7", "a@example.com"), opened("e", "a@example.com"))
    return shop


def said(shop: Shop, rule: str, *nobody: str) -> tuple[str, ...]:
    return cautions(shop, parse_rule(rule), Moment(NOON, shop.tz), vocabulary_of(shop), set(nobody))


def test_a_rule_that_the_data_can_answer_gets_no_caution(filled: Shop) -> None:
    assert said(filled, "products_purchased MATCHES (category = 'shoes', vendor = 'Maker', date >= -30d) AND number_of_orders >= 2") == ()


@pytest.mark.parametrize(
    ("rule", "caution"),
    [
        ("products_purchased MATCHES (category = 'Shoez')", "Nothing in this shop has the category 'Shoez'. Did you mean Shoes?"),
        ("checkouts_abandoned MATCHES (vendor = 'Xyz')", "Nothing in this shop has the vendor 'Xyz'."),
        ("top_product_type IN ('Shoes', 'Hats')", "Nothing in this shop has the product type 'Hats'."),
        ("products_purchased MATCHES (tag = 'sale')", "Nothing in this shop has the product tag 'sale'. No product tag is known here at all."),
        (
            "NOT (products_purchased MATCHES (collection STARTS WITH 'Sum'))",
            "Nothing in this shop has the collection 'Sum'. No collection is known here at all.",
        ),
    ],
)
def test_a_value_that_nothing_has_is_named_with_the_nearest_there_is(filled: Shop, rule: str, caution: str) -> None:
    assert said(filled, rule) == (caution,)


def test_values_of_many_rows_are_only_looked_up_for_conditions_that_find_nobody(filled: Shop) -> None:
    rule = "customer_tags CONTAINS 'wholesail'"
    assert said(filled, rule) == ()
    assert said(filled, rule, rule) == ("Nothing in this shop has the customer tag 'wholesail'. Did you mean Wholesale?",)
    rule = "orders_placed MATCHES (channel = 'pos')"
    assert said(filled, rule, rule) == ("Nothing in this shop has the sales channel 'pos'.",)


@pytest.mark.parametrize("rule", ["products_purchased MATCHES (vendor = 'Old maker')", "top_vendor = 'Old maker'"])
def test_a_vendor_that_only_a_line_names_is_known(filled: Shop, rule: str) -> None:
    """The product has gone to another vendor since it was bought: what was bought goes by what its line says."""
    bought = replace(line("b", "l1"), vendor="Old Maker")
    tell(filled, "shopify", order("b", "1", lines=(bought,)))
    assert said(filled, rule, rule) == ()
    other = rule.replace("Old maker", "Old malker")
    assert said(filled, other) == ()
    assert said(filled, other, other) == ("Nothing in this shop has the vendor 'Old malker'. Did you mean Old Maker?",)


def test_a_vendor_of_checkouts_is_one_of_products(filled: Shop) -> None:
    tell(filled, "shopify", order("b", "1", lines=(replace(line("b", "l1"), vendor="Old Maker"),)))
    rule = "checkouts_abandoned MATCHES (vendor = 'Old Maker')"
    assert said(filled, rule, rule) == ("Nothing in this shop has the vendor 'Old Maker'. Did you mean Maker?",)


@pytest.mark.parametrize(
    "rule", ["customer_tags CONTAINS 'Retail'", "products_purchased MATCHES (tag = 'sale')", "products_purchased MATCHES (category = 'Hats')"]
)
def test_nothing_is_said_of_what_there_is_too_much_of_to_know_it_all(filled: Shop, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(filled, "shopify", customer("2", "b@example.com", tags=("Retail",)), product("10", "Apparel > Hats"), replace(product("11"), tags=("sale",)))
    assert said(filled, rule, rule) == ()
    monkeypatch.setattr(known_values, "MOST_RECORDS", 1)
    assert said(filled, rule, rule) == ()


@pytest.mark.parametrize(
    ("rule", "begins"),
    [
        ("orders_placed MATCHES (date >= -12m)", "15 September 2025 (-12m)"),
        ("last_order_date < -90d", "17 June 2026 (-90d)"),
        ("products_purchased MATCHES (date BETWEEN 2026-01-01 AND today)", "1 January 2026 (2026-01-01)"),
        ("orders_refunded MATCHES (date >= -90d)", "17 June 2026 (-90d)"),
    ],
)
def test_a_window_that_begins_before_the_first_order_is_told(filled: Shop, rule: str, begins: str) -> None:
    sentence = f"The rule looks back to {begins}, and the first order stored is of 17 July 2026, 60 days ago: what was before is not known here."
    assert said(filled, rule) == (sentence,)


def test_a_window_over_events_is_held_against_the_first_event_of_that_kind(filled: Shop) -> None:
    assert "the first emails.opened stored is of 14 September 2026, 1 day ago" in said(filled, "emails.opened MATCHES (date >= -7d)")[0]
    assert said(filled, "emails.opened MATCHES (date >= -1d)") == ()


def test_facts_of_which_there_are_none_are_told(shop: Shop, filled: Shop) -> None:
    assert said(filled, "emails.clicked MATCHES (count >= 2)") == ("Nothing is stored of emails.clicked: conditions about it find nobody.",)
    empty = Shop.objects.create(domain="empty.myshopify.com")
    assert said(empty, "orders_placed MATCHES () AND checkouts_abandoned MATCHES ()") == (
        "Not a single order is stored: conditions about orders find nobody.",
        "Not a single abandoned checkout is stored: conditions about abandoned checkouts find nobody.",
    )


@pytest.mark.parametrize(
    ("stream", "connection", "told"),
    [
        ({"refused_at": NOON, "problem": "Shopify denies access."}, {}, "New orders do not come in: Shopify denies access."),
        ({"due_at": None}, {}, "New orders do not come in: they are not asked for under what was granted."),
        ({}, {"status": "needs_reconnect"}, "New orders do not come in: the connection shopify corner-shop.myshopify.com is lost and must be made again."),
        ({"pulled_until": None}, {}, "Not all orders have been pulled yet: these numbers will grow."),
        ({}, {}, ""),
    ],
)
def test_a_source_that_is_off_is_told(filled: Shop, store: Connection, stream: dict[str, object], connection: dict[str, str], told: str) -> None:
    Stream.objects.create(shop=filled, connection=store, name="orders", **{"due_at": NOON, "pulled_until": NOON} | stream)
    Stream.objects.create(shop=filled, connection=store, name="products")
    Connection.objects.update(**connection)
    assert said(filled, "orders_placed MATCHES (count >= 2)") == ((told,) if told else ())


def test_each_thing_is_said_once(filled: Shop) -> None:
    rule = " OR ".join(f"products_purchased MATCHES (category = 'Hats', count >= {n})" for n in range(1, 4))
    assert len(said(filled, rule)) == 1


def test_another_shops_values_do_not_count(filled: Shop) -> None:
    other = Shop.objects.create(domain="other.myshopify.com")
    tell(other, "shopify", records.Product("5", NOON, "A hat", "Hats", "Hatter", "Apparel > Hats", (), ()))
    assert said(filled, "products_purchased MATCHES (category = 'Hats')") == ("Nothing in this shop has the category 'Hats'.",)
