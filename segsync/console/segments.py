"""Segments in the admin: read, written and rewritten here; every change goes through `rules.edit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import Shop
from segsync import clock, pipeline
from segsync.console.pages import BAD, GOOD, IDLE, Panel, PanelAdmin, badge, badges, code, column
from segsync.console.places import add_place_page
from segsync.console.preview_sections import shown
from segsync.console.segment_form import PREVIEW, SegmentForm
from segsync.console.segment_panels import segment_panels, target_tone
from segsync.console.segment_versions import roll_back_page, version_page
from segsync.console.wording import count, platform, short, when
from segsync.diff.models import Target
from segsync.rules.edit import VersionConflict, change_rule, create_segment, lock_rules
from segsync.rules.english import explain_rule
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment
from segsync.rules.parse import parse_rule
from segsync.rules.shop_vocabulary import vocabulary_to_read


@admin.register(Segment)
class SegmentAdmin(PanelAdmin[Segment]):
    """Segments: who belongs, by which rule, and where that is written."""

    form = SegmentForm
    warn_unsaved_form = True
    change_form_outer_before_template = "console/preview.html"
    list_display = ("name", "in_shop", "state_badge", "problem_short", "members", "evaluated", "written_to", "rule_short")
    list_filter = ("state", "shop")
    search_fields = ("name", "handle", "description")
    search_help_text = "Name, handle or description"
    list_select_related = ("shop", "version")
    fieldsets = (
        (None, {"fields": ("name", "handle", "shop", "description", "state")}),
        ("Rule", {"fields": ("rule", "reading", "reason", "seen_version")}),
        ("Now", {"fields": ("size_text", "evaluated", "problem_text")}),
    )
    add_fieldsets = (
        (None, {"fields": ("shop", "name", "handle", "description", "state")}),
        ("Rule", {"fields": ("rule",)}),
    )
    readonly_fields = ("reading", "size_text", "evaluated", "problem_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        """Segments with what the list shows of their targets, in a fixed number of queries."""
        return super().get_queryset(request).prefetch_related(Prefetch("targets", Target.objects.select_related("connection")))

    def get_fieldsets(self, request: HttpRequest, obj: Segment | None = None) -> Any:
        """Leave out what is only for writing when the segment may only be looked at."""
        if obj and not self.has_change_permission(request, obj):
            return (self.fieldsets[0], ("Rule", {"fields": ("rule", "reading")}), self.fieldsets[2])
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        """Keep shop and handle as they were first saved: tags and lists carry them."""
        return (*self.readonly_fields, "shop", "handle") if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Segment | None = None) -> dict[str, Sequence[str]]:
        """Propose a handle from the name while adding."""
        return {} if obj else {"handle": ("name",)}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose the shop while there is only one."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        shops = list(Shop.objects.values_list("pk", flat=True)[:2])
        if len(shops) == 1:
            initial.setdefault("shop", shops[0])
        return initial

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the shops without buttons to add or change one."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.empty_label = "Choose a shop"
        return field

    def get_urls(self) -> list[Any]:
        """Add the pages of versions and of further places."""
        site = self.admin_site
        versions = [
            path("<int:object_id>/add-place/", site.admin_view(self.add_place), name="rules_segment_add_place"),
            path("<int:object_id>/version/<int:number>/", site.admin_view(self.version), name="rules_segment_version"),
            path("<int:object_id>/version/<int:number>/roll-back/", site.admin_view(self.roll_back), name="rules_segment_roll_back"),
        ]
        return versions + super().get_urls()

    def version(self, request: HttpRequest, object_id: int, number: int) -> HttpResponse:
        """Show one version of a rule."""
        return version_page(self, request, str(object_id), number)

    def roll_back(self, request: HttpRequest, object_id: int, number: int) -> HttpResponse:
        """Ask whether to go back to a version, and do so."""
        return roll_back_page(self, request, str(object_id), number)

    def add_place(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Offer further places to write a segment to, and add one."""
        return add_place_page(self, request, str(object_id))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show or save a segment. A preview is worked out when the page's transaction has ended: nobody waits for it to write."""
        try:
            response = super().changeform_view(request, object_id, form_url, extra_context)
        except (VersionConflict, RuleError):
            # Somebody saved after the form had looked. It looks again, and says so beside what was typed.
            response = super().changeform_view(request, object_id, form_url, extra_context)
        if request.method == "POST" and PREVIEW in request.POST and isinstance(response, TemplateResponse) and response.context_data is not None:
            form = response.context_data["adminform"].form
            if not form.errors:
                saved = self.get_object(request, object_id) if object_id else None
                response.context_data["preview"] = shown(request, form.instance, form.cleaned_data["rule"], clock.now(), saved)
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Segment | None = None) -> bool:
        """Refuse: its tags and lists would stay behind with nobody to take them away. Pause it instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        """Save the segment and the next version of its rule, and ask for an evaluation. Runs in the page's transaction."""
        now = clock.now()
        rule, author = form.cleaned_data["rule"], request.user if isinstance(request.user, User) else None
        lock_rules(obj.shop)  # before any row of the segment: judging holds the one and waits for the other
        if not change:
            made = create_segment(obj.shop, handle=obj.handle, name=obj.name, description=obj.description, rule=rule, author=author, now=now)
            if made.state != obj.state:
                made.state = obj.state
                made.save(update_fields=["state"])
            obj.__dict__.update(made.__dict__)
            pipeline.rule_changed(obj, now)
            return
        written = [name for name in form.changed_data if name in ("name", "description", "state")]
        if written:
            obj.save(update_fields=written)
        version = change_rule(obj, rule, author=author, reason=form.cleaned_data["reason"], now=now, seen=form.cleaned_data["seen_version"])
        if "state" in written:
            pipeline.state_changed(obj, now)
        elif version is not None:
            pipeline.rule_changed(obj, now)
        if version is not None:
            messages.info(request, f"Version {version.number} of the rule is in force; members, tags and lists follow within moments.")

    def panels(self, request: HttpRequest, row: Segment) -> Sequence[Panel]:
        """Return targets, movements, versions and evaluations."""
        return segment_panels(row, may_add=self.has_change_permission(request, row))

    @column("shop", ordering="shop__domain")
    def in_shop(self, segment: Segment) -> str:
        """The shop's name."""
        return str(segment.shop)

    @column("state", ordering="state", label={"on": GOOD, "paused": IDLE})
    def state_badge(self, segment: Segment) -> str:
        """On or paused."""
        return segment.state

    @column("problem")
    def problem_short(self, segment: Segment) -> str | SafeString:
        """Whether something keeps it from being judged."""
        return badge("not judged", BAD) if segment.problem else "–"

    @column("problem")
    def problem_text(self, segment: Segment) -> str:
        """What keeps it from being judged."""
        return f"{segment.problem} Its members, tags and lists stay as they are meanwhile." if segment.problem else "–"

    @column("size", ordering="size")
    def members(self, segment: Segment) -> str:
        """How many people belong, as a number."""
        return f"{segment.size:,}"

    @column("size")
    def size_text(self, segment: Segment) -> str:
        """How many people belong."""
        return count(segment.size, "person", "people")

    @column("last evaluated", ordering="evaluated_at")
    def evaluated(self, segment: Segment) -> str | SafeString:
        """How long ago the size was true."""
        return when(segment.evaluated_at, segment.shop.tz)

    @column("written to")
    def written_to(self, segment: Segment) -> SafeString:
        """The targets, coloured by their state."""
        parts = [(target, *target_tone(target)) for target in segment.targets.all()]
        return badges((f"{platform(target.connection.vendor)} {target.kind}: {word}", tone) for target, word, tone in parts)

    @column("rule")
    def rule_short(self, segment: Segment) -> SafeString:
        """The beginning of the rule."""
        return code(short(segment.rule))

    @column("in plain English")
    def reading(self, segment: Segment) -> str | SafeString:
        """What the rule in force says; a page asks several times, and is told what was found the first time."""
        known: dict[int, str | SafeString] = segment.__dict__.setdefault("_readings", {})
        if segment.version_id not in known:
            known[segment.version_id or 0] = _reading(segment)
        return known[segment.version_id or 0]


def _reading(segment: Segment) -> str | SafeString:
    try:
        return format_html('<span class="sg-reading">{}</span>', explain_rule(parse_rule(segment.rule), vocabulary_to_read(segment.shop)))
    except RuleError as error:
        return f"This rule no longer checks: {error}"
