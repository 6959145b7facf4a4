"""A key for the vault, and passwords that are quick to hash."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings


@pytest.fixture(autouse=True)
def quick_and_keyed(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
