from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Connection, Shop
from tests.merchant.conftest import OTHER_PORTAL, OTHER_SHOP, PORTAL
from tests.merchant.owner import Owner
from tests.sandbox.shopify_store import SHOP


@pytest.fixture
def installed(owner: Owner) -> Owner:
    owner.installs()
    return owner


def accounts() -> dict[str, str]:
    return dict(Connection.objects.filter(vendor="hubspot").values_list("shop__domain", "account"))


def test_an_owner_connects_hubspot_and_is_done(installed: Owner) -> None:
    answer = installed.connects_hubspot(PORTAL)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/connect")
    assert "everything is connected" in installed.browser.get("/connect").content.decode()
    assert accounts() == {SHOP: str(PORTAL)}
    assert "crm.lists.write" in Connection.objects.get(vendor="hubspot").scopes


def test_without_a_store_there_is_nothing_to_connect_to(owner: Owner) -> None:
    for address in ("/connect", "/hubspot/connect", f"/hubspot/connect?shop={SHOP}"):
        answer = owner.browser.get(address)
        assert answer.status_code == 403
        assert "install SegSync into your store first" in answer.content.decode()


def test_denied_consent_connects_nothing(installed: Owner) -> None:
    answer = installed.browser.get(installed.decides_at_hubspot(installed.asks_to_connect_hubspot(), "deny"))
    assert answer.status_code == 403
    assert "You did not let SegSync into HubSpot" in answer.content.decode()
    assert accounts() == {}


def test_an_answer_serves_once_and_only_in_the_browser_that_began(installed: Owner) -> None:
    back = installed.decides_at_hubspot(installed.asks_to_connect_hubspot(), hub_id=PORTAL)
    assert Client().get(back).status_code == 400
    assert accounts() == {}
    assert installed.browser.get(back).status_code == 302
    assert installed.browser.get(back).status_code == 400


def test_an_account_of_another_store_is_refused(installed: Owner) -> None:
    installed.connects_hubspot(PORTAL)
    installed.installs(OTHER_SHOP)
    answer = installed.connects_hubspot(PORTAL)
    assert answer.status_code == 409
    assert f"HubSpot account {PORTAL} is connected to another store already" in answer.content.decode()
    assert accounts() == {SHOP: str(PORTAL)}


def test_a_store_keeps_its_account(installed: Owner) -> None:
    installed.connects_hubspot(PORTAL)
    answer = installed.connects_hubspot(OTHER_PORTAL)
    assert answer.status_code == 409
    assert f"This store works with HubSpot account {PORTAL}" in answer.content.decode()
    assert accounts() == {SHOP: str(PORTAL)}


def test_connecting_again_counts_and_clears_the_reason(installed: Owner) -> None:
    installed.connects_hubspot(PORTAL)
    Connection.objects.filter(vendor="hubspot").update(status=Connection.Status.NEEDS_RECONNECT, reason="Revoked.")
    assert "Connect HubSpot again" in installed.browser.get("/connect").content.decode()
    installed.connects_hubspot(PORTAL)
    connection = Connection.objects.get(vendor="hubspot")
    assert (connection.status, connection.reason, connection.generation) == ("connected", "", 2)


def test_a_store_that_uninstalled_must_install_first(installed: Owner) -> None:
    Shop.objects.update(status=Shop.Status.UNINSTALLED)
    answer = installed.browser.get("/hubspot/connect")
    assert answer.status_code == 409
    assert "no longer installed" in answer.content.decode()


def test_a_tab_of_one_store_never_connects_another(installed: Owner) -> None:
    installed.installs(OTHER_SHOP)
    assert installed.browser.get(f"/hubspot/connect?shop={SHOP}").status_code == 403


def test_staff_who_may_change_connections_can_connect_for_a_store(installed: Owner) -> None:
    staff = User.objects.create_user("staff", password="a-long-password", is_staff=True)
    installed.browser = Client()
    installed.browser.force_login(staff)
    assert installed.browser.get(f"/hubspot/connect?shop={SHOP}").status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="change_connection"))
    begun = installed.browser.get(f"/hubspot/connect?shop={SHOP}")
    assert begun.status_code == 302
    assert installed.browser.get(installed.decides_at_hubspot(begun.headers["Location"], hub_id=PORTAL)).status_code == 302
    assert accounts() == {SHOP: str(PORTAL)}
