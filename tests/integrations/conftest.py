"""A key for the vault, and a connected store to try the shared connector code on."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from integrations.models import Connection
from tests.integrations.accounts import make_connection


@pytest.fixture(autouse=True)
def vault_key(settings: Settings) -> None:
    """pytest runs outside DEBUG, where the vault makes no key of its own."""
    settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


@pytest.fixture
def connection(db: None) -> Connection:
    """A connected Shopify store whose token lives for an hour from NOW."""
    return make_connection()
