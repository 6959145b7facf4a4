"""`manage.py make_key`."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Print a new key for SEGSYNC_ENCRYPTION_KEYS; nothing is stored."""

    help = "Print a new key for SEGSYNC_ENCRYPTION_KEYS."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Print the key alone on a line."""
        self.stdout.write(Fernet.generate_key().decode())
