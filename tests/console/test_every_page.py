"""Every list and every page opens, in a number of queries that does not grow with the rows, and shows nothing secret."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from integrations.models import Connection, Credential, Delivery, OAuthState, Shop
from segsync.diff.models import LedgerEntry, Target
from segsync.evaluate.models import Evaluation, WholeRun
from segsync.pull.models import Run, Stream
from segsync.push.models import Attempt, Audit, Finding
from segsync.rules.models import Segment
from segsync.store.models import Customer, PrivacyRequest
from tests.console.rows import SECRET_BODY, SECRET_TOKEN, furnish

PAGES = [Segment, Customer, Connection, Stream, Run, Target, LedgerEntry, Evaluation, WholeRun, Attempt, Audit, Finding, PrivacyRequest, Delivery, Shop]


def address(model: type, page: str, *args: object) -> str:
    meta = model._meta  # type: ignore[attr-defined]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


@pytest.fixture
def two_shops(shop: Shop) -> Shop:
    """Two shops with 50 rows of everything in the first and 2 in the second."""
    furnish(shop, 50)
    furnish(Shop.objects.create(domain="other.myshopify.com", name="Other", status=Shop.Status.INSTALLED), 2)
    return shop


def test_lists_of_fifty_take_few_queries(two_shops: Shop, admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    admin_client.get("/admin/")
    for model in PAGES:
        with django_assert_max_num_queries(16):
            answer = admin_client.get(address(model, "changelist"))
        assert answer.status_code == 200, model


def test_every_page_opens_and_takes_few_queries(two_shops: Shop, admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for model in PAGES:
        row = model._default_manager.earliest("pk")
        with django_assert_max_num_queries(30):
            answer = admin_client.get(address(model, "change", row.pk))
        assert answer.status_code == 200, model


def test_the_overview_takes_few_queries(two_shops: Shop, admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(20):
        assert admin_client.get("/admin/").status_code == 200


def test_no_token_and_no_webhook_body_is_shown_anywhere(two_shops: Shop, admin_client: Client) -> None:
    assert not admin.site.is_registered(Credential)
    assert not admin.site.is_registered(OAuthState)
    encrypted = bytes(Credential.objects.latest("pk").access_token).decode()
    for model in PAGES:
        row = model._default_manager.earliest("pk")
        for page in (address(model, "changelist"), address(model, "change", row.pk)):
            content = admin_client.get(page).content.decode()
            for secret in (SECRET_TOKEN, SECRET_BODY.decode(), encrypted):
                assert secret not in content, page


@pytest.mark.parametrize("model", [model for model in PAGES if model not in (Segment, Shop)])
def test_what_the_pipeline_writes_cannot_be_written_here(shop: Shop, admin_client: Client, model: type) -> None:
    furnish(shop, 1)
    row = model._default_manager.get() if model is not Connection else Connection.objects.earliest("pk")  # type: ignore[attr-defined]
    assert admin_client.get(address(model, "add")).status_code == 403
    assert admin_client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert admin_client.post(address(model, "change", row.pk), {"name": "x"}).status_code == 403


def test_every_search_box_searches(shop: Shop, admin_client: Client) -> None:
    furnish(shop, 1)
    for model in PAGES:
        assert admin_client.get(address(model, "changelist"), {"q": "x'\"%_\x00 1"}).status_code == 200, model


def test_while_there_is_one_shop_no_list_names_it(shop: Shop, admin_client: Client) -> None:
    furnish(shop, 1)
    assert "Corner Shop" not in admin_client.get(address(Run, "changelist")).content.decode()
    Shop.objects.create(domain="other.myshopify.com")
    assert "Corner Shop" in admin_client.get(address(Run, "changelist")).content.decode()


def test_a_stranger_is_asked_to_sign_in(client: Client, db: None) -> None:
    for model in PAGES:
        answer = client.get(address(model, "changelist"))
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")
