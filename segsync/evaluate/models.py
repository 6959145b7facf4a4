"""Who belongs where since when and why, and every evaluation."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from integrations.models import Shop
from segsync.leases import Due
from segsync.rules.models import Segment, SegmentVersion
from segsync.store.models import Customer


class Cause(models.TextChoices):
    """What moved somebody into or out of a segment."""

    ORDER = "order", "an order"
    ENGAGEMENT = "engagement", "engagement"
    PROFILE = "profile", "a change of profile"
    TIME = "time", "time alone"
    RULE = "rule", "a rule edit"
    MERGE = "merge", "a merge of two records"
    ERASURE = "erasure", "an erasure"
    IMPORT = "import", "the first import"


class Membership(models.Model):
    """One stay of one customer in one segment: from `since` until `until`; open while `until` is empty."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="memberships")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="memberships")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    version = models.ForeignKey(SegmentVersion, on_delete=models.PROTECT, related_name="+", help_text="The rule that let them in.")
    cause = models.CharField(max_length=16, choices=Cause)
    left_version = models.ForeignKey(SegmentVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    left_cause = models.CharField(max_length=16, choices=Cause, blank=True)
    evidence = models.JSONField(default=list, editable=False, help_text="What held on entering: [condition, what made it so…] each; empty where nobody looked.")
    left_evidence = models.JSONField(default=list, editable=False, help_text="What no longer held on leaving.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "customer"], condition=Q(until__isnull=True), name="one_open_stay")]
        indexes = [
            models.Index(fields=["customer", "segment"], name="stay_by_customer"),
            models.Index(fields=["segment", "since", "until"], name="stay_by_time"),
            models.Index(fields=["segment", "until"], name="stay_by_end", condition=Q(until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"customer {self.customer_id} in segment {self.segment_id}"


class Schedule(Due):
    """When a shop is evaluated next. Its lease lets one process at a time decide for the shop; `due_at` is the next local midnight."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="schedule")
    whole_wanted_at = models.DateTimeField(null=True, blank=True, help_text="Something asked for a whole evaluation then.")
    whole_cause = models.CharField(max_length=16, choices=Cause, default=Cause.IMPORT)
    starters_at = models.DateTimeField(null=True, blank=True, help_text="When the starter segments were made.")
    swept_until = models.DateTimeField(null=True, blank=True, help_text="Hour windows have been looked at up to here.")
    derived_settings = models.JSONField(default=dict, blank=True, help_text="The shop's own numbers for derived attributes; empty for the defaults.")
    cuts = models.JSONField(default=dict, editable=False, help_text="The cuts in force, from the last whole evaluation that needed any.")
    decided_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When the shop last had its turn: who waited longest comes first.")
    sized_on = models.DateField(null=True, blank=True, editable=False, help_text="Sizes are kept up to the end of this local day.")

    def __str__(self) -> str:
        return f"schedule of {self.shop}"


class WholeRun(models.Model):
    """Everybody of a shop judged as of one instant: how far it is, and what came of it.

    At most one runs in a shop. One that its process left behind is closed by the next, which begins anew: memberships moved so far are
    right already, and moving them again changes nothing.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        REPLACED = "replaced", "replaced by a newer one"
        FAILED = "failed", "failed"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="whole_runs")
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    cause = models.CharField(max_length=16, choices=Cause, blank=True, help_text="What asked for it; empty: so many people had changed.")
    as_of = models.DateTimeField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it last said how far it is.")
    finished_at = models.DateTimeField(null=True, blank=True)
    segments = models.PositiveIntegerField(help_text="Segments judged.")
    customers = models.PositiveBigIntegerField(help_text="Customers of the shop.")
    done = models.PositiveBigIntegerField(default=0, help_text="Steps done, of `steps`.")
    steps = models.PositiveBigIntegerField(default=0)
    stage = models.CharField(max_length=40, blank=True, help_text="What it is doing.")
    rows_read = models.PositiveBigIntegerField(default=0)
    entered = models.PositiveBigIntegerField(default=0)
    left = models.PositiveBigIntegerField(default=0)
    checked = models.PositiveIntegerField(default=0, help_text="Customers judged a second time, by the interpreter, to compare.")
    disagreements = models.PositiveIntegerField(default=0, help_text="Memberships on which the second judgement differed.")
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop"], condition=Q(status="running"), name="one_whole_run_per_shop")]
        indexes = [models.Index(fields=["shop", "-started_at"], name="whole_run_by_time")]
        ordering = ["-started_at", "-pk"]
        verbose_name = "whole evaluation"

    def __str__(self) -> str:
        return f"{self.shop} as of {self.as_of:%Y-%m-%d %H:%M}"


class Evaluation(models.Model):
    """One segment judged over all customers of the shop at one instant."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="evaluations")
    version = models.ForeignKey(SegmentVersion, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    customers = models.PositiveIntegerField()
    members = models.PositiveIntegerField()
    entered = models.PositiveIntegerField()
    left = models.PositiveIntegerField()
    engine = models.CharField(max_length=16)
    cuts = models.JSONField(default=dict, editable=False, help_text="The shop's settings and cuts that this evaluation went by.")
    run = models.ForeignKey(WholeRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="evaluations")
    milliseconds = models.PositiveIntegerField(null=True, help_text="What judging and moving took; shared where segments were judged together.")

    class Meta:
        ordering = ["-finished_at"]
        indexes = [models.Index(fields=["segment", "-as_of"], name="evaluation_by_segment")]

    def __str__(self) -> str:
        return f"{self.segment} as of {self.as_of:%Y-%m-%d %H:%M}"


class Snapshot(models.Model):
    """The columnar copy of one shop's facts that is in force: Parquet files that never change, named by this row.

    Facts are those of `base` without the people in `delta`, and those in `delta`. Files are published by setting this row and by nothing
    else, so a reader sees the old ones or the new ones. Derived and disposable: without the row or its files they are written again.
    """

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="snapshot")
    generation = models.PositiveBigIntegerField(help_text="Counts publications; a publication replaces the one that it began from.")
    layout = models.PositiveIntegerField(help_text="The version of the tables.")
    timezone = models.CharField(max_length=64, help_text="Whose days the day columns count.")
    base = models.CharField(max_length=100)
    delta = models.CharField(max_length=100, blank=True)
    checks = models.JSONField(help_text="Bytes and CRC-32 of every file, to tell a damaged one.")
    base_customers = models.PositiveBigIntegerField()
    delta_customers = models.PositiveBigIntegerField(default=0)
    next_goods = models.PositiveBigIntegerField(help_text="The first number that no product of the dictionary has.")
    next_topics = models.PositiveBigIntegerField(help_text="The first number that no campaign of the dictionary has.")
    as_of = models.DateTimeField(help_text="Everything stored before this instant is in it.")

    def __str__(self) -> str:
        return f"snapshot {self.generation} of {self.shop}"


class SegmentSize(models.Model):
    """How many a segment held at the end of one local day of its shop, and how many came and went in the day."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="sizes")
    day = models.DateField()
    members = models.PositiveIntegerField()
    entered = models.PositiveIntegerField()
    left = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "day"], name="one_size_per_day")]
        ordering = ["segment", "day"]

    def __str__(self) -> str:
        return f"{self.members} in segment {self.segment_id} on {self.day}"


class Disagreement(models.Model):
    """A membership on which the interpreter, asked again after a whole evaluation, differed from what is stored: a defect of SegSync."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    run = models.ForeignKey(WholeRun, on_delete=models.CASCADE, related_name="found")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE)
    version = models.ForeignKey(SegmentVersion, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    stored = models.BooleanField(help_text="Whether the customer is in the segment as stored.")
    found_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["shop", "-found_at"], name="disagreement_by_time")]
        ordering = ["-found_at", "-pk"]

    def __str__(self) -> str:
        return f"customer {self.customer_id} in segment {self.segment_id}"
