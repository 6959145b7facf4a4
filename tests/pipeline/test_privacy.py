"""What platforms ask for under privacy law: found in the inbox, acted upon in time, and not undone by what comes late."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from pytest_django import Settings

from integrations.models import Delivery, Shop
from segsync import pipeline, privacy
from segsync.diff.models import LedgerEntry
from segsync.evaluate.columnar import files
from segsync.evaluate.models import Membership
from segsync.leases import claim
from segsync.privacy_export import stored_about
from segsync.push.audit import ask, run
from segsync.push.models import Channel, Finding
from segsync.rules.models import Segment
from segsync.store.models import Activity, Customer, Identity, Order, PrivacyRequest, Profile
from tests.factories import opened, tell
from tests.line import Line, both, line, sandbox

__all__ = ["both", "line", "sandbox"]
ANN = {"id": 101, "email": "Ann@example.test", "phone": None}


@pytest.fixture
def told(both: Line) -> Line:
    """Four buyers are tagged and listed; Ann has opened a letter, and an audit has found something about her."""
    both.segment()
    both.decide()
    both.push()
    both.push("hubspot")
    tell(both.shop, "hubspot", opened("o1", "ann@example.test", both.now()), now=both.now())
    both.wait(61)
    both.store.customers[101].tags = ["SegSync:buyers"]
    audit = ask(both.shopify, both.now())
    assert run(audit.pk, both.now)
    return both


def asks(line: Line, topic: str, delivery: str = "d1", **body: object) -> None:
    """A privacy webhook comes in, and the pipeline looks."""
    row = line.told(topic, delivery)
    row.body = json.dumps({"shop_id": 1, "shop_domain": line.domain, **body}).encode()
    row.save()
    line.tick()


def left_of_ann() -> list[str]:
    """Where any of Ann's names is still written: her address in any row of any table, and her id among the store's."""
    written = io.StringIO()
    call_command("dumpdata", stdout=written)
    found = ["an address"] if "ann@example" in written.getvalue().casefold() else []
    found += ["a record"] if Profile.objects.filter(source="shopify", external_id="101").exists() else []
    found += ["a name"] if Identity.objects.filter(kind="shopify", value="101").exists() else []
    found += ["a finding"] if Finding.objects.filter(external_id="101", audit__connection__vendor="shopify").exists() else []
    return found + (["a webhook"] if any(b"101" in bytes(body) for body in Delivery.objects.filter(vendor="shopify").values_list("body", flat=True)) else [])


def test_fault_43_a_redacted_customer_goes_with_everything_and_no_old_page_brings_them_back(told: Line) -> None:
    named = told.told("customers/update", "before")
    named.body, named.outcome = b'{"id": 101, "email": "ann@example.test"}', Delivery.Outcome.DONE
    named.save()
    assert left_of_ann() == ["an address", "a record", "a name", "a finding", "a webhook"]
    size = Segment.objects.get(handle="buyers").size
    asks(told, "customers/redact", customer=ANN, orders_to_redact=[1001])
    assert left_of_ann() == []
    request = PrivacyRequest.objects.get()
    assert (request.status, request.external_id, request.email, request.orders) == ("done", "", "", [])
    assert request.erased["Customer"] == 1
    assert request.erased["Activity"] == 1
    assert Segment.objects.get(handle="buyers").size == size - 1
    assert not Order.objects.filter(external_id="1001").exists()
    told.store.customers[101].updated_at = told.wait(61)  # everything is told again
    told.pull()
    told.decide()
    assert left_of_ann() == []
    assert Customer.objects.count() == 4


def test_our_marks_are_taken_away_over_there_before_their_ids_are_forgotten(told: Line) -> None:
    assert 103 in told.tagged()
    told.tag(103, "vip")
    asks(told, "customers/redact", customer={"id": 103})
    assert told.store.customers[103].tags == ["vip"]
    assert not LedgerEntry.objects.filter(profile__external_id="103", profile__source="shopify").exists()
    assert told.tagged() == {102, 105}


def test_an_address_alone_is_enough(told: Line) -> None:
    asks(told, "customers/redact", customer={"email": "ann@example.test"})
    assert left_of_ann() == []


def test_somebody_nobody_knows_stays_unknown(told: Line) -> None:
    before = Customer.objects.count()
    asks(told, "customers/redact", customer={"id": 999, "email": "zed@example.test"})
    assert PrivacyRequest.objects.get().status == "done"
    told.customer(999, "zed@example.test")
    told.wait(61)
    told.pull("customers")
    assert Customer.objects.count() == before


def test_a_platform_that_does_not_answer_is_waited_for_but_not_for_ever(told: Line) -> None:
    told.fault("503", platform="shopify", times=None)
    asks(told, "customers/redact", customer=ANN)
    request = PrivacyRequest.objects.get()
    assert request.status == "open"
    assert request.problem
    assert Profile.objects.filter(external_id="101").exists()
    told.wait(privacy.PATIENCE.total_seconds())
    told.tick()
    assert left_of_ann() == []
    request.refresh_from_db()
    assert (request.status, request.problem) == ("done", "")


def test_nobody_is_erased_while_the_platform_is_being_told_of_them(told: Line) -> None:
    held = claim(Channel, told.channel().pk, now=told.now(), ttl=timedelta(seconds=30))
    assert held is not None
    asks(told, "customers/redact", customer=ANN)
    assert PrivacyRequest.objects.get().status == "open"
    held.release()
    told.wait(60)
    told.tick()
    assert left_of_ann() == []
    assert not Channel.objects.exclude(lease_token="").exists()


def test_a_webhook_that_comes_twice_and_one_that_names_nobody(told: Line) -> None:
    asks(told, "customers/redact", customer=ANN)
    asks(told, "customers/redact", "d2", customer=ANN)
    asks(told, "customers/redact", "d3", customer={"phone": "+44"})
    assert PrivacyRequest.objects.filter(status="done").count() == PrivacyRequest.objects.count() == 2
    assert list(Delivery.objects.filter(topic="customers/redact").values_list("outcome", flat=True)) == ["done", "done", "ignored"]
    assert all(bytes(body) == b"{}" for body in Delivery.objects.values_list("body", flat=True))


def test_after_the_app_was_removed_a_person_is_still_erased(told: Line) -> None:
    told.told("app/uninstalled", "bye")
    told.tick()
    assert told.shop.status == Shop.Status.UNINSTALLED
    asks(told, "customers/redact", customer=ANN)
    assert left_of_ann() == []


@pytest.mark.parametrize("kind", ["ledger", "findings"])
def test_others_are_left_as_they_are(told: Line, kind: str) -> None:
    rows = LedgerEntry.objects.filter(target__kind="tag") if kind == "ledger" else Finding.objects.filter(kind="foreign")
    before = rows.exclude(profile__external_id="101", profile__source="shopify").count()
    asks(told, "customers/redact", customer=ANN)
    assert rows.count() == before


def test_a_redacted_shop_goes_with_everything_and_no_other_does(told: Line, settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    other = Shop.objects.create(domain="another.myshopify.com")
    tell(other, "shopify", opened("x", "zoe@example.test"))
    folder = files.folder(told.shop.pk)
    folder.mkdir(parents=True)
    told.told("app/uninstalled", "bye")
    told.tick()
    shop_id = told.shop.pk
    asks(told, "shop/redact")
    for model in apps.get_models():
        if any(field.name == "shop" for field in model._meta.concrete_fields):
            assert not model._default_manager.filter(shop_id=shop_id).exists(), model
    assert not Shop.objects.filter(pk=shop_id).exists()
    assert not folder.exists()
    assert Activity.objects.filter(shop=other).count() == 1
    assert left_of_ann() == []


def test_a_shop_that_installed_the_app_again_meanwhile_is_not_erased(told: Line) -> None:
    asks(told, "shop/redact")
    assert PrivacyRequest.objects.get().status == "ignored"
    assert Membership.objects.filter(shop=told.shop).exists()


def test_a_person_who_asks_what_is_stored_waits_for_a_person_with_a_deadline(told: Line) -> None:
    asks(told, "customers/data_request", customer=ANN, orders_requested=[1001])
    request = PrivacyRequest.objects.get()
    assert (request.status, request.kind, request.due_at) == ("open", "tell", None)
    assert request.deadline_at - request.received_at == timedelta(days=30)
    stored = json.loads(json.dumps(stored_about(request), default=str))
    assert {row["value"] for row in stored["names"]} >= {"101", "ann@example.test"}
    assert len(stored["orders"]) == Order.objects.filter(customer__profiles__external_id="101", customer__profiles__source="shopify").count() > 0
    assert [row["segment"] for row in stored["segments"]] == ["Buyers"]
    assert {row["platform"] for row in stored["marks"]} == {"shopify", "hubspot"}
    assert "bob@example.test" not in json.dumps(stored)
    told.tick()
    assert Identity.objects.filter(value="ann@example.test").exists()


def test_the_line_goes_on_without_whoever_was_erased(told: Line) -> None:
    asks(told, "customers/redact", customer=ANN)
    told.order(2002, 104)
    told.wait(61)
    told.look_again()
    told.push()
    told.push("hubspot")
    assert told.tagged() == {102, 103, 104, 105}
    assert pipeline.settled(told.shop, told.now())
