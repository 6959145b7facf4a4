"""The way out to one connection, and each attempt to tell it something."""

from __future__ import annotations

from django.db import models

from integrations.models import Connection, Shop
from segsync.leases import Due


class Channel(Due):
    """The way out to one connection. Its lease lets one process at a time tell it things, so changes go out in order."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="channel")
    paused = models.BooleanField(default=False, help_text="Nothing is written while this is set.")
    failures = models.PositiveIntegerField(default=0, help_text="Calls in a row that failed as a whole.")
    problem = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"channel to {self.connection}"


class Attempt(models.Model):
    """One batch of changes told to a platform, with what became of them."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="attempts")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    adds = models.PositiveIntegerField(default=0)
    removes = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    retry = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"attempt of {self.started_at:%Y-%m-%d %H:%M:%S}"
