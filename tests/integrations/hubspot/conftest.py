"""A HubSpot portal on loopback, connected by the real consent."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.world import SandboxConfig, World
from tests.integrations.hubspot.desk import Desk, connect

_hub_ids = itertools.count(900_001)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxServer]:
    """The sandbox's HubSpot over HTTP. Each test gets a portal of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = SandboxServer(World(SandboxConfig(port=port)))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def portal(sandbox: SandboxServer, settings: Settings) -> Portal:
    """An empty portal, with the settings pointing to it."""
    config = sandbox.world.config
    settings.HUBSPOT_API_URL = settings.HUBSPOT_APP_URL = f"{sandbox.base_url}/hubspot"
    settings.HUBSPOT_CLIENT_ID, settings.HUBSPOT_CLIENT_SECRET = config.hubspot_client_id, config.hubspot_client_secret
    settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    sandbox.world.faults.clear()
    made = Portal(next(_hub_ids), "shop.example", search_lag=timedelta(0))
    sandbox.world.portals[made.hub_id] = made
    return made


@pytest.fixture
def desk(db: None, sandbox: SandboxServer, portal: Portal) -> Desk:
    """The portal, connected with all that we ask for."""
    return connect(sandbox, portal)
