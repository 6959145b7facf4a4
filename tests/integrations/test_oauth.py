"""A consent can be finished once, in time, and where it was begun."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations import oauth
from integrations.models import OAuthState
from integrations.oauth import OAuthRefused
from tests.integrations.accounts import NOW

SHOP = "amber.myshopify.com"
pytestmark = pytest.mark.django_db


def test_the_browser_that_began_gets_its_shop_back() -> None:
    state = oauth.begin("shopify", SHOP, "browser-1", NOW)
    assert oauth.finish("shopify", state, "browser-1", NOW + timedelta(minutes=9)) == SHOP


def test_neither_state_nor_browser_can_be_read_from_the_table() -> None:
    state = oauth.begin("shopify", SHOP, "browser-1", NOW)
    assert len(state) >= 43  # 256 bits
    row = OAuthState.objects.get()
    assert state not in row.state_hash
    assert "browser-1" not in row.browser_hash


def test_an_answer_is_good_only_once() -> None:
    state = oauth.begin("shopify", SHOP, "browser-1", NOW)
    oauth.finish("shopify", state, "browser-1", NOW)
    with pytest.raises(OAuthRefused, match="used before"):
        oauth.finish("shopify", state, "browser-1", NOW)


def test_another_browser_is_refused_and_does_not_use_the_state_up() -> None:
    state = oauth.begin("shopify", SHOP, "browser-1", NOW)
    with pytest.raises(OAuthRefused, match="another browser"):
        oauth.finish("shopify", state, "browser-2", NOW)
    assert oauth.finish("shopify", state, "browser-1", NOW) == SHOP


def test_after_ten_minutes_it_is_too_late() -> None:
    state = oauth.begin("shopify", SHOP, "browser-1", NOW)
    with pytest.raises(OAuthRefused, match="ten minutes"):
        oauth.finish("shopify", state, "browser-1", NOW + timedelta(minutes=10))


@pytest.mark.parametrize("vendor", ["hubspot", "shopify"])
def test_an_unknown_state_or_one_of_the_other_platform_is_refused(vendor: str) -> None:
    state = oauth.begin("shopify", SHOP, "browser-1", NOW) if vendor == "hubspot" else "made-up"
    with pytest.raises(OAuthRefused, match="begun here"):
        oauth.finish(vendor, state, "browser-1", NOW)


def test_old_consents_are_cleared_away_when_a_new_one_begins() -> None:
    oauth.begin("shopify", SHOP, "browser-1", NOW - timedelta(days=2))
    oauth.begin("shopify", SHOP, "browser-1", NOW)
    assert OAuthState.objects.count() == 1
