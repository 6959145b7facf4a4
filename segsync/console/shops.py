"""Shops and how each wants its segments written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations.models import Shop
from segsync.console.pages import BAD, GOOD, IDLE, PanelAdmin, column, instant
from segsync.diff.models import WritebackSettings

if TYPE_CHECKING:
    from django.contrib.admin import StackedInline

    SettingsBase = StackedInline[WritebackSettings, Shop]
else:
    from unfold.admin import StackedInline as SettingsBase


class WritebackInline(SettingsBase):
    """The write-back settings, on their shop's page."""

    model = WritebackSettings
    can_delete = False
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a shop is added by installing SegSync into it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Shop | None = None) -> bool:
        """Refuse: a shop goes with all it holds, by its own request."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shop]:
        """Shops with their settings."""
        return super().get_queryset(request).select_related("writeback")

    added = instant("created_at", "added")

    @column("name", ordering="name")
    def title(self, shop: Shop) -> str:
        """The store's name, else its domain."""
        return str(shop)

    @column("status", ordering="status", label={"installed": GOOD, "uninstalled": BAD, "added by hand": IDLE})
    def status_badge(self, shop: Shop) -> str:
        """Installed or not."""
        return shop.get_status_display()
