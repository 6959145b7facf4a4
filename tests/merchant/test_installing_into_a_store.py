from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from integrations.models import Connection, Credential, OAuthState, Shop
from integrations.sandbox.server import SandboxServer
from segsync.pull.models import Stream
from tests.merchant.conftest import OTHER_SHOP
from tests.merchant.owner import Owner
from tests.sandbox.shopify_store import SHOP


def nothing_written() -> bool:
    return not (Shop.objects.exists() or Connection.objects.exists() or Credential.objects.exists() or Stream.objects.exists())


def test_an_owner_installs_and_is_told_to_connect_hubspot_next(owner: Owner) -> None:
    answer = owner.installs()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/connect")
    page = owner.browser.get("/connect").content.decode()
    assert "Tiny" in page
    assert "one step is left: connect HubSpot." in page


def test_installing_keeps_the_stores_own_facts_its_scopes_and_asks_for_its_data(owner: Owner) -> None:
    owner.installs()
    shop = Shop.objects.get()
    assert (shop.domain, shop.name, shop.currency, shop.timezone, shop.status) == (SHOP, "Tiny", "GBP", "Europe/London", Shop.Status.INSTALLED)
    connection = Connection.objects.get()
    assert (connection.vendor, connection.account, connection.status, connection.generation) == ("shopify", SHOP, "connected", 1)
    assert {"write_customers", "read_orders", "read_products"} <= set(connection.scopes)
    assert Credential.objects.get().connection == connection
    assert set(Stream.objects.filter(due_at__isnull=False).values_list("name", flat=True)) >= {"customers", "orders", "products"}


@pytest.mark.parametrize("shop", ["", "evil.example", "tiny.myshopify.com.evil.example", "tiny.myshopify.com@evil.example", "x" * 400, "tiny myshopify"])
def test_what_is_no_store_is_refused_before_anybody_is_sent_anywhere(owner: Owner, shop: str) -> None:
    answer = owner.browser.get("/shopify/install", {"shop": shop})
    assert answer.status_code == 400
    assert "your-store.myshopify.com" in answer.content.decode()
    assert not OAuthState.objects.exists()


def test_denied_consent_is_a_page_that_says_what_to_do(owner: Owner) -> None:
    answer = owner.browser.get(owner.decides_at_shopify(owner.asks_to_install(), "deny"))
    assert answer.status_code == 403
    assert "You did not let SegSync into Shopify, so nothing was connected; start again" in answer.content.decode()
    assert nothing_written()


def test_an_answer_that_shopify_did_not_sign_is_refused(owner: Owner) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install())
    answer = owner.browser.get(back.replace("hmac=", "hmac=0"))
    assert answer.status_code == 400
    assert "not signed by Shopify" in answer.content.decode()
    assert nothing_written()


def test_an_answer_changed_on_the_way_is_refused(owner: Owner) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install())
    assert owner.browser.get(back.replace(SHOP, OTHER_SHOP)).status_code == 400
    assert nothing_written()


def test_an_answer_serves_once(owner: Owner) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install())
    assert owner.browser.get(back).status_code == 302
    before = Connection.objects.get().connected_at
    answer = owner.browser.get(back)
    assert answer.status_code == 400
    assert "used before" in answer.content.decode()
    assert Connection.objects.get().connected_at == before


def test_an_answer_in_another_browser_is_refused_and_the_owner_can_still_finish(owner: Owner) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install())
    answer = Client().get(back)
    assert answer.status_code == 400
    assert "another browser" in answer.content.decode()
    assert nothing_written()
    assert owner.browser.get(back).status_code == 302


def test_an_answer_after_ten_minutes_is_refused(owner: Owner) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install())
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        answer = owner.browser.get(back)
    assert answer.status_code == 400
    assert "ten minutes" in answer.content.decode()
    assert nothing_written()


def test_a_scope_not_granted_is_named(owner: Owner) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install(), scopes=["read_customers", "write_customers", "read_products"])
    answer = owner.browser.get(back)
    assert answer.status_code == 403
    assert "missing: read_orders" in answer.content.decode()
    assert nothing_written()


def test_a_store_that_does_not_answer_leaves_nothing_half_written(owner: Owner, sandbox: SandboxServer) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install())
    sandbox.stop()
    answer = owner.browser.get(back)
    assert answer.status_code == 503
    assert "wait a minute and try again" in answer.content.decode()
    assert nothing_written()


def test_a_store_that_uninstalled_can_install_again(owner: Owner) -> None:
    owner.installs()
    Shop.objects.update(status=Shop.Status.UNINSTALLED)
    Connection.objects.update(status=Connection.Status.DISCONNECTED, reason="Uninstalled.")
    assert owner.installs().status_code == 302
    assert Shop.objects.get().status == Shop.Status.INSTALLED
    connection = Connection.objects.get()
    assert (connection.status, connection.reason, connection.generation) == ("connected", "", 2)


def test_an_opening_that_claims_to_be_shopifys_must_be_signed(owner: Owner) -> None:
    answer = owner.browser.get("/shopify/install", {"shop": SHOP, "hmac": "00", "timestamp": "1"})
    assert answer.status_code == 400
    assert "not signed by Shopify" in answer.content.decode()


def test_the_session_key_changes_when_a_store_is_installed(owner: Owner) -> None:
    back = owner.decides_at_shopify(owner.asks_to_install())
    before = owner.browser.cookies["sessionid"].value
    owner.browser.get(back)
    assert owner.browser.cookies["sessionid"].value != before
