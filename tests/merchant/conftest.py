"""A sandbox with two stores and two portals, and SegSync set up to speak to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.world import SandboxConfig, World
from tests.merchant.owner import Owner
from tests.sandbox.conftest import free_port
from tests.sandbox.shopify_store import CLIENT_ID, CLIENT_SECRET, SHOP, tiny_store

OTHER_SHOP = "other.myshopify.com"
PORTAL, OTHER_PORTAL = 123456, 654321


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[SandboxServer]:
    world = World(SandboxConfig(port=free_port(), shopify_client_id=CLIENT_ID, shopify_client_secret=CLIENT_SECRET))
    world.stores = {SHOP: tiny_store(), OTHER_SHOP: tiny_store(OTHER_SHOP)}
    world.portals = {PORTAL: Portal(PORTAL, "tiny.example"), OTHER_PORTAL: Portal(OTHER_PORTAL, "other.example")}
    server = SandboxServer(world)
    server.start()
    settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    settings.SHOPIFY_CLIENT_ID, settings.SHOPIFY_CLIENT_SECRETS = CLIENT_ID, [CLIENT_SECRET]
    settings.SHOPIFY_SHOP_URL = f"{server.base_url}/shopify/{{shop}}"
    settings.HUBSPOT_CLIENT_ID, settings.HUBSPOT_CLIENT_SECRET = world.config.hubspot_client_id, world.config.hubspot_client_secret
    settings.HUBSPOT_API_URL = settings.HUBSPOT_APP_URL = f"{server.base_url}/hubspot"
    yield server
    server.stop()


@pytest.fixture
def owner(sandbox: SandboxServer, db: None) -> Iterator[Owner]:
    """Somebody who owns the tiny store and has never been here."""
    person = Owner()
    yield person
    person.http.close()
