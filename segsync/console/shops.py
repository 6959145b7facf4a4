"""Shops and how each wants its segments written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from integrations.models import Shop
from segsync import clock
from segsync.console.dialogs import asking, dialog_action, done, page_action
from segsync.console.operations import start, stop
from segsync.console.pages import BAD, GOOD, IDLE, Panel, PanelAdmin, column, instant
from segsync.console.target_panels import places_panel
from segsync.console.wording import count
from segsync.diff.leave import leave_all
from segsync.diff.models import Target, WritebackSettings

if TYPE_CHECKING:
    from django.contrib.admin import StackedInline

    SettingsBase = StackedInline[WritebackSettings, Shop]
else:
    from unfold.admin import StackedInline as SettingsBase


class WritebackInline(SettingsBase):
    """The write-back settings, on their shop's page."""

    model = WritebackSettings
    can_delete = False
    fields = (
        "tag_prefix",
        "list_folder",
        "create_contacts",
        "when_removed",
        "audit_repairs",
        ("guard_share", "guard_people"),
        "dry_run_above",
        "stopped_at",
    )
    readonly_fields = ("stopped_at",)
    verbose_name = "Write-back"


@admin.register(Shop)
class ShopAdmin(PanelAdmin[Shop]):
    """Shops: what they are is told by the store itself; how segments are written is decided here."""

    list_display = ("title", "domain", "status_badge", "currency", "timezone", "added")
    list_filter = ("status",)
    search_fields = ("domain", "name")
    search_help_text = "Domain or name"
    fields = ("domain", "name", "status", "currency", "timezone", "added")
    readonly_fields = fields
    inlines = (WritebackInline,)
    actions_detail = ("stop_writing", "start_writing", "leave_everywhere")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a shop is added by installing SegSync into it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Shop | None = None) -> bool:
        """Refuse: a shop goes with all it holds, by its own request."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shop]:
        """Shops with their settings."""
        return super().get_queryset(request).select_related("writeback")

    def has_operate_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Allow the actions to whoever may operate targets."""
        return request.user.has_perm("diff.change_target")

    def offers(self, row: Shop) -> Collection[str]:
        """Stop, or go on; and leave, where there is a place to leave."""
        stopped = WritebackSettings.objects.filter(shop=row, stopped_at__isnull=False).exists()
        places = ["leave_everywhere"] if Target.objects.filter(shop=row).exclude(state=Target.State.LEFT).exists() else []
        return ["start_writing" if stopped else "stop_writing", *places]

    @dialog_action("Stop all writing", icon="emergency_home", text="Nothing at all is written for this shop until you let it go on; what is wanted is kept.")
    def stop_writing(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Write nothing for this shop."""
        for shop in Shop.objects.filter(pk=object_id):
            if stop(shop, clock.now()):
                self.log_change(request, shop, "Stopped all writing.")
                messages.success(request, "Nothing is written for this shop any more.")
        return done(reverse("admin:integrations_shop_change", args=[object_id]))

    @dialog_action("Let writing go on", icon="play_arrow", text="What has waited is written at once.")
    def start_writing(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Write for this shop again."""
        for shop in Shop.objects.filter(pk=object_id):
            if start(shop):
                self.log_change(request, shop, "Let writing go on.")
                messages.success(request, "Writing goes on where it was.")
        return done(reverse("admin:integrations_shop_change", args=[object_id]))

    @page_action("Remove everything SegSync wrote…", icon="logout")
    def leave_everywhere(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, with what would be taken away where; then leave every place."""
        shop = self.get_object(request, object_id)
        if shop is None:
            raise Http404
        back = reverse("admin:integrations_shop_change", args=[object_id])
        if request.method == "POST":
            places = leave_all(shop, clock.now())
            self.log_change(request, shop, "Had everything removed that SegSync wrote.")
            messages.success(request, f"{count(places, 'place')} being left; this page shows how far each is.")
            return HttpResponseRedirect(back)
        return asking(
            self,
            request,
            title=f"Remove everything SegSync wrote for {shop}?",
            text="Every mark that SegSync set is taken away and read back; what others set stays. Segments are judged as before, and written nowhere.",
            button="Remove everything",
            back=back,
            panels=[places_panel(shop, "What would be taken away")],
        )

    def panels(self, request: HttpRequest, row: Shop) -> Sequence[Panel]:
        """Return the places of this shop."""
        return [places_panel(row, "Places written to")] if request.user.has_perm("diff.view_target") else []

    added = instant("created_at", "added")

    @column("name", ordering="name")
    def title(self, shop: Shop) -> str:
        """The store's name, else its domain."""
        return str(shop)

    @column("status", ordering="status", label={"installed": GOOD, "uninstalled": BAD, "added by hand": IDLE})
    def status_badge(self, shop: Shop) -> str:
        """Installed or not."""
        return shop.get_status_display()
