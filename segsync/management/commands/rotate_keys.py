"""`manage.py rotate_keys`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations import vault
from integrations.errors import Misconfigured
from segsync import clock


class Command(BaseCommand):
    """Encrypt every stored token with the newest key, so that older keys can be taken out of the environment."""

    help = "Encrypt every stored token with the first key of SEGSYNC_ENCRYPTION_KEYS."

    def handle(self, *_: Any, **__: Any) -> None:
        """Rotate and say how many tokens were encrypted anew."""
        try:
            rotated = vault.rotate_all(clock.now())
        except Misconfigured as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{rotated} connections' tokens are now encrypted with the newest key; older keys may be removed.")
