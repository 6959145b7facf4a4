"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class RulesConfig(AppConfig):
    """What the admin calls this stage."""

    name = "segsync.rules"
    label = "rules"
    verbose_name = "Segments"
