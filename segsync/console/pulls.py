"""Streams and runs: what is asked of each connection, and how far that got."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from segsync.console.pages import BAD, GOOD, IDLE, INFO, Panel, ReadOnlyAdmin, badge, column, instant, link
from segsync.console.wording import at, plain, platform, when
from segsync.pull.models import Run, Stream

RUNS = 20
RUN_TONES = {"running": INFO, "done": GOOD, "failed": BAD}


class StreamState(admin.SimpleListFilter):
    """Streams by how they do."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the three states."""
        return [("fine", "fine"), ("pulling", "pulling now"), ("failing", "failing")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Stream]) -> QuerySet[Stream]:
        """Keep the streams in the chosen state."""
        match self.value():
            case "fine":
                return queryset.filter(problem="")
            case "pulling":
                return queryset.filter(window_until__isnull=False)
            case "failing":
                return queryset.filter(~Q(problem=""))
        return queryset


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin[Stream]):
    """Streams: up to when everything that changed has been stored."""

    list_display = ("title", "shop", "state_badge", "as_of", "next_ask", "problem")
    list_filter = (StreamState, "name", "connection__vendor", "shop")
    list_select_related = ("shop", "connection")
    search_fields = ("name", "shop__domain")
    search_help_text = "Stream or shop"
    ordering = ("shop", "connection", "name")
    fields = ("title", "shop", "connection", "state_badge", "as_of", "window_from", "window_to", "next_ask", "hinted", "failures", "problem")
    readonly_fields = fields

    def panels(self, request: HttpRequest, row: Stream) -> Sequence[Panel]:
        """Return the latest runs."""
        runs = [
            (
                link(run, f"{run.started_at.astimezone(row.shop.tz):%d %b %Y %H:%M:%S}"),
                badge(run.get_status_display(), RUN_TONES[run.status]),
                "everything" if run.since is None else at(run.since, row.shop.tz),
                at(run.until, row.shop.tz),
                f"{run.records:,}",
                f"{run.stored:,}",
                run.problem or "–",
            )
            for run in row.runs.all()[:RUNS]
        ]
        return [Panel("Latest runs", ("Started", "State", "Changed since", "Until", "Read", "New or newer", "Problem"), runs, "Not run yet.")]

    window_from = instant("window_since", "window now read, from")
    window_to = instant("window_until", "window now read, to")

    @column("stream", ordering="name")
    def title(self, stream: Stream) -> str:
        """Platform and name."""
        return f"{platform(stream.connection.vendor)} {plain(stream.name)}"

    @column("state", label={"fine": GOOD, "pulling": INFO, "failing": BAD})
    def state_badge(self, stream: Stream) -> str:
        """How it does."""
        if stream.problem:
            return "failing"
        return "pulling" if stream.window_until else "fine"

    @column("as of", ordering="pulled_until")
    def as_of(self, stream: Stream) -> str | SafeString:
        """Everything changed before then has been stored."""
        return when(stream.pulled_until, stream.shop.tz, never="first pull not done")

    @column("asked next", ordering="due_at")
    def next_ask(self, stream: Stream) -> str | SafeString:
        """When it is asked again."""
        return when(stream.due_at, stream.shop.tz, never="when asked for")

    @column("last webhook")
    def hinted(self, stream: Stream) -> str | SafeString:
        """When a webhook last asked for it."""
        return when(stream.hinted_at, stream.shop.tz)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin[Run]):
    """Runs: each window of each stream, with how many records it brought."""

    list_display = ("title", "shop", "status_badge", "kind", "progress", "stored_text", "started", "took", "problem")
    list_filter = ("status", "stream__name", "stream__connection__vendor", "shop")
    list_select_related = ("shop", "stream__connection")
    search_fields = ("stream__name", "shop__domain")
    search_help_text = "Stream or shop"
    ordering = ("-pk",)
    fields = ("shop", "stream", "status_badge", "kind", "changed_from", "changed_to", "progress", "stored_text", "started", "took", "problem")
    readonly_fields = fields

    changed_from = instant("since", "changed since", "the beginning")
    changed_to = instant("until", "changed until")

    @column("stream", ordering="stream__name")
    def title(self, run: Run) -> str:
        """Platform and name of its stream."""
        return f"{platform(run.stream.connection.vendor)} {plain(run.stream.name)}"

    @column("status", ordering="status", label=RUN_TONES)
    def status_badge(self, run: Run) -> str:
        """Running, done or failed."""
        return run.status

    @column("what")
    def kind(self, run: Run) -> str:
        """Everything, or what changed."""
        return "everything there is" if run.since is None else "changes"

    @column("read", ordering="records")
    def progress(self, run: Run) -> str:
        """Records read, of how many where the platform told."""
        return f"{run.records:,}" if run.expected is None else f"{run.records:,} of {run.expected:,}"

    @column("new or newer", ordering="stored")
    def stored_text(self, run: Run) -> str:
        """Records that changed what we knew."""
        return f"{run.stored:,}"

    @column("started", ordering="started_at")
    def started(self, run: Run) -> str | SafeString:
        """How long ago."""
        return when(run.started_at, run.shop.tz)

    @column("took")
    def took(self, run: Run) -> str:
        """How long it ran."""
        return badge("running", IDLE) if run.finished_at is None else f"{(run.finished_at - run.started_at).total_seconds():,.1f} s"
