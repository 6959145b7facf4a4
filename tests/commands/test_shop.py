"""`manage.py shop`."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Shop
from segsync import clock, pipeline
from segsync.evaluate.models import Schedule
from segsync.rules.models import Segment
from tests.factories import customer, tell

pytestmark = pytest.mark.django_db


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("shop", *words, stdout=out)
    return out.getvalue()


def add(domain: str = "corner.myshopify.com", zone: str = "Europe/London", currency: str = "GBP", *more: str) -> str:
    return said("add", domain, "--timezone", zone, "--currency", currency, *more)


def test_a_shop_is_made_without_installing_it() -> None:
    assert add("Corner.myshopify.com", "Europe/London", "gbp", "--name", "Corner Shop").startswith("Added corner.myshopify.com (Europe/London, GBP).")
    shop = Shop.objects.get()
    assert (shop.domain, shop.timezone, shop.currency, shop.name, shop.status) == (
        "corner.myshopify.com",
        "Europe/London",
        "GBP",
        "Corner Shop",
        Shop.Status.ADDED,
    )


def test_a_shop_without_connections_is_evaluated_without_getting_stuck() -> None:
    add()
    shop = Shop.objects.get()
    schedule = Schedule.objects.get(shop=shop)
    assert schedule.whole_wanted_at is not None
    pipeline.decide(shop_id=shop.pk)
    schedule.refresh_from_db()
    assert (schedule.whole_wanted_at, schedule.lease_until, schedule.starters_at) == (None, None, None)
    assert schedule.swept_until is not None
    assert not Segment.objects.filter(shop=shop).exists()  # the starters wait for something to be filled in from
    tell(shop, "import", customer("1", "ann@example.com"))
    pipeline.decide(shop_id=shop.pk)
    assert Segment.objects.filter(shop=shop).exists()
    assert pipeline.settled(shop, clock.now())


def test_adding_it_again_says_so_and_changes_nothing() -> None:
    add()
    assert "is there already" in add()
    assert Shop.objects.count() == 1


def test_adding_it_again_otherwise_is_refused() -> None:
    add()
    with pytest.raises(CommandError, match="there already, with Europe/London and GBP"):
        add(currency="EUR")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("not a domain",), "not a Shopify store's address"),
        (("shop.example.com",), "not a Shopify store's address"),
        (("corner.myshopify.com", "Europe/Londn"), "Did you mean Europe/London?"),
        (("corner.myshopify.com", "../etc/passwd"), "is not a time zone"),
        (("corner.myshopify.com", ""), "is not a time zone"),
        (("corner.myshopify.com", "Europe/London", "XXX"), "not a currency of ISO 4217"),
        (("corner.myshopify.com", "Europe/London", "pounds"), "not a currency of ISO 4217"),
        (("corner.myshopify.com", "Europe/London", "GBP", "--name", "a\x00b"), "shorter, plain one"),
    ],
)
def test_what_does_not_exist_is_refused(words: tuple[str, ...], part: str) -> None:
    with pytest.raises(CommandError, match=part.replace("?", r"\?")):
        add(*words)
    assert not Shop.objects.exists()


def test_the_list_names_every_shop_or_how_to_add_one() -> None:
    assert "manage.py shop add" in said("list")
    add()
    assert "corner.myshopify.com  Europe/London  GBP  added by hand" in said("list")
