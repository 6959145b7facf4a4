"""The Celery application. Messages are nudges: rows say what is due, so losing every message loses nothing."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("segsync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["segsync"], related_name="pipeline")


@setup_logging.connect
def use_our_logging(**_: object) -> None:
    """Keep Celery from replacing the logging that Django set up."""
