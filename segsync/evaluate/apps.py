"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class EvaluateConfig(AppConfig):
    """What the admin calls this stage."""

    name = "segsync.evaluate"
    label = "evaluate"
    verbose_name = "Evaluation"
