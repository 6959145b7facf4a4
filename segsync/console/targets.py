"""Targets: each tag and list that segments are written to, with how much of it is told."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin, messages
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from segsync import clock
from segsync.console.dialogs import dialog_action, done
from segsync.console.operations import pause, resume
from segsync.console.pages import BAD, GOOD, IDLE, Panel, ReadOnlyAdmin, badge, column, link
from segsync.console.segment_panels import target_tone
from segsync.console.wording import count, platform, when
from segsync.diff.models import Target

PARKED = 50


@admin.register(Target)
class TargetAdmin(ReadOnlyAdmin[Target]):
    """Targets: each tag and list that segments are written to."""

    list_display = ("title", "shop", "platform", "state_badge", "wanted_count", "present_count", "waiting_count", "parked_count", "reason")
    list_filter = ("state", "kind", "connection__vendor", "shop")
    list_select_related = ("shop", "connection")
    search_fields = ("name", "label")
    search_help_text = "Name of the tag or list"
    ordering = ("shop", "connection", "name")
    fields = (
        "shop",
        "connection",
        "kind",
        "name",
        "label",
        "external_id",
        "view_id",
        "written_segments",
        "state_badge",
        "reason",
        "ready",
        "wanted_count",
        "present_count",
        "waiting_count",
        "parked_count",
    )
    readonly_fields = fields
    actions = ("pause_selected", "resume_selected")
    actions_detail = ("pause_one", "resume_one")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Target]:
        """Targets with the counts of their marks."""
        untold = Q(entries__generation__gt=F("entries__acked_generation"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                wanted=Count("entries", filter=Q(entries__wanted=True)),
                present=Count("entries", filter=Q(entries__present=True)),
                waiting=Count("entries", filter=untold & Q(entries__parked_at__isnull=True)),
                parked=Count("entries", filter=untold & Q(entries__parked_at__isnull=False)),
            )
        )

    @admin.action(description="Pause", permissions=["operate"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Target]) -> None:
        """Stop writing to the chosen targets."""
        messages.success(request, f"{count(pause(_plain(queryset)), 'target')} paused; nothing is written there until resumed.")

    @admin.action(description="Resume", permissions=["operate"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Target]) -> None:
        """Write to the chosen targets again."""
        messages.success(request, f"{count(resume(_plain(queryset), clock.now()), 'target')} resumed; what has waited is written now.")

    @dialog_action("Pause", icon="pause", text="Nothing is written there until it is resumed; what is there stays.")
    def pause_one(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Stop writing to this target."""
        self.pause_selected(request, Target.objects.filter(pk=object_id))
        return done(reverse("admin:diff_target_change", args=[object_id]))

    @dialog_action("Resume", icon="play_arrow", text="What has waited is written at once.")
    def resume_one(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Write to this target again."""
        self.resume_selected(request, Target.objects.filter(pk=object_id))
        return done(reverse("admin:diff_target_change", args=[object_id]))

    def panels(self, request: HttpRequest, row: Target) -> Sequence[Panel]:
        """Return the marks nobody tries any more, with the platform's words."""
        parked = (
            row.entries.filter(generation__gt=F("acked_generation"), parked_at__isnull=False).select_related("profile").order_by("-parked_at")[: PARKED + 1]
        )
        rows = [
            (link(entry), str(entry.profile), badge(entry.get_outcome_display(), BAD), entry.detail or "–", when(entry.parked_at, row.shop.tz))
            for entry in parked
        ]
        note = f"The latest {PARKED}; the ledger entries show all." if len(rows) > PARKED else ""
        return [Panel("Parked marks", ("Mark", "Record", "Outcome", "In the platform's words", "Parked"), rows[:PARKED], "No mark is parked.", note)]

    @column("target", ordering="label")
    def title(self, target: Target) -> str:
        """The name people see."""
        return target.label or target.name

    @column("platform", ordering="connection__vendor")
    def platform(self, target: Target) -> str:
        """Platform and kind."""
        return f"{platform(target.connection.vendor)} {target.get_kind_display()}"

    @column("state", ordering="state", label={"on": GOOD, "paused": IDLE, "needs a look": BAD, "being made": IDLE})
    def state_badge(self, target: Target) -> str:
        """How it does."""
        return target_tone(target)[0]

    @column("segments")
    def written_segments(self, target: Target) -> SafeString:
        """The segments whose members have the mark."""
        return SafeString(", ".join(link(segment) for segment in target.segments.all()) or "none")

    @column("wanted", ordering="wanted")
    def wanted_count(self, target: Target) -> str:
        """How many should have the mark."""
        return f"{getattr(target, 'wanted', 0):,}"

    @column("acknowledged", ordering="present")
    def present_count(self, target: Target) -> str:
        """How many have it, by the platform's own word."""
        return f"{getattr(target, 'present', 0):,}"

    @column("waiting", ordering="waiting")
    def waiting_count(self, target: Target) -> str:
        """How many changes are still to be told."""
        return f"{getattr(target, 'waiting', 0):,}"

    @column("parked", ordering="parked")
    def parked_count(self, target: Target) -> str:
        """How many were given up until a person looks."""
        return f"{getattr(target, 'parked', 0):,}"

    @column("ready")
    def ready(self, target: Target) -> str | SafeString:
        """When the place on the platform was last made sure of."""
        return when(target.ready_at, target.shop.tz, never="not yet")


def _plain(targets: QuerySet[Target]) -> QuerySet[Target]:
    """The same targets without the counts, which no UPDATE can carry."""
    return Target.objects.filter(pk__in=list(targets.values_list("pk", flat=True)))
