"""What every page of the admin is built from: typed bases over Unfold, read-only pages, and panels below a page's fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import Shop
from segsync.console.wording import at

if TYPE_CHECKING:  # Unfold carries no types; its classes take the place of Django's
    from django.contrib.admin import ModelAdmin as UnfoldAdmin
else:
    import unfold.admin

    class UnfoldAdmin(unfold.admin.ModelAdmin):
        """Unfold's ModelAdmin, subscriptable as the type checker sees it."""

        def __class_getitem__(cls, _: object) -> type:
            return cls


M = TypeVar("M", bound=Model)
F = TypeVar("F", bound=Callable[..., Any])
Cell = str | SafeString | int
Label = Mapping[str, str]

GOOD, BAD, WARN, INFO, IDLE = "success", "danger", "warning", "info", ""


def column(description: str, *, ordering: str | None = None, label: Label | None = None) -> Callable[[F], F]:
    """Mark a method as a column; with `label` its value is shown as a badge, toned by the value."""

    def mark(given: F) -> F:
        method: Any = given if label is None else _badged(given, label)
        method.short_description = description
        if ordering is not None:
            method.admin_order_field = ordering
        marked: F = method
        return marked

    return mark


def _badged(method: Callable[..., Any], label: Label) -> Callable[..., SafeString]:
    @wraps(method)
    def shown(page: object, row: Model) -> SafeString:
        text = str(method(page, row))
        return badge(text, label.get(text, IDLE))

    return shown


def instant(field: str, description: str, never: str = "–") -> Callable[[Any, Any], str | SafeString]:
    """Return a column that shows a row's time `field` as local time of the row's shop."""

    @column(description, ordering=field)
    def shown(page: object, row: Any) -> str | SafeString:
        shop = row if isinstance(row, Shop) else row.shop
        return at(getattr(row, field), shop.tz, never=never)

    return shown


@dataclass(frozen=True, slots=True)
class Panel:
    """A table below a page's fields. `note` says what is left out; `empty` what an empty table means."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "Nothing here."
    note: str = ""


def badge(text: str, tone: str = IDLE) -> SafeString:
    """Return a small coloured label; `tone` is GOOD, BAD, WARN, INFO or IDLE."""
    return format_html('<span class="sg-badge sg-{}">{}</span>', tone or "idle", text)


def badges(items: Iterable[tuple[str, str]]) -> SafeString:
    """Return labels side by side, or a dash."""
    parts = [badge(text, tone) for text, tone in items]
    return format_html('<span class="sg-badges">{}</span>', SafeString("".join(parts))) if parts else SafeString("–")


def code(text: str) -> SafeString:
    """Return `text` as code, its line breaks kept."""
    return format_html('<code class="sg-code">{}</code>', text)


def link(row: Model, text: str | None = None) -> SafeString:
    """Return a link to the admin page of `row`."""
    meta = row._meta
    return format_html('<a class="sg-link" href="{}">{}</a>', reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]), text or str(row))


class PanelAdmin(UnfoldAdmin[M]):
    """A page with panels below its fields."""

    list_per_page = 50
    show_full_result_count = False
    list_filter_sheet = False
    compressed_fields = True
    change_form_outer_after_template = "console/panels.html"

    def panels(self, request: HttpRequest, row: M) -> Sequence[Panel]:
        """Return the panels of one row's page."""
        return ()

    def offers(self, row: M) -> Collection[str]:
        """Return the actions that make sense on the row as it stands; the others' buttons are left out."""
        return tuple(getattr(self, "actions_detail", ()))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Leave out the buttons that would do nothing."""
        given: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]  # Unfold's, which the type checker does not see
        row = self.model._default_manager.filter(pk=object_id).first()
        names = [f"{self.opts.app_label}_{self.opts.model_name}_{name}" for name in (self.offers(row) if row else ())]
        return [action for action in given if action.action_name in names]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Leave out the shop while there is only one."""
        several = Shop.objects.count() > 1
        return [name for name in super().get_list_display(request) if several or name not in ("shop", "in_shop")]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show or save one row; the panels come with it."""
        extra = dict(extra_context or {})
        if object_id is not None:
            row = self.get_object(request, object_id)
            if row is not None and self.has_view_or_change_permission(request, row):
                extra["panels"] = self.panels(request, row)
        return super().changeform_view(request, object_id, form_url, extra)


class ReadOnlyAdmin(PanelAdmin[M]):
    """A page that only shows: nothing can be added, changed or deleted here. What may be done is done by its actions."""

    operate: ClassVar[str] = ""  # the permission that actions ask for, "app.codename"; "": change on this model

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows come from the pipeline."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Refuse: rows change in the pipeline."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Refuse: rows are the record of what happened."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Allow whoever may view or change this model."""
        return super().has_view_permission(request, obj) or admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_operate_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Allow the actions to whoever has the right to change this model."""
        meta = self.opts
        return request.user.has_perm(self.operate or f"{meta.app_label}.change_{meta.model_name}")
