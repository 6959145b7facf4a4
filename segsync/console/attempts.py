"""Attempts: each batch told to a platform, and what became of its items."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from segsync.console.pages import BAD, GOOD, WARN, ReadOnlyAdmin, badge, column
from segsync.console.wording import platform, when
from segsync.push.models import Attempt


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    """Attempts: each batch told to a platform, and what became of its items."""

    list_display = ("started", "platform", "shop", "told", "outcomes", "took", "problem")
    list_filter = ("connection__vendor", "shop")
    list_select_related = ("shop", "connection")
    ordering = ("-pk",)
    fields = ("shop", "connection", "started", "took", "told", "outcomes", "problem")
    readonly_fields = fields

    @column("started", ordering="started_at")
    def started(self, attempt: Attempt) -> str | SafeString:
        """How long ago."""
        return when(attempt.started_at, attempt.shop.tz)

    @column("platform", ordering="connection__vendor")
    def platform(self, attempt: Attempt) -> str:
        """Platform and account."""
        return f"{platform(attempt.connection.vendor)} {attempt.connection.account}"

    @column("told")
    def told(self, attempt: Attempt) -> str:
        """How many marks to set and to take away."""
        return f"+{attempt.adds:,} / −{attempt.removes:,}"

    @column("outcomes")
    def outcomes(self, attempt: Attempt) -> SafeString:
        """What became of them."""
        parts = ((attempt.done, "done", GOOD), (attempt.rejected, "rejected", BAD), (attempt.retry, "again", WARN), (attempt.unknown, "unknown", WARN))
        return SafeString(" ".join(badge(f"{number:,} {word}", tone) for number, word, tone in parts if number) or "–")

    @column("took")
    def took(self, attempt: Attempt) -> str:
        """How long the call took."""
        return "under way" if attempt.finished_at is None else f"{(attempt.finished_at - attempt.started_at).total_seconds():,.2f} s"
