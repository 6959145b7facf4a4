"""Segments and the immutable versions of their rules."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from integrations.models import Shop


class Segment(models.Model):
    """A behavioural segment of one shop: a name and a rule that says who belongs to it."""

    class State(models.TextChoices):
        ON = "on", "on"
        PAUSED = "paused", "paused"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="segments")
    handle = models.CharField(max_length=80, validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", "Use small letters, digits and single hyphens.")])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.ON)
    version = models.ForeignKey("SegmentVersion", on_delete=models.PROTECT, null=True, editable=False, related_name="+")
    judged_version = models.ForeignKey(
        "SegmentVersion", on_delete=models.PROTECT, null=True, editable=False, related_name="+", help_text="By which everybody was judged; another is due."
    )
    size = models.PositiveIntegerField(default=0, editable=False, help_text="Members at `evaluated_at`.")
    evaluated_at = models.DateTimeField(null=True, blank=True, editable=False)
    problem = models.TextField(
        blank=True, default="", db_default="", editable=False, help_text="Why it cannot be judged now; its members stay as they are meanwhile."
    )
    meaning = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False, help_text="What tells apart the definitions of the properties its rule reads."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "handle"], name="one_segment_per_handle")]
        ordering = ["shop", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> str:
        """The rule in force."""
        return self.version.rule if self.version else ""


class SegmentVersion(models.Model):
    """One wording of a segment's rule. Never changed, never deleted while its segment is there."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    rule = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "number"], name="one_row_per_segment_version")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"version {self.number} of {self.segment.handle}"
