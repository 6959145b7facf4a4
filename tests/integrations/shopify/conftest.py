"""A small Shopify on loopback, and stores in it that have installed the app."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from integrations import tokens
from integrations.models import Connection, Shop
from integrations.sandbox.fill.generator import generate
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.state import Store
from integrations.sandbox.world import SandboxConfig, World
from integrations.shopify import oauth
from tests.integrations.accounts import NOW

DOMAIN = "amber.myshopify.com"
STARTED = datetime.now(UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = SandboxServer(World(SandboxConfig(port=port, shopify_client_secret="a secret of more than thirty-two bytes")))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def sandbox(server: SandboxServer, settings: Settings) -> Iterator[SandboxServer]:
    """The running sandbox with one freshly filled store, and the app's settings pointing at it."""
    world = server.world
    settings.SHOPIFY_SHOP_URL = f"{server.base_url}/shopify/{{shop}}"
    settings.SHOPIFY_FILE_HOSTS = [f"{world.config.host}:{world.config.port}"]
    settings.SHOPIFY_CLIENT_ID = world.config.shopify_client_id
    settings.SHOPIFY_CLIENT_SECRETS = [world.config.shopify_client_secret]
    with world.lock:
        world.stores[DOMAIN], _ = generate(7, STARTED, customers=120, domain=DOMAIN, plan="enterprise")
    yield server
    world.faults.clear()


@pytest.fixture
def store(sandbox: SandboxServer) -> Store:
    """What the platform holds: the truth that the connector's doings are compared with."""
    return sandbox.world.stores[DOMAIN]


@pytest.fixture
def connection(db: None, sandbox: SandboxServer) -> Connection:
    """The store, connected by exchanging a session token as the embedded app does."""
    granted = oauth.exchange_session_token(DOMAIN, sandbox.shopify.issue_session_token(DOMAIN))
    shop = Shop.objects.create(domain=DOMAIN, status=Shop.Status.INSTALLED)
    made = Connection.objects.create(shop=shop, vendor="shopify", account=DOMAIN, connected_at=NOW)
    tokens.store(made, granted)
    return made
