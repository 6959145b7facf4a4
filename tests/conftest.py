"""Fixtures that every part of the suite uses."""

from __future__ import annotations

import pytest

from integrations.models import Connection, Shop
from tests.factories import NOON


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop.objects.create(domain="corner-shop.myshopify.com", name="Corner Shop", timezone="Europe/London", currency="GBP", status=Shop.Status.INSTALLED)


@pytest.fixture
def store(shop: Shop) -> Connection:
    """The shop's connection to its store."""
    return Connection.objects.create(shop=shop, vendor="shopify", account=shop.domain, connected_at=NOON)


@pytest.fixture
def crm(shop: Shop) -> Connection:
    """The shop's connection to its portal."""
    return Connection.objects.create(shop=shop, vendor="hubspot", account="4242", connected_at=NOON)
