"""Rules about a store's metafields, addresses and companies, from the store to the tag."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pytest_django import Settings

from integrations.sandbox.shopify.state import Address, Company, MetafieldDefinition
from integrations.shopify import metafields
from integrations.shopify import pull as shopify_pull
from segsync.evaluate.models import Disagreement, Evaluation, Membership
from segsync.pull import run
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment
from segsync.rules.shop_vocabulary import vocabulary_of
from tests.line import Line

BIRTHDAYS = "anniversary('metafields.facts.birth_date') = today"


def day(line: Line) -> date:
    """Today, where the shop is."""
    return line.now().astimezone(line.shop.tz).date()


@pytest.fixture
def born(line: Line) -> Line:
    """Noon in a store that defines a date of birth; one customer has their birthday today, one another day, the others told none."""
    noon = line.now().astimezone(line.shop.tz).replace(hour=12, minute=0, second=0, microsecond=0)
    line.wait(((noon if noon > line.now() else noon + timedelta(days=1)) - line.now()).total_seconds())
    today = day(line)
    with line.server.world.lock:
        line.store.metafield_definitions[1] = MetafieldDefinition(1, "facts", "birth_date", "Birth date", "date")
        line.store.customers[101].metafields["facts.birth_date"] = date(1988, today.month, 1 if today.day != 1 else 2).isoformat()
        line.store.customers[102].metafields["facts.birth_date"] = today.replace(year=1988).isoformat()
    line.pull()
    return line


def test_whoever_has_their_birthday_today_is_tagged(born: Line) -> None:
    born.segment(BIRTHDAYS, "birthdays")
    born.settle()
    assert born.tagged("segsync:birthdays") == {102}
    with born.server.world.lock:
        born.store.customers[103].metafields["facts.birth_date"] = day(born).replace(year=1992).isoformat()
        born.store.customers[103].updated_at = born.now()
    born.wait(60)
    born.settle()
    born.look_again()
    born.settle()
    assert born.tagged("segsync:birthdays") == {102, 103}


def test_a_metafield_that_is_not_defined_is_refused_with_the_nearest_one(born: Line) -> None:
    with pytest.raises(RuleError, match="birth_date"):
        born.segment("anniversary('metafields.facts.birthdate') = today", "birthdays")


def test_a_segment_about_a_metafield_that_does_not_fit_says_so_and_others_go_on(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metafields, "MOST", 1)
    with line.server.world.lock:
        for number, key in enumerate(("a", "b")):
            line.store.metafield_definitions[number] = MetafieldDefinition(number, "facts", key, key, "number_integer")
            for customer in line.store.customers.values():
                customer.metafields[f"facts.{key}"] = "1"
    line.pull()
    for key in ("a", "b"):
        line.segment(f"metafields.facts.{key} = 1", key)
    line.settle()
    line.wait(60)
    line.look_again()
    line.settle()
    assert line.tagged("segsync:a") == set(line.store.customers)
    assert Segment.objects.get(handle="a").problem == ""
    problem = Segment.objects.get(handle="b").problem
    assert "`metafields.facts.b` has no data yet; it takes fewer metafields in the shop's rules" in problem


def test_places_and_companies_decide_who_belongs(line: Line) -> None:
    with line.server.world.lock:
        line.store.b2b = True
        line.store.companies[7] = Company(7, "Acme")
        line.store.customers[101].company_ids = [7]
        line.store.customers[102].addresses = [Address(1, "US", "NY", "New York City"), Address(2, "SG", "", "Singapore")]
    line.segment("companies IS NULL", "private")
    line.segment("companies = 7", "acme")
    line.segment("customer_cities CONTAINS 'US-NY-NewYorkCity' AND customer_regions CONTAINS 'US-NY' AND customer_cities CONTAINS 'SG-Singapore'", "far")
    line.settle()
    assert line.tagged("segsync:acme") == {101}
    assert line.tagged("segsync:private") == set(line.store.customers) - {101}
    assert line.tagged("segsync:far") == {102}


def test_fault_38_a_rule_about_another_metafield_moves_nobody_out_of_where_they_live(born: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with born.server.world.lock:
        born.store.customers[102].addresses = [Address(1, "GB", "ENG", "Leeds"), Address(2, "SG", "", "Singapore")]
        born.store.customers[102].updated_at = born.now()
    born.wait(60)
    born.look_again()
    born.segment("customer_cities CONTAINS 'SG-Singapore'", "far")
    born.settle()
    assert born.tagged("segsync:far") == {102}
    monkeypatch.setattr(shopify_pull, "PAGE", 1)
    born.segment(BIRTHDAYS, "birthdays")
    store = run._store

    def judged_between(*args: object) -> None:
        store(*args)  # type: ignore[arg-type]
        born.decide()

    with monkeypatch.context() as patch:
        patch.setattr(run, "_store", judged_between)
        born.pull("customers")
    born.settle()
    assert born.tagged("segsync:birthdays") == {102}
    assert Membership.objects.filter(segment__handle="far").count() == 1  # one stay, never interrupted


def test_a_store_without_companies_gets_a_refusal_instead_of_everybody(line: Line) -> None:
    line.segment("companies IS NULL", "private")
    line.segment("customer_countries CONTAINS 'GB'", "british")
    line.settle()
    assert line.tagged("segsync:private") == set()
    assert line.tagged("segsync:british") == set(line.store.customers)
    problem = Segment.objects.get(handle="private").problem
    assert "`companies` has no data yet; it takes a store with Shopify's B2B" in problem
    assert "companies" in vocabulary_of(line.shop).withheld
    with line.server.world.lock:
        line.store.b2b = True
        line.store.companies[7] = Company(7, "Acme")
        line.store.customers[101].company_ids = [7]  # its time of change stays as it was
    line.forget_denials()
    line.wait(60)
    line.pull("customers")
    line.decide()
    assert line.tagged("segsync:private") == set()  # nobody is judged before everybody's companies are known
    line.settle()
    assert Segment.objects.get(handle="private").problem == ""
    assert line.tagged("segsync:private") == set(line.store.customers) - {101}
    asked = line.calls("StartBulkQuery")
    line.wait(60)
    line.pull("customers")
    line.settle()
    assert line.calls("StartBulkQuery") == asked  # once was enough


@pytest.mark.parametrize(("columnar_from", "engine"), [(1, "columnar"), (20_000, "interpreter")])
def test_the_columns_and_the_interpreter_agree_on_companies(line: Line, settings: Settings, columnar_from: int, engine: str) -> None:
    with line.server.world.lock:
        line.store.b2b = True
        line.store.companies[7] = Company(7, "Acme")
        line.store.customers[101].company_ids = [7]
    settings.SEGSYNC_COLUMNAR_FROM = columnar_from
    line.segment("companies IS NULL AND customer_countries CONTAINS 'GB'", "private")
    line.settle()
    assert line.tagged("segsync:private") == set(line.store.customers) - {101}
    assert set(Evaluation.objects.filter(segment__handle="private").values_list("engine", flat=True)) == {engine}
    assert not Disagreement.objects.exists()
