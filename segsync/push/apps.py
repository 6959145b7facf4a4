"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class PushConfig(AppConfig):
    """What the admin calls this stage."""

    name = "segsync.push"
    label = "push"
    verbose_name = "Write-back"
