"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """What the admin calls this stage."""

    name = "segsync.store"
    label = "store"
    verbose_name = "People"

    def ready(self) -> None:
        """Queries may ask by `among` from now on."""
        from segsync.store import fetch

        fetch.register()
