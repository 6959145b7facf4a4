"""Requests under privacy law: what is to be erased or told, by when, and what became of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from segsync import clock
from segsync.console.dialogs import dialog_action, done
from segsync.console.operations import told_person
from segsync.console.pages import BAD, GOOD, IDLE, WARN, ReadOnlyAdmin, badge, column, instant
from segsync.console.wording import platform, when
from segsync.privacy_export import stored_about
from segsync.store.masking import masked
from segsync.store.models import PrivacyRequest

SOON_DAYS = 10
TOLD = "Send the file to the person first. Afterwards the request no longer says who asked, and the file cannot be had here any more."


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(ReadOnlyAdmin[PrivacyRequest]):
    """Requests under privacy law, the newest first."""

    list_display = ("title", "shop", "platform_name", "who", "status_badge", "deadline", "received", "problem")
    list_filter = ("status", "kind", "vendor", "shop")
    list_select_related = ("shop", "done_by")
    ordering = ("-pk",)
    fields = ("shop", "platform_name", "title", "who", "status_badge", "came_at", "deadline", "what_to_do", "done_when", "done_who", "erased_text", "problem")
    readonly_fields = fields
    actions_detail = ("mark_done",)

    came_at = instant("received_at", "received")
    done_when = instant("done_at", "done", "not yet")

    def get_urls(self) -> list[Any]:
        """Add the download of what is stored about a person."""
        address = path("<int:object_id>/stored.json", self.admin_site.admin_view(self.stored), name="store_privacyrequest_stored")
        return [address, *super().get_urls()]

    def stored(self, request: HttpRequest, object_id: int) -> JsonResponse:
        """Send everything that is stored about the person, for whoever may see customers."""
        row = self.get_object(request, str(object_id))
        if row is None or row.kind != PrivacyRequest.Kind.TELL or row.status != PrivacyRequest.Status.OPEN:
            raise Http404
        if not (self.has_view_permission(request, row) and request.user.has_perm("store.view_customer")):
            raise PermissionDenied
        answer = JsonResponse(stored_about(row), encoder=DjangoJSONEncoder, json_dumps_params={"indent": 2, "ensure_ascii": False})
        answer.headers["Content-Disposition"] = f'attachment; filename="stored-about-request-{row.pk}.json"'
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @dialog_action("Mark as done", icon="task_alt", text=TOLD)
    def mark_done(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Close a request to tell a person what is stored."""
        if told_person(int(object_id), clock.now(), request.user.pk):
            messages.success(request, "The request is done; what told who asked is gone.")
        else:
            messages.warning(request, "Only an open request to tell a person what is stored is closed by hand; erasing is done by SegSync itself.")
        return done(reverse("admin:store_privacyrequest_change", args=[object_id]))

    @column("request", ordering="kind")
    def title(self, row: PrivacyRequest) -> str:
        """What is asked for."""
        return row.get_kind_display()

    @column("platform", ordering="vendor")
    def platform_name(self, row: PrivacyRequest) -> str:
        """Who asks."""
        return platform(row.vendor)

    @column("about")
    def who(self, row: PrivacyRequest) -> str:
        """Whom it is about, while it is open."""
        if row.kind == PrivacyRequest.Kind.ERASE_SHOP:
            return "everything of the shop"
        return " ".join(filter(None, (row.external_id, masked(row.email)))) or "no longer told"

    @column("state", ordering="status", label={"open": WARN, "done": GOOD, "not called for": IDLE})
    def status_badge(self, row: PrivacyRequest) -> str:
        """Open, done or not called for."""
        return row.get_status_display()

    @column("to be done", ordering="deadline_at")
    def deadline(self, row: PrivacyRequest) -> str | SafeString:
        """By when it must have been done."""
        left = row.deadline_at - clock.now()
        if row.status != PrivacyRequest.Status.OPEN:
            return "–"
        tone = BAD if left.total_seconds() < 0 else WARN if left.days < SOON_DAYS else IDLE
        return format_html("{} {}", when(row.deadline_at, row.shop.tz), badge("late", BAD) if tone == BAD else badge(f"{left.days} days left", tone))

    @column("received", ordering="received_at")
    def received(self, row: PrivacyRequest) -> str | SafeString:
        """How long ago it came."""
        return when(row.received_at, row.shop.tz)

    @column("what to do")
    def what_to_do(self, row: PrivacyRequest) -> str | SafeString:
        """What a person must do."""
        if row.status != PrivacyRequest.Status.OPEN:
            return "Nothing."
        if row.kind != PrivacyRequest.Kind.TELL:
            return "Nothing: SegSync erases by itself, and says here what it waits for."
        address = reverse("admin:store_privacyrequest_stored", args=[row.pk])
        return format_html('Send <a class="sg-link" href="{}">what is stored about the person</a> to the store owner, then mark the request as done.', address)

    @column("done by")
    def done_who(self, row: PrivacyRequest) -> str:
        """Who closed it."""
        return str(row.done_by) if row.done_by else ("SegSync" if row.done_at else "–")

    @column("erased")
    def erased_text(self, row: PrivacyRequest) -> str:
        """How much of each kind went."""
        return ", ".join(f"{number:,} {kind}" for kind, number in sorted(row.erased.items()) if number) or "–"
