"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class PullConfig(AppConfig):
    """What the admin calls this stage."""

    name = "segsync.pull"
    label = "pull"
    verbose_name = "Pulls"
