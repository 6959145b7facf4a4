"""What is asked of each connection, how far it got, and every run of it."""

from __future__ import annotations

from django.db import models

from integrations.models import Connection, Shop
from segsync.leases import Due


class Stream(Due):
    """One kind of thing pulled from one connection.

    A window in progress has `window_until`; its `cursor` moves only in the transaction that stored the rows it covers. When
    the window is done, `pulled_until` takes its upper end and the next window overlaps it.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="streams")
    name = models.CharField(max_length=32)
    cursor = models.TextField(blank=True)
    window_since = models.DateTimeField(null=True, blank=True)
    window_until = models.DateTimeField(null=True, blank=True)
    pulled_until = models.DateTimeField(null=True, blank=True, help_text="Everything changed before this has been stored.")
    hinted_at = models.DateTimeField(null=True, blank=True, help_text="When a webhook last asked for this stream.")
    failures = models.PositiveIntegerField(default=0)
    refused_at = models.DateTimeField(null=True, blank=True, help_text="When it failed for a reason that only a person can change; nobody waits for it then.")
    problem = models.CharField(max_length=300, blank=True)
    widened = models.JSONField(default=list, editable=False, help_text="Granted scopes under which it was read that let more of the past be seen.")

    asking = models.JSONField(default=list, db_default=[], editable=False, help_text="Properties that the window in progress asks for.")
    asked = models.JSONField(default=list, db_default=[], editable=False, help_text="Properties whose values have been read for everybody.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="one_row_per_stream")]

    def __str__(self) -> str:
        return f"{self.connection.vendor} {self.name}"


class Run(models.Model):
    """One window of one stream: a back-fill (no lower end) or what changed."""

    class Status(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    records = models.PositiveBigIntegerField(default=0, help_text="Records read.")
    stored = models.PositiveBigIntegerField(default=0, help_text="Records that were new or newer.")
    expected = models.PositiveBigIntegerField(null=True, blank=True, help_text="Records the platform said there are.")
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream"], condition=models.Q(status="running"), name="one_run_per_stream")]
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.stream} until {self.until:%Y-%m-%d %H:%M}"
