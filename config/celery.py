"""The Celery application. Messages are nudges: rows say what is due, so losing every message loses nothing."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.signals import setup_logging, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("segsync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["segsync"], related_name="pipeline")


@setup_logging.connect
def use_our_logging(**_: object) -> None:
    """Keep Celery from replacing the logging that Django set up."""


def broker_is_in_memory() -> bool:
    """Whether messages live in this process alone (the default, with nothing to install)."""
    return str(app.conf.broker_url).startswith("memory:")


@worker_ready.connect
def tick_by_ourselves(**_: Any) -> None:
    """With an in-memory broker the schedule runs as a thread of the worker: it cannot outlive it. Elsewhere beat is a process of its own."""
    if broker_is_in_memory():
        EmbeddedService(app, thread=True).start()
