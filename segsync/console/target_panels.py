"""What the page of a target shows below its fields: what it would be told, what became of leaving it, and parked marks."""

from __future__ import annotations

from django.db.models import F, QuerySet

from integrations.models import Shop
from segsync.console.pages import BAD, Cell, Panel, badge, link
from segsync.console.segment_panels import target_tone
from segsync.console.wording import count, platform, when
from segsync.diff.models import LedgerEntry, Target
from segsync.push.foresight import EXAMPLES, Foresight, adding, everywhere, names, taking, to_leave, to_turn_on
from segsync.store.models import Customer

PARKED = 50


def target_panels(target: Target) -> list[Panel]:
    """Return the panels of one target's page."""
    first: list[Panel] = []
    if target.state == Target.State.DRY_RUN:
        first = [
            foresight_panel("What would be sent if it were turned on", to_turn_on(target)),
            people_panel("Who would get the mark", adding(target), "Nobody would get the mark."),
            people_panel("Who would lose the mark", taking(target), "Nobody would lose the mark."),
        ]
    elif target.state == Target.State.LEAVING:
        first = [_leaving(target)]
    return [*first, _parked(target)]


def foresight_panel(title: str, seen: Foresight) -> Panel:
    """What would be told, in how many calls and how long."""
    created = f" ({seen.creates:,} of them are created first)" if seen.creates else ""
    share = seen.cost.share_of_daily
    rows: list[tuple[Cell, ...]] = [
        ("Marks to set", f"{seen.adds:,}{created}"),
        ("Marks to take away", f"{seen.removes:,}"),
        ("Marks of others that stay", f"{seen.left_alone:,} that SegSync knows of"),
        ("Calls", f"{seen.cost.calls:,}"),
        ("Time that the rate limit forces", duration(seen.cost.seconds)),
        ("Share of the day’s calls", "the platform sets no limit a day" if share is None else f"{share * 100:.2f} %"),
        ("How", seen.cost.way),
    ]
    return Panel(title, ("What", "How much"), rows)


def places_panel(shop: Shop, title: str) -> Panel:
    """Every place of a shop, with what of it is ours and what became of leaving it."""
    rows = [
        (
            platform(target.connection.vendor),
            link(target, target.label or target.name),
            badge(*target_tone(target)),
            f"{seen.removes:,}",
            f"{seen.left_alone:,}",
            f"{seen.cost.calls:,} in {duration(seen.cost.seconds)}" if seen.removes else "none",
            target.reason or "–",
        )
        for target, seen in everywhere(shop)
    ]
    return Panel(title, ("Platform", "Name", "State", "Ours", "Others’", "Calls to take ours away", "Reason"), rows, "Nothing is written anywhere.")


def people_panel(title: str, marks: QuerySet[LedgerEntry], empty: str) -> Panel:
    """Some of the people whose marks these are."""
    total = marks.count()
    rows = [
        (link(Customer(pk=entry.profile.customer_id), name), "to be created" if entry.profile.pending else entry.profile.external_id, when(entry.wanted_at))
        for entry, name in names(marks)
    ]
    note = f"The first {EXAMPLES} of {total:,}." if total > EXAMPLES else ""
    return Panel(title, ("Person", "Record there", "Since"), rows, empty, note)


def duration(seconds: float) -> str:
    """Return "less than a second", "40 seconds", "3 minutes", "2.5 hours"."""
    if seconds < 1:
        return "less than a second"
    if seconds < 120:
        return count(round(seconds), "second")
    return count(round(seconds / 60), "minute") if seconds < 7_200 else f"{seconds / 3_600:,.1f} hours"


def _leaving(target: Target) -> Panel:
    left = to_leave(target)
    untold = target.entries.filter(generation__gt=F("acked_generation"))
    reading = untold.filter(sent_at__isnull=False).count()
    rows = [
        ("Marks of ours still to be taken away", f"{untold.count() - reading:,}"),
        ("Taken away, to be read back", f"{reading:,}"),
        ("Marks of others that stay", f"{left.left_alone:,}"),
    ]
    return Panel("How far leaving it is", ("What", "How many"), rows, note="Nothing counts as taken away before it has been read back, a minute later.")


def _parked(target: Target) -> Panel:
    """The marks nobody tries any more, with the platform's words."""
    parked = target.entries.filter(generation__gt=F("acked_generation"), parked_at__isnull=False).select_related("profile").order_by("-parked_at")
    rows = [
        (link(entry), str(entry.profile), badge(entry.get_outcome_display(), BAD), entry.detail or "–", when(entry.parked_at, target.shop.tz))
        for entry in parked[: PARKED + 1]
    ]
    note = f"The latest {PARKED}; the ledger entries show all." if len(rows) > PARKED else ""
    return Panel("Parked marks", ("Mark", "Record", "Outcome", "In the platform's words", "Parked"), rows[:PARKED], "No mark is parked.", note)
