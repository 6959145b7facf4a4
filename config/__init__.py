"""How a process starts; no business words."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
