"""Whole evaluations: everybody of a shop judged at once, how far each is, and whether a second judgement agreed."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from segsync.console.pages import BAD, GOOD, IDLE, INFO, Panel, ReadOnlyAdmin, badge, column, instant, link
from segsync.console.wording import when
from segsync.evaluate.models import Disagreement, WholeRun

_SHOWN = 50


@admin.register(WholeRun)
class WholeRunAdmin(ReadOnlyAdmin[WholeRun]):
    """Whole evaluations, newest first."""

    list_display = ("started", "shop", "state", "progress", "because", "judged", "moved", "compared", "took")
    list_filter = ("status", "cause", "shop")
    list_select_related = ("shop",)
    ordering = ("-pk",)
    fields = ("shop", "state", "progress", "because", "judged_at", "started", "finished", "judged", "moved", "rows_text", "compared", "took", "problem")
    readonly_fields = fields

    judged_at = instant("as_of", "as of")
    finished = instant("finished_at", "finished", never="not yet")

    @column("started", ordering="started_at")
    def started(self, run: WholeRun) -> str | SafeString:
        """How long ago."""
        return when(run.started_at, run.shop.tz)

    @column("state", ordering="status", label={"done": GOOD, "running": INFO, "failed": BAD, "replaced by a newer one": IDLE})
    def state(self, run: WholeRun) -> str:
        """Running, done, replaced or failed."""
        return run.get_status_display()

    @column("progress")
    def progress(self, run: WholeRun) -> str | SafeString:
        """What it is doing and how far it is, while it runs."""
        if run.status != WholeRun.Status.RUNNING:
            return "–"
        share = min(100, run.done * 100 // run.steps) if run.steps else 0
        return format_html(
            '{} <progress class="sg-progress" max="100" value="{}" aria-label="{}">{}%</progress>', run.stage or "begins", share, run.stage, share
        )

    @column("because of", ordering="cause")
    def because(self, run: WholeRun) -> str:
        """What asked for it."""
        return run.get_cause_display() if run.cause else "many changes at once"

    @column("judged")
    def judged(self, run: WholeRun) -> str:
        """How many customers, by how many rules."""
        return f"{run.customers:,} customers by {run.segments:,} rule{'' if run.segments == 1 else 's'}"

    @column("entered / left")
    def moved(self, run: WholeRun) -> str:
        """How many it let in and out."""
        return f"+{run.entered:,} / −{run.left:,}"

    @column("facts read")
    def rows_text(self, run: WholeRun) -> str:
        """How many rows were read."""
        return f"{run.rows_read:,} rows"

    @column("judged again")
    def compared(self, run: WholeRun) -> str | SafeString:
        """How many customers were judged a second time, and whether that agreed."""
        if not run.checked:
            return "–"
        text = f"{run.checked:,}: {f'{run.disagreements:,} differ' if run.disagreements else 'all agree'}"
        return badge(text, BAD if run.disagreements else GOOD)

    @column("took")
    def took(self, run: WholeRun) -> str:
        """How long it took."""
        return f"{((run.finished_at or run.seen_at) - run.started_at).total_seconds():,.2f} s"

    def panels(self, request: HttpRequest, row: WholeRun) -> Sequence[Panel]:
        """Return its segments, and where the two judgements differ."""
        evaluations = row.evaluations.select_related("segment", "version").order_by("segment__name")
        segments = [
            (
                link(one.segment),
                f"version {one.version.number}",
                f"{one.members:,}",
                f"+{one.entered:,} / −{one.left:,}",
                one.engine,
                "–" if one.milliseconds is None else f"{one.milliseconds:,} ms",
            )
            for one in evaluations
        ]
        return [
            Panel("Segments judged", ("Segment", "Rule", "Members", "Moved", "By", "Took"), segments, "None so far: segments are told of at the end."),
            _differences(row),
        ]


def _differences(run: WholeRun) -> Panel:
    found = Disagreement.objects.filter(run=run).select_related("segment", "customer").order_by("pk")
    rows = [(link(one.segment), link(one.customer), "in" if one.stored else "not in", "not in" if one.stored else "in") for one in found[:_SHOWN]]
    total = found.aggregate(n=Count("pk"))["n"]
    note = f"The first {_SHOWN} of {total:,}." if total > _SHOWN else ""
    return Panel(
        "Judged again with another answer", ("Segment", "Customer", "Stored", "Judged again"), rows, "Everybody who was judged again has the same answer.", note
    )
