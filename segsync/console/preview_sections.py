"""A preview in the admin's words: what saving would do, for somebody who decides whether to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fractions import Fraction

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from segsync.console.pages import IDLE, WARN, Cell, Panel, badge, code
from segsync.console.wording import count, platform, short
from segsync.evaluate.preview import NAMES, Person, Preview, Reason, Size, preview
from segsync.push.estimate import Telling, estimate
from segsync.rules.english import explain_rule
from segsync.rules.models import Segment
from segsync.rules.parse import parse_rule
from segsync.rules.shop_vocabulary import vocabulary_of

REASONS = 2  # of one person
EVIDENCE = 2  # of one reason
SHORT_TIME = 1.0  # seconds below which nobody asks


@dataclass(frozen=True, slots=True)
class Tile:
    """One number; `tone` colours it."""

    title: str
    number: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows of a preview. `alarm` is a sentence to be noticed before saving, or ""; `save` is what the button says."""

    headline: str
    reading: str
    alarm: str
    tiles: Sequence[Tile]
    cautions: Sequence[str]
    panels: Sequence[Panel]
    footnote: str
    save: str


def shown(request: HttpRequest, segment: Segment, rule: str, now: datetime, saved: Segment | None) -> Shown:
    """Look at `rule`, which must check, for `segment` as it would be saved; `saved` is the segment as it is, None for a new one."""
    asked = parse_rule(rule)
    found = preview(segment.shop, asked, now, saved, segment.handle)
    telling = estimate(segment.shop, segment, found.entering, found.leaving)
    zone = segment.shop.tz
    may_name = request.user.has_perm("store.view_customer") or request.user.has_perm("store.change_customer")
    paused = "The segment is paused: nobody moves before it is switched on. " if segment.state == Segment.State.PAUSED else ""
    return Shown(
        headline=paused + _headline(found),
        reading=explain_rule(asked, vocabulary_of(segment.shop)),
        alarm=_alarm(found),
        tiles=_tiles(found),
        cautions=found.cautions,
        panels=[
            _people("Who would enter", found.arrivals, len(found.entering), found.customers, may_name, "Nobody would enter."),
            _people("Who would leave", found.departures, len(found.leaving), found.customers, may_name, "Nobody would leave."),
            _sizes(found),
            _overlaps(found),
            _costs(telling),
        ],
        footnote=_footnote(found, zone),
        save="Save" if not found.large else f"Save although {count(len(found.leaving), 'person leaves', 'people leave')}",
    )


def percent(share: Fraction) -> str:
    """A share for reading: "0%", "under 0.1%", "12.5%", "80%"."""
    hundredths = float(share * 100)
    if 0 < hundredths < 0.1:
        return "under 0.1%"
    return f"{hundredths:.1f}".removesuffix(".0") + "%"


def _headline(found: Preview) -> str:
    if not found.entering and not found.leaving:
        return f"Saving would move nobody: {count(found.total, 'person', 'people')} in the segment as now."
    coming, going = (count(len(people), "person", "people") for people in (found.entering, found.leaving))
    return (
        f"Saving would let {coming} in."
        if not found.leaving
        else f"Saving would take {going} out."
        if not found.entering
        else f"Saving would let {coming} in and take {going} out."
    )


def _alarm(found: Preview) -> str:
    if not found.large:
        return ""
    gone = f"{len(found.leaving):,} of the {count(found.before, 'person', 'people')} in this segment ({percent(found.leaving_share)}) would leave it"
    return f"{gone}, and would lose its tags and places on lists."


def _tiles(found: Preview) -> list[Tile]:
    of = "customer" if found.customers == 1 else "customers"
    return [
        Tile("Enter", f"+{len(found.entering):,}" if found.entering else "0", "not in the segment now", "fine" if found.entering else ""),
        Tile(
            "Leave", f"−{len(found.leaving):,}" if found.leaving else "0", f"{percent(found.leaving_share)} of its people now", "grave" if found.large else ""
        ),
        Tile("Stay", f"{found.unchanged:,}", "in it now and after"),
        Tile("Then in all", f"{found.total:,}", f"{percent(found.share)} of {found.customers:,} {of}"),
    ]


def _people(title: str, people: Sequence[Person], total: int, customers: int, may_name: bool, nobody: str) -> Panel:
    if not may_name:
        return Panel(title, (), (), f"{nobody}" if not total else f"{count(total, 'person', 'people')}; your account may not look at customers.")
    rows = [(_customer(person), _why(person)) for person in people]
    note = f"The first {NAMES} of {total:,}." if total > NAMES else ""
    empty = nobody if not total else f"{count(total, 'person', 'people')}, whose facts have changed in the last minutes."
    return Panel(title, ("Customer", "Because"), rows, empty, note)


def _customer(person: Person) -> SafeString:
    address = reverse("admin:store_customer_change", args=[person.customer_id])
    known_as = person.known_as or "no address known"
    return format_html('<a class="sg-link" href="{}">{}</a> <span class="sg-note">customer {}</span>', address, known_as, person.customer_id)


def _why(person: Person) -> SafeString:
    lines = format_html_join("", '<div class="sg-reason">{} {} <span class="sg-note">{}</span></div>', (_reason(reason) for reason in person.reasons[:REASONS]))
    more = len(person.reasons) - REASONS
    return format_html('{}<span class="sg-note">{}</span>', lines, f"and {count(more, 'more condition')}" if more > 0 else "")


def _reason(reason: Reason) -> tuple[Cell, Cell, Cell]:
    mark = badge("holds", IDLE) if reason.holds else badge("fails", WARN)
    return mark, code(short(reason.clause)), short("; ".join(reason.evidence[:EVIDENCE]), 120)


def _sizes(found: Preview) -> Panel:
    after = {"AND": "Left after it", "OR": "Together so far", "": "Named"}[found.joint]
    rows = [(_part(size), f"{size.alone:,}", _bar(size.after, found)) for size in found.sizes]
    note = {
        "AND": "From top to bottom: each condition takes people away.",
        "OR": "From top to bottom: each alternative brings people in.",
        "": "",
    }[found.joint]
    return Panel("How large each part is", ("Part of the rule", "Alone", after), rows, note=note)


def _part(size: Size) -> SafeString:
    return format_html('<span class="sg-depth-{}">{}</span>', min(size.depth, 3), code(size.text))


def _bar(number: int | None, found: Preview) -> SafeString | str:
    if number is None:
        return ""
    return format_html(
        '<span class="sg-share"><progress value="{}" max="{}" aria-hidden="true"></progress>{}</span>', number, max(found.customers, 1), f"{number:,}"
    )


def _overlaps(found: Preview) -> Panel:
    rows = [
        (
            format_html('<a class="sg-link" href="{}">{}</a>', reverse("admin:rules_segment_change", args=[lap.segment_id]), lap.name),
            f"{lap.shared:,}",
            percent(lap.of_rule),
            f"{percent(lap.of_other)} of {lap.size:,}",
            badge(f"{percent(lap.alike)}, nearly the same", WARN) if lap.near_duplicate else percent(lap.alike),
        )
        for lap in found.overlaps
    ]
    headers = ("Segment", "In both", "Of this rule", "Of that segment", "Alike")
    empty = "Not compared: not everybody could be looked at." if found.cut_short else "Nobody is in another segment that is on."
    return Panel("People shared with other segments", headers, rows, empty, "The five most alike." if rows else "")


def _costs(telling: Sequence[Telling]) -> Panel:
    rows = [
        (
            format_html("{} {}", platform(each.vendor), badge(each.target.get_state_display(), IDLE) if each.paused and each.target else ""),
            format_html("{} {}", each.kind.value, code(each.name)),
            _changes(each),
            f"{each.cost.calls:,}",
            _seconds(each.cost.seconds) if each.cost.calls else "–",
            "–" if each.cost.share_of_daily is None else percent(Fraction(each.cost.share_of_daily)),
            format_html('<span class="sg-long">{}</span>', each.cost.way),
        )
        for each in telling
    ]
    headers = ("Platform", "Where", "Changes", "Calls", "Time forced", "Of a day", "How")
    return Panel("What writing it would cost", headers, rows, "No platform is connected that this would be written to.")


def _changes(each: Telling) -> str:
    about = "about " if each.about else ""
    created = f", {each.creates:,} to be created there" if each.creates else ""
    return f"{about}+{each.adds:,} / −{each.removes:,}{created}"


def _seconds(seconds: float) -> str:
    if seconds < SHORT_TIME:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _footnote(found: Preview, zone: tzinfo) -> str:
    looked = f"Looked at {count(found.customers, 'customer')} in {found.seconds:.1f} s, facts as of {found.facts_as_of.astimezone(zone):%d %b %Y %H:%M}."
    if found.cut_short:
        looked = f"Only the first {count(found.customers, 'customer')} could be looked at in {found.seconds:.0f} s: every number here is of those."
    if found.cuts_from == "in force":
        looked += f" Ranks and scores are those in force since {found.cuts_at.astimezone(zone):%d %b %H:%M}." if found.cuts_at else ""
    elif found.cuts_from:
        looked += " Ranks and scores were worked out for this look."
    return looked
