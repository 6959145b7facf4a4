"""What the page of a segment shows below its form."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count
from django.urls import reverse
from django.utils.html import format_html

from segsync import clock
from segsync.console.pages import BAD, GOOD, IDLE, INFO, WARN, Panel, badge, link
from segsync.console.segment_versions import versions_panel
from segsync.console.wording import count, platform, when
from segsync.diff.models import Target
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment

EVALUATIONS = 10


def segment_panels(segment: Segment, *, may_add: bool) -> list[Panel]:
    """Return targets (with the way to add one, for those who may), movements, versions and evaluations of one segment."""
    return [_targets(segment, may_add=may_add), _movements(segment), versions_panel(segment), _evaluations(segment)]


def target_tone(target: Target) -> tuple[str, str]:
    """Return a target's state in a word, and its tone."""
    if target.state == Target.State.DRY_RUN:
        return "dry run", WARN
    if target.state == Target.State.LEAVING:
        return ("being left", INFO) if not target.reason else ("needs a look", BAD)
    if target.state in (Target.State.PAUSED, Target.State.LEFT):
        return target.get_state_display(), IDLE
    if target.held_at:
        return "waits for a decision", BAD
    if target.reason:
        return "needs a look", BAD
    return ("on", GOOD) if target.ready_at else ("being made", IDLE)


def _targets(segment: Segment, *, may_add: bool) -> Panel:
    targets = segment.targets.select_related("connection").order_by("connection__vendor", "name")
    rows = [
        (
            platform(target.connection.vendor),
            link(target, target.label or target.name),
            target.get_kind_display(),
            badge(*target_tone(target)),
            target.reason or "–",
        )
        for target in targets
    ]
    address = reverse("admin:rules_segment_add_place", args=[segment.pk])
    more = format_html('<a class="sg-link" href="{}">Write it to one more place…</a>', address) if may_add else ""
    empty = "Not written anywhere yet: targets are made once a platform is connected."
    return Panel("Written to", ("Platform", "Name", "Kind", "State", "Reason"), rows, empty, more)


def _movements(segment: Segment) -> Panel:
    since = clock.now() - timedelta(days=1)
    stays = Membership.objects.filter(segment=segment)
    came = dict(stays.filter(since__gte=since).values_list("cause").annotate(n=Count("pk")))
    left = dict(stays.filter(until__gte=since).values_list("left_cause").annotate(n=Count("pk")))
    words = dict(Membership._meta.get_field("cause").flatchoices)
    rows = [
        (str(words.get(cause, cause)).capitalize(), f"{came.get(cause, 0):,}", f"{left.get(cause, 0):,}") for cause in words if cause in came or cause in left
    ]
    return Panel("Moved in the last 24 hours", ("Because of", "Entered", "Left"), rows, "Nobody entered or left.")


def _evaluations(segment: Segment) -> Panel:
    rows = [
        (
            link(evaluation, f"{evaluation.as_of.astimezone(segment.shop.tz):%d %b %Y %H:%M}"),
            when(evaluation.finished_at, segment.shop.tz),
            f"{evaluation.members:,} of {count(evaluation.customers, 'customer')}",
            f"+{evaluation.entered:,} / −{evaluation.left:,}",
            f"version {evaluation.version.number}",
            f"{(evaluation.finished_at - evaluation.started_at).total_seconds():.2f} s",
        )
        for evaluation in segment.evaluations.select_related("version")[:EVALUATIONS]
    ]
    return Panel(
        "Recent evaluations over all customers", ("As of", "Finished", "Members", "Moved", "Rule", "Took"), rows, "Not evaluated over all customers yet."
    )
