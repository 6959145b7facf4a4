"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """What the admin calls this stage."""

    name = "segsync.store"
    label = "store"
    verbose_name = "People"
