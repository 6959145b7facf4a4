"""Decisions: removals that wait for a person, with names, numbers and the two buttons. Each button asks first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from segsync import clock
from segsync.console.dialogs import asking, page_action
from segsync.console.pages import BAD, GOOD, IDLE, Panel, ReadOnlyAdmin, column, instant, link
from segsync.console.target_panels import people_panel
from segsync.console.wording import count, platform, when
from segsync.diff.guard import losing
from segsync.diff.holds import Outdated, keep_them, remove_them
from segsync.diff.models import Hold, LedgerEntry, WritebackSettings

TONES = {"waits for a decision": BAD, "the marks are taken away": GOOD, "the marks are kept": IDLE, "no longer needed": IDLE}


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin[Hold]):
    """Removals that a person must decide about, and how they were decided."""

    list_display = ("title", "shop", "decision_badge", "people", "why", "asked", "decided")
    list_filter = ("decision", "shop")
    list_select_related = ("shop", "target__connection")
    ordering = ("-asked_at",)
    fields = ("shop", "written_to", "decision_badge", "people", "why", "limit", "asked_at_text", "to_do", "decided_at_text", "decided_by")
    readonly_fields = fields
    actions_detail = ("remove_one", "keep_one")

    asked_at_text = instant("asked_at", "waits since")
    decided_at_text = instant("decided_at", "decided", "not yet")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hold]:
        """Holds with their target and who decided."""
        return super().get_queryset(request).select_related("shop", "target__connection", "decided_by")

    def offers(self, row: Hold) -> Collection[str]:
        """Both buttons, while nobody has decided."""
        return () if row.decision else self.actions_detail

    def panels(self, request: HttpRequest, row: Hold) -> Sequence[Panel]:
        """Return some of the people concerned."""
        return [] if row.decision else [_people(row)]

    @page_action("Remove them…", icon="group_remove")
    def remove_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then let the held removals be told."""
        hold, error = self._asked(request, object_id), ""
        if request.method == "POST":
            seen = request.POST.get("seen", "")
            try:
                remove_them(hold, _who(request), clock.now(), int(seen) if seen.isdecimal() else -1)
            except Outdated as outdated:
                hold.refresh_from_db()
                error = str(outdated)
            else:
                self.log_change(request, hold, "Had the marks taken away.")
                messages.success(request, f"Taken away within moments: {count(hold.removals, 'mark')}.")
                return self._back(hold)
        return asking(
            self,
            request,
            title=f"Take {_place(hold)} away from {count(hold.removals, 'person', 'people')}?",
            text=f"{hold.why} They lose the mark; nobody else’s marks are touched. The same people are not asked about again.",
            button=f"Remove them: {hold.removals:,}",
            back=self._address(hold),
            panels=[_people(hold)],
            hidden={"seen": hold.removals},
            error=error,
        )

    @page_action("Keep them…", icon="front_hand")
    def keep_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then pause the target: nothing is taken away."""
        hold, error = self._asked(request, object_id), ""
        if request.method == "POST":
            try:
                keep_them(hold, _who(request), clock.now())
            except Outdated as outdated:
                hold.refresh_from_db()
                error = str(outdated)
            else:
                self.log_change(request, hold, "Kept the marks and paused the target.")
                messages.success(request, f"Kept: {count(hold.removals, 'mark')}. {_place(hold)} is paused until you resume it.")
                return self._back(hold)
        text = f"{hold.why} Nothing is taken away: {_place(hold)} is paused, and nobody new gets the mark either until you resume it. Then you are asked again."
        return asking(
            self, request, title=f"Keep {_place(hold)} as it is?", text=text, button="Keep them", back=self._address(hold), panels=[_people(hold)], error=error
        )

    @column("target", ordering="target__label")
    def title(self, hold: Hold) -> str:
        """The mark that would be taken away."""
        return _place(hold)

    @column("target")
    def written_to(self, hold: Hold) -> SafeString:
        """The target, to look at."""
        return link(hold.target, _place(hold))

    @column("decision", ordering="decision", label=TONES)
    def decision_badge(self, hold: Hold) -> str:
        """How it stands."""
        return hold.get_decision_display().partition(":")[0].partition(";")[0]

    @column("people", ordering="removals")
    def people(self, hold: Hold) -> str:
        """How many would lose the mark, of how many."""
        return f"{hold.removals:,} of {hold.holders:,} ({hold.removals * 100 // max(1, hold.holders)} %)"

    @column("the shop’s limit")
    def limit(self, hold: Hold) -> str:
        """From where on a person is asked."""
        settings = WritebackSettings.objects.filter(shop=hold.shop).first() or WritebackSettings(shop=hold.shop)
        return f"more than {settings.guard_share} % of those who have the mark and more than {settings.guard_people:,} people; set on the shop’s page"

    @column("what to do")
    def to_do(self, hold: Hold) -> str | SafeString:
        """The two decisions, while there is one to make; each asks first."""
        if hold.decision:
            return "Nothing."
        first, second = (reverse(f"admin:diff_hold_{name}", args=[hold.pk]) for name in self.actions_detail)
        return format_html('<a class="sg-button" href="{}">Remove them…</a> <a class="sg-button sg-quiet" href="{}">Keep them…</a>', first, second)

    @column("asked", ordering="asked_at")
    def asked(self, hold: Hold) -> str | SafeString:
        """Since when it waits."""
        return when(hold.asked_at, hold.shop.tz)

    @column("decided", ordering="decided_at")
    def decided(self, hold: Hold) -> str | SafeString:
        """When it was decided."""
        return when(hold.decided_at, hold.shop.tz, never="not yet")

    def _asked(self, request: HttpRequest, object_id: str) -> Hold:
        hold = self.get_object(request, object_id)
        if hold is None:
            raise Http404
        return hold

    def _address(self, hold: Hold) -> str:
        return reverse("admin:diff_hold_change", args=[hold.pk])

    def _back(self, hold: Hold) -> HttpResponse:
        return HttpResponseRedirect(self._address(hold))


def _place(hold: Hold) -> str:
    return f"{platform(hold.target.connection.vendor)} {hold.target}"


def _people(hold: Hold) -> Panel:
    return people_panel("Who would lose the mark", LedgerEntry.objects.filter(losing(hold.target), target=hold.target), "Nobody waits to lose the mark by now.")


def _who(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
