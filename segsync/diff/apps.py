"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class DiffConfig(AppConfig):
    """What the admin calls this stage."""

    name = "segsync.diff"
    label = "diff"
    verbose_name = "Targets"
