"""The way out to one connection, each attempt to tell it something, and each audit of what it really holds."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from integrations.models import Connection, Shop
from segsync.diff.models import Target
from segsync.leases import Due
from segsync.store.models import Profile


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


class Audit(Due):
    """Everything of one connection read back and compared with the ledger. It is due while it is planned or under way.

    A connection has at most one that is not finished: the next one, planned for a night, or the one that runs.
    """

    class Cause(models.TextChoices):
        NIGHT = "night", "the night"
        ASKED = "asked", "somebody asked"

    class Status(models.TextChoices):
        PLANNED = "planned", "planned"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="audits")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="audits")
    cause = models.CharField(max_length=8, choices=Cause, default=Cause.NIGHT)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    repairs = models.BooleanField(default=True, help_text="What it finds is put right; otherwise it is only told.")
    only_report = models.BooleanField(default=False, help_text="Whoever asked wanted a report and no repairs, whatever the settings say.")
    generation = models.PositiveIntegerField(default=0, editable=False, help_text="The connection's, when it began.")
    status = models.CharField(max_length=8, choices=Status, default=Status.PLANNED)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection"], condition=models.Q(finished_at__isnull=True), name="one_audit_at_a_time")]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"audit of {self.connection}"


class AuditedTarget(models.Model):
    """One place as an audit found it, in numbers; while it is read, how far: everybody up to `last` has been compared."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    audit = models.ForeignKey(Audit, on_delete=models.CASCADE, related_name="targets")
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="audits")
    cursor = models.TextField(blank=True, editable=False)
    last = models.CharField(max_length=64, blank=True, editable=False)
    looked_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When the place itself was looked at.")
    compared_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When everybody who has the mark had been compared.")
    parked_upto = models.PositiveBigIntegerField(default=0, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, help_text="Why it could not be compared.")
    right = models.PositiveIntegerField(default=0, help_text="Ours, there and wanted.")
    missing = models.PositiveIntegerField(default=0, help_text="Wanted, and taken away by somebody else.")
    extra = models.PositiveIntegerField(default=0, help_text="Ours, still there and not wanted.")
    foreign = models.PositiveIntegerField(default=0, help_text="There and not ours: never touched.")
    renamed = models.PositiveIntegerField(default=0, help_text="There under another name or spelling.")
    deleted = models.PositiveIntegerField(default=0, help_text="The list or saved segment is gone, or takes no members any more.")
    limit = models.PositiveIntegerField(default=0, help_text="People who have as many marks as the platform allows.")
    gone = models.PositiveIntegerField(default=0, help_text="People who are no longer there.")
    respected = models.PositiveIntegerField(default=0, help_text="Taken away by somebody else before, and left so.")
    waiting = models.PositiveIntegerField(default=0, help_text="Just told or about to be told: not compared.")
    repaired = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["audit", "target"], name="one_row_per_audited_target")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.target} in {self.audit}"

    @property
    def members(self) -> int:
        """How many marks should be there or be gone, by the ledger: those compared."""
        return self.right + self.missing + self.extra

    @property
    def drift(self) -> int:
        """How many of them are not as the ledger says."""
        return self.missing + self.extra


class Finding(models.Model):
    """One thing that an audit found otherwise than the ledger says, and what was done about it. Without a person: about the place itself."""

    class Kind(models.TextChoices):
        MISSING = "missing", "taken away by somebody else"
        EXTRA = "extra", "ours and not wanted"
        FOREIGN = "foreign", "not ours"
        RENAMED = "renamed", "renamed"
        DELETED = "deleted", "deleted"
        LIMIT = "limit", "at the platform's limit"
        GONE = "gone", "person no longer there"

    class Done(models.TextChoices):
        NOTHING = "", "nothing"
        PUT_BACK = "put_back", "put back"
        RESPECTED = "respected", "left so, as the settings say"
        TAKEN_AWAY = "taken_away", "taken away"
        CLOSED = "closed", "closed"
        TRIED = "tried", "tried again"
        STOPPED = "stopped", "nothing more is written there"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    audit = models.ForeignKey(Audit, on_delete=models.CASCADE, related_name="findings")
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="findings")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    external_id = models.CharField(max_length=64, blank=True, help_text="The platform's id of the person.")
    kind = models.CharField(max_length=8, choices=Kind)
    done = models.CharField(max_length=12, choices=Done, default=Done.NOTHING, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    found_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["audit", "target", "kind"], name="finding_by_kind")]
        ordering = ["-audit", "pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.external_id or self.target}"
