"""`manage.py explain`."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Shop
from segsync.store.models import Customer, Identity
from tests.factories import NOON, customer, order, tell

RULE = "number_of_orders >= 2 AND orders_placed MATCHES (date >= -30d)"
DAY = timedelta(days=1)


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("explain", "--rule", *words, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _ann(shop: Shop) -> None:
    tell(shop, "shopify", customer("7001", "ann@example.com", orders=1), order("500", "7001", placed_at=NOON - 3 * DAY))


def test_a_rule_is_read_as_a_sentence_without_any_shop() -> None:
    assert said(RULE) == "Customers whose number of orders is at least 2 and who placed an order in the last 30 days.\n"


@pytest.mark.parametrize("name", ["ann@example.com", " Ann@EXAMPLE.com ", "7001", "own"])
def test_a_customers_conditions_are_marked_with_their_evidence(shop: Shop, name: str) -> None:
    own = Identity.objects.get(value="7001").customer_id
    lines = said(RULE, "--shop", shop.domain, "--customer", str(own) if name == "own" else name, "--at", NOON.isoformat()).splitlines()
    assert lines[2:] == [
        f"Customer {own} does not belong at 2026-09-15 13:00 (Europe/London):",
        "  false  number_of_orders >= 2",
        "           number of orders: 1",
        "  true   orders_placed MATCHES (date >= -30d)",
        "           #500 on 2026-09-12, 50.00",
        "To enter: 1 more order.",
    ]


def test_only_what_was_so_at_the_instant_is_evidence(shop: Shop) -> None:
    words = ("--shop", shop.domain, "--customer", "ann@example.com", "--at")
    assert "no such orders" in said(RULE, *words, (NOON - 5 * DAY).isoformat())
    assert "was not known yet at 2024-" in said(RULE, *words, "2024-05-01")


def test_somebody_merged_is_found_by_the_number_they_had(shop: Shop) -> None:
    tell(shop, "shopify", customer("7002", "b@example.com"))
    gone = Identity.objects.get(value="7002").customer_id
    tell(shop, "shopify", customer("7001", "ann@example.com", "b@example.com", version=NOON + DAY))
    kept = Customer.objects.get(merged_into__isnull=True).pk
    assert f"Customer {kept} " in said(RULE, "--shop", shop.domain, "--customer", str(gone))


def test_a_number_that_means_several_people_is_not_guessed(shop: Shop) -> None:
    own = Identity.objects.get(value="7001").customer_id
    tell(shop, "hubspot", customer(str(own), "c@example.com"))
    with pytest.raises(CommandError, match="is the id of several customers"):
        said(RULE, "--shop", shop.domain, "--customer", str(own))


@pytest.mark.parametrize("who", ["nobody@example.com", "42424242", "", "x" * 500, "٣", "9" * 30, "1 OR 1=1", "a\x00b", "a\udcff@example.com"])
def test_nobody_is_said_to_be_nobody(shop: Shop, who: str) -> None:
    with pytest.raises(CommandError, match="has no customer"):
        said(RULE, "--shop", shop.domain, "--customer", who)


def test_nobody_of_another_shop_is_explained() -> None:
    other = Shop.objects.create(domain="other.myshopify.com")
    for who in ("ann@example.com", "7001", str(Identity.objects.get(value="7001").customer_id)):
        with pytest.raises(CommandError, match="has no customer"):
            said(RULE, "--shop", other.domain, "--customer", who)


def test_half_a_question_is_refused(shop: Shop) -> None:
    for words in (("--shop", shop.domain, "--at", "2026-01-01"), ("--customer", "ann@example.com"), ("--at", "2026-01-01")):
        with pytest.raises(CommandError, match="give both --shop DOMAIN and --customer"):
            said(RULE, *words)
