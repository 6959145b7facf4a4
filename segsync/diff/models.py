"""What should be true on the other side, and what the other side has acknowledged."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from integrations.models import Connection, Shop
from segsync.leases import Due
from segsync.rules.models import Segment
from segsync.store.models import Profile


class WhenRemoved(models.TextChoices):
    """What to do when somebody else takes one of our marks away from a member."""

    PUT_BACK = "put_back", "put it back"
    RESPECT = "respect", "respect it"


class WritebackSettings(models.Model):
    """How a shop wants its segments written."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="writeback")
    tag_prefix = models.CharField(
        max_length=40,
        default="segsync:",
        blank=True,
        validators=[RegexValidator(r"^[^,]*\Z", "A tag cannot hold a comma.")],
        help_text="Begins every customer tag that SegSync writes for segments made from now on.",
    )
    list_folder = models.CharField(max_length=80, default="SegSync", help_text="The folder that holds SegSync's lists.")
    create_contacts = models.BooleanField(default=True, help_text="Create contacts for members who have an e-mail address and no contact yet.")
    when_removed = models.CharField(
        max_length=8,
        choices=WhenRemoved,
        default=WhenRemoved.PUT_BACK,
        db_default=WhenRemoved.PUT_BACK,
        help_text="What to do when somebody else takes one of our marks away.",
    )
    audit_repairs = models.BooleanField(default=True, db_default=True, help_text="The nightly audit puts right what it finds; otherwise it only reports.")
    guard_share = models.PositiveSmallIntegerField(
        default=20,
        db_default=20,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Taking a mark from more than this many per cent of those who have it waits for a person…",
    )
    guard_people = models.PositiveIntegerField(default=500, db_default=500, help_text="…when it is more than this many people as well.")
    dry_run_above = models.PositiveIntegerField(
        default=1000, db_default=1000, help_text="The first write to a new place begins as a dry run when it would touch more people."
    )
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="Since when nothing at all is written for this shop.")

    class Meta:
        verbose_name_plural = "write-back settings"

    def __str__(self) -> str:
        return f"write-back settings of {self.shop}"


class Target(Due):
    """A place on a platform where segments are written: a tag, a list or a property. It is due while it must still be made ready.

    In a dry run everything is worked out and nothing is told. A place that is left takes away what we own there and nothing
    else; once a reading back has shown that nothing of ours remains, it has been left.
    """

    class Kind(models.TextChoices):
        TAG = "tag", "customer tag"
        LIST = "list", "contact list"
        PROPERTY = "property", "contact property"

    class State(models.TextChoices):
        ON = "on", "on"
        DRY_RUN = "dry_run", "dry run"
        PAUSED = "paused", "paused"
        LEAVING = "leaving", "being left"
        LEFT = "left", "left"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="targets")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=200, help_text="The tag's text or the list's name.")
    label = models.CharField(max_length=200, help_text="The name people see for it.")
    external_id = models.CharField(max_length=64, blank=True)
    view_id = models.CharField(max_length=64, blank=True, help_text="The platform's saved segment over the tag.")
    state = models.CharField(max_length=8, choices=State, default=State.ON)
    reason = models.CharField(max_length=300, blank=True)
    when_removed = models.CharField(
        max_length=8,
        choices=WhenRemoved,
        blank=True,
        default="",
        db_default="",
        help_text="What to do when somebody else takes our mark away; empty: as the shop's settings say.",
    )
    keeps_view = models.BooleanField(default=True, db_default=True, help_text="Keep the platform's own saved segment over the tag.")
    synced_at = models.DateTimeField(null=True, blank=True, help_text="When something was first told to it: before, a large first write begins as a dry run.")
    held_at = models.DateTimeField(null=True, blank=True, help_text="Since when its removals wait for a person's decision.")
    ready_at = models.DateTimeField(null=True, blank=True)
    segments = models.ManyToManyField(Segment, related_name="targets", help_text="A person has the mark while any of these holds them.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind", "name"], name="one_target_per_place")]
        ordering = ["connection", "name"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"


class Hold(models.Model):
    """Removals of one target that wait for a person, with the numbers that made them wait."""

    class Decision(models.TextChoices):
        WAITING = "", "waits for a decision"
        APPROVED = "approved", "the marks are taken away"
        KEPT = "kept", "the marks are kept; the target is paused"
        LAPSED = "lapsed", "no longer needed: the change went back below the limit"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="holds")
    asked_at = models.DateTimeField()
    why = models.CharField(max_length=300)
    removals = models.PositiveIntegerField(help_text="How many people would lose the mark.")
    holders = models.PositiveIntegerField(help_text="How many have it.")
    decision = models.CharField(max_length=8, choices=Decision, default=Decision.WAITING, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-asked_at"]
        constraints = [models.UniqueConstraint(fields=["target"], condition=Q(decision=""), name="one_open_hold_per_target")]

    def __str__(self) -> str:
        return f"hold on {self.target}"


class LedgerEntry(models.Model):
    """One mark on one person's record: wanted or not, and what the platform acknowledged.

    Changing `wanted` bumps `generation`; the difference to `acked_generation` is what is left to tell. `owned_since` is set
    only when we put the mark there, and only an owned mark is ever taken away.
    """

    class Outcome(models.TextChoices):
        NONE = "", "not tried yet"
        DONE = "done", "done"
        ALREADY = "already", "was there already"
        FOREIGN = "foreign", "left alone: not ours"
        GONE = "gone", "person no longer there"
        REJECTED = "rejected", "rejected by the platform"
        RETRY = "retry", "will be tried again"
        RESPECTED = "respected", "removed by somebody else, and left so"
        UNKNOWN = "unknown", "unknown: will be read back"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE)
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="entries")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="marks")
    wanted = models.BooleanField()
    wanted_at = models.DateTimeField()
    generation = models.PositiveBigIntegerField(default=1)
    acked_generation = models.PositiveBigIntegerField(default=0)
    present = models.BooleanField(null=True, help_text="What the platform last acknowledged; empty: never heard.")
    owned_since = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="A call was begun and its outcome is not known yet.")
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    parked_at = models.DateTimeField(null=True, blank=True, help_text="Given up until a person looks at it.")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.NONE, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    acked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [models.UniqueConstraint(fields=["target", "profile"], name="one_entry_per_mark")]
        indexes = [
            models.Index(
                fields=["connection", "next_attempt_at"],
                name="entry_to_tell",
                condition=Q(generation__gt=F("acked_generation"), parked_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{'wanted' if self.wanted else 'unwanted'} {self.target}"
