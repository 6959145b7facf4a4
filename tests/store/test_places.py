"""Where people live, whom they buy for, and what orders say of themselves: stored in rules' own forms, whole or bit by bit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from integrations.models import Shop
from integrations.records import Address, Customer
from segsync.evaluate.facts import ALL_KINDS, FactsReader
from segsync.rules.facts import CustomerFacts
from segsync.store import models
from segsync.store.models import Profile
from segsync.store.places import MOST
from tests.factories import NOON, customer, order, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return Shop.objects.create(domain="places.myshopify.com", currency="GBP")


def person(shop: Shop) -> CustomerFacts:
    reader = FactsReader(shop, ALL_KINDS)
    (facts,) = reader.read(list(models.Customer.objects.filter(shop=shop).values_list("pk", flat=True))).values()
    return facts


def test_places_are_kept_as_rules_write_them(shop: Shop) -> None:
    home = (Address("1", "US", "CA", "Los Angeles"), Address("1", "us", "ny", "new york"), Address("1", "SG", "", "SINGAPORE"), Address("1", "CA", "CA-ON"))
    tell(shop, "shopify", customer("1", "a@x.org", addresses=home))
    facts = person(shop)
    assert facts.countries == ("US", "SG", "CA")
    assert facts.regions == ("US-CA", "US-NY", "CA-ON")
    assert facts.cities == ("US-CA-LosAngeles", "US-NY-NewYork", "SG-Singapore")


def test_addresses_that_follow_add_and_a_newer_telling_begins_anew(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "a@x.org", addresses=(Address("1", "GB", "ENG", "Leeds"),)))
    before = models.Customer.objects.get(shop=shop).facts_version
    assert tell(shop, "shopify", Address("1", "FR", "", "Lyon"), Address("9", "FR", "", "Lyon")) == 1
    assert person(shop).cities == ("GB-ENG-Leeds", "FR-Lyon")
    assert models.Customer.objects.get(shop=shop).facts_version == before + 1
    assert tell(shop, "shopify", Address("1", "FR", "", "Lyon")) == 0
    tell(shop, "shopify", customer("1", "a@x.org", version=NOON + timedelta(days=1), addresses=(Address("1", "FR", "", "Lyon"),)))
    assert person(shop).cities == ("FR-Lyon",)


def in_bulk(**more: Any) -> Customer:
    """Somebody as a bulk file tells: with the main address alone, the others follow."""
    return customer("1", "a@x.org", addresses=(Address("1", "GB", "ENG", "Leeds"),), addresses_follow=True, **more)


def test_fault_38_the_same_telling_with_other_properties_keeps_the_places_that_followed_it(shop: Shop) -> None:
    tell(shop, "shopify", in_bulk(companies=("5",)), Address("1", "FR", "", "Lyon"))
    assert tell(shop, "shopify", in_bulk(properties={"facts.size": "7"})) == 1
    facts = person(shop)
    assert (facts.countries, facts.regions, facts.cities) == (("GB", "FR"), ("GB-ENG",), ("GB-ENG-Leeds", "FR-Lyon"))
    assert facts.companies == ("5",)
    assert tell(shop, "shopify", Address("1", "FR", "", "Lyon")) == 0


def test_fault_38_a_newer_telling_in_bulk_keeps_places_until_all_are_told_together(shop: Shop) -> None:
    later = NOON + timedelta(days=1)
    tell(shop, "shopify", in_bulk(), Address("1", "FR", "", "Lyon"), Address("1", "ES", "", "Jaca"))
    tell(shop, "shopify", in_bulk(version=later, spent=700))
    assert person(shop).cities == ("GB-ENG-Leeds", "FR-Lyon", "ES-Jaca")
    assert tell(shop, "shopify", Address("1", "FR", "", "Lyon")) == 0
    whole = customer("1", "a@x.org", version=later, spent=700, addresses=(Address("1", "GB", "ENG", "Leeds"), Address("1", "FR", "", "Lyon")))
    assert tell(shop, "shopify", whole) == 1
    assert person(shop).cities == ("GB-ENG-Leeds", "FR-Lyon")
    assert tell(shop, "shopify", whole, in_bulk(spent=700)) == 0


def test_only_so_many_places_are_kept(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "a@x.org", addresses=tuple(Address("1", "US", "NY", f"Town {n}") for n in range(MOST))))
    tell(shop, "shopify", Address("1", "GB", "ENG", "Leeds"))
    assert len(person(shop).cities) == MOST


def test_the_same_telling_with_facts_that_were_never_asked_for_before_is_news(shop: Shop) -> None:
    bare, placed = customer("1", "a@x.org"), order("7", "1")
    tell(shop, "shopify", bare, placed)
    Profile.objects.update(regions=None, cities=None)
    fuller = replace(bare, addresses=(Address("1", "GB", "ENG", "Leeds"),), companies=("5",))
    assert tell(shop, "shopify", fuller, replace(placed, location_id="66", app_id="580111", shipping="Express")) >= 2
    facts = person(shop)
    assert (facts.companies, facts.regions) == (("5",), ("GB-ENG",))
    assert [(o.location_id, o.app_id, o.shipping) for o in facts.orders] == [("66", "580111", "Express")]
    assert tell(shop, "shopify", fuller, replace(placed, location_id="66", app_id="580111", shipping="Express")) == 0
    assert tell(shop, "shopify", bare, placed) == 0  # what is withheld later does not empty what is known
    assert person(shop).companies == ("5",)
