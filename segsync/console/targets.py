"""Targets: each tag and list that segments are written to, with how much of it is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.contrib import admin, messages
from django.db.models import Count, F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString

from segsync import clock
from segsync.console.dialogs import asking, dialog_action, done, page_action
from segsync.console.operations import dry_run, pause, resume, switch_view, turn_on
from segsync.console.pages import BAD, GOOD, INFO, WARN, Panel, ReadOnlyAdmin, column, link
from segsync.console.segment_panels import target_tone
from segsync.console.target_panels import foresight_panel, target_panels
from segsync.console.wording import count, platform, when
from segsync.diff.leave import come_back, leave
from segsync.diff.models import Hold, Target
from segsync.push.foresight import to_leave

TONES = {"on": GOOD, "needs a look": BAD, "waits for a decision": BAD, "dry run": WARN, "being left": INFO}


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
        "waits",
        "ready",
        "wanted_count",
        "present_count",
        "waiting_count",
        "parked_count",
    )
    readonly_fields = fields
    actions = ("pause_selected", "resume_selected")
    actions_detail = ("turn_on_one", "resume_one", "come_back_one", "pause_one", "dry_run_one", "view_one", "leave_one")

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

    @dialog_action("Dry run", icon="visibility", text="Nothing is told there from now on; this page shows what would be. Turning it on tells it.")
    def dry_run_one(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Tell this target nothing, and show what it would be told."""
        begun = dry_run(Target.objects.filter(pk=object_id), request.user.get_username())
        _say(request, begun, "Nothing is told there now; below is what would be.", "Only a target that is on or paused can be put into a dry run.")
        return done(reverse("admin:diff_target_change", args=[object_id]))

    @dialog_action("Turn on", icon="rocket_launch", text="What this page shows is sent at once.")
    def turn_on_one(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """End the dry run."""
        begun = turn_on(Target.objects.filter(pk=object_id), clock.now())
        _say(request, begun, "It is on: what was shown is sent now.", "It is not in a dry run.")
        return done(reverse("admin:diff_target_change", args=[object_id]))

    @dialog_action("Write to it again", icon="undo", text="Everybody who belongs gets the mark again, as in a new place: many people begin as a dry run.")
    def come_back_one(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Write to a place that was left."""
        begun = sum(come_back(target) for target in Target.objects.filter(pk=object_id))
        _say(request, begun, "It is written to again within moments.", "It was not left.")
        return done(reverse("admin:diff_target_change", args=[object_id]))

    @dialog_action("Saved segment", icon="filter_alt", text="The platform’s own saved segment over this tag is deleted, or made if there is none.")
    def view_one(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Keep the platform's saved segment over the tag, or no longer."""
        begun = switch_view(Target.objects.filter(pk=object_id), clock.now())
        _say(request, begun, "The saved segment follows within moments.", "Only tags have a saved segment.")
        return done(reverse("admin:diff_target_change", args=[object_id]))

    @page_action("Leave this place…", icon="logout")
    def leave_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, with what would be taken away; then leave."""
        target = self.get_object(request, object_id)
        if target is None:
            raise Http404
        back = reverse("admin:diff_target_change", args=[object_id])
        if request.method == "POST":
            begun = leave(target, clock.now())
            if begun:
                self.log_change(request, target, "Left the place.")
            _say(request, begun, "It is being left; this page shows how far that is.", "It is being left already, or has been.")
            return HttpResponseRedirect(back)
        return asking(
            self,
            request,
            title=f"Leave {target}?",
            text="Every mark that SegSync set there is taken away and read back; what others set stays. A list itself stays: e-mails and workflows may use it.",
            button="Leave this place",
            back=back,
            panels=[foresight_panel("What would be taken away", to_leave(target))],
        )

    def offers(self, row: Target) -> Collection[str]:
        """Only what changes something in the target's state."""
        match row.state:
            case Target.State.ON:
                found = ["pause_one", "dry_run_one", "leave_one"]
            case Target.State.PAUSED:
                found = ["resume_one", "dry_run_one", "leave_one"]
            case Target.State.DRY_RUN:
                found = ["turn_on_one", "leave_one"]
            case _:
                return ["come_back_one"]
        return [*found, "view_one"] if row.kind == Target.Kind.TAG else found

    def panels(self, request: HttpRequest, row: Target) -> Sequence[Panel]:
        """Return what it would be told, how far leaving is, and the marks nobody tries any more."""
        return target_panels(row)

    @column("target", ordering="label")
    def title(self, target: Target) -> str:
        """The name people see."""
        return target.label or target.name

    @column("platform", ordering="connection__vendor")
    def platform(self, target: Target) -> str:
        """Platform and kind."""
        return f"{platform(target.connection.vendor)} {target.get_kind_display()}"

    @column("state", ordering="state", label=TONES)
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

    @column("waits for")
    def waits(self, target: Target) -> str | SafeString:
        """The decision that removals wait for."""
        hold = target.holds.filter(decision=Hold.Decision.WAITING).first()
        return link(hold, f"a decision about {count(hold.removals, 'person', 'people')}") if hold else "nothing"

    @column("ready")
    def ready(self, target: Target) -> str | SafeString:
        """When the place on the platform was last made sure of."""
        return when(target.ready_at, target.shop.tz, never="not yet")


def _say(request: HttpRequest, happened: int, success: str, failure: str) -> None:
    if happened:
        messages.success(request, success)
    else:
        messages.warning(request, failure)


def _plain(targets: QuerySet[Target]) -> QuerySet[Target]:
    """The same targets without the counts, which no UPDATE can carry."""
    return Target.objects.filter(pk__in=list(targets.values_list("pk", flat=True)))
