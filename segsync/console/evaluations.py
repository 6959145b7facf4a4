"""Evaluations: each time a segment was judged over all customers."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from segsync.console.pages import ReadOnlyAdmin, code, column, instant
from segsync.console.wording import when
from segsync.evaluate.models import Evaluation


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin[Evaluation]):
    """Evaluations, newest first."""

    list_display = ("title", "shop", "finished", "members_text", "moved", "rule_version", "took", "engine")
    list_filter = ("engine", "segment", "shop")
    list_select_related = ("shop", "segment", "version")
    search_fields = ("segment__name", "segment__handle")
    search_help_text = "Segment"
    ordering = ("-pk",)
    fields = ("shop", "segment", "rule_version", "rule", "judged_at", "finished", "members_text", "moved", "took", "engine")
    readonly_fields = fields

    judged_at = instant("as_of", "as of")

    @column("segment", ordering="segment__name")
    def title(self, evaluation: Evaluation) -> str:
        """The segment's name."""
        return evaluation.segment.name

    @column("finished", ordering="finished_at")
    def finished(self, evaluation: Evaluation) -> str | SafeString:
        """How long ago."""
        return when(evaluation.finished_at, evaluation.shop.tz)

    @column("members", ordering="members")
    def members_text(self, evaluation: Evaluation) -> str:
        """Members, of how many customers."""
        return f"{evaluation.members:,} of {evaluation.customers:,}"

    @column("entered / left")
    def moved(self, evaluation: Evaluation) -> str:
        """How many it let in and out."""
        return f"+{evaluation.entered:,} / −{evaluation.left:,}"

    @column("rule")
    def rule_version(self, evaluation: Evaluation) -> str:
        """The version that was judged."""
        return f"version {evaluation.version.number}"

    @column("rule text")
    def rule(self, evaluation: Evaluation) -> SafeString:
        """Its wording."""
        return code(evaluation.version.rule)

    @column("took")
    def took(self, evaluation: Evaluation) -> str:
        """How long it took."""
        return f"{(evaluation.finished_at - evaluation.started_at).total_seconds():,.2f} s"
