"""What needs a person, in one shop: each in a sentence, with the page where it is dealt with."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, F, Max, Q, Sum
from django.urls import reverse

from integrations.models import Connection, Shop
from segsync import clock
from segsync.console.wording import count, plain, platform
from segsync.diff.models import Hold, LedgerEntry, Target, WritebackSettings
from segsync.evaluate.models import WholeRun
from segsync.pull.models import Stream
from segsync.push.models import Audit, Channel
from segsync.rules.models import Segment
from segsync.store.models import PrivacyRequest

ENOUGH = 10
DRIFT = 0.005  # a larger share of marks that somebody else changed is worth a look
_STATES: dict[str, str] = {Target.State.PAUSED: " is paused", Target.State.DRY_RUN: " is in a dry run", Target.State.LEAVING: " cannot be left yet"}
SEVERAL = 3  # targets told one by one; more are told as a sum


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to look at. `permission` is what a user needs to see it."""

    sentence: str
    address: str
    permission: str


def problems(shop: Shop) -> list[Problem]:
    """Return what needs a person, the gravest first, in a fixed number of queries."""
    return [
        *_evaluations(shop),
        *_connections(shop),
        *_channels(shop),
        *_streams(shop),
        *_segments(shop),
        *_writing(shop),
        *_targets(shop),
        *_parked(shop),
        *_audits(shop),
        *_privacy(shop),
    ]


def _evaluations(shop: Shop) -> list[Problem]:
    """The latest whole evaluation, where it failed or a second judgement differed: memberships may be wrong then."""
    latest = WholeRun.objects.filter(shop=shop, finished_at__isnull=False).exclude(status=WholeRun.Status.REPLACED).order_by("-pk").first()
    if latest is None:
        return []
    if latest.disagreements:
        said = (
            f"{count(latest.disagreements, 'membership')} of {count(latest.checked, 'customer')} judged again came out otherwise: a rule may be judged wrongly."
        )
        return [_problem(said, latest, "evaluate.view_wholerun")]
    if latest.status == WholeRun.Status.FAILED:
        return [_problem(f"The last evaluation of everybody did not end. {latest.problem}", latest, "evaluate.view_wholerun")]
    return []


def _connections(shop: Shop) -> list[Problem]:
    found = Connection.objects.filter(shop=shop).exclude(status=Connection.Status.CONNECTED)
    return [
        _problem(f"{platform(row.vendor)} {row.account}: {row.get_status_display()}. {row.reason}", row, "integrations.view_connection")
        for row in found[:ENOUGH]
    ]


def _channels(shop: Shop) -> list[Problem]:
    found = Channel.objects.filter(shop=shop).filter(Q(paused=True) | ~Q(problem="")).select_related("connection")
    sentences = [
        (
            row,
            f"Writing to {platform(row.connection.vendor)} is paused."
            if row.paused
            else f"Writing to {platform(row.connection.vendor)} does not succeed: {row.problem}",
        )
        for row in found[:ENOUGH]
    ]
    return [_problem(sentence, row.connection, "integrations.view_connection") for row, sentence in sentences]


def _streams(shop: Shop) -> list[Problem]:
    found = Stream.objects.filter(shop=shop).exclude(problem="").select_related("connection")
    return [
        _problem(f"Pulling {plain(row.name)} from {platform(row.connection.vendor)} fails: {row.problem}", row, "pull.view_stream") for row in found[:ENOUGH]
    ]


def _segments(shop: Shop) -> list[Problem]:
    found = Segment.objects.filter(shop=shop, state=Segment.State.ON).exclude(problem="")
    return [_problem(f"The segment {row} is not judged: {row.problem}", row, "rules.view_segment") for row in found[:ENOUGH]]


def _writing(shop: Shop) -> list[Problem]:
    """All writing stopped, and removals that wait for a decision."""
    settings: WritebackSettings | None = getattr(shop, "writeback", None)  # a shop that nobody asked about yet has none
    stopped = settings is not None and settings.stopped_at is not None
    said = [_problem("Nothing is written for this shop: somebody stopped all writing.", shop, "diff.view_target")] if stopped else []
    holds = Hold.objects.filter(shop=shop, decision=Hold.Decision.WAITING).select_related("target__connection")
    return said + [
        _problem(f"{platform(row.target.connection.vendor)} {row.target} waits for a decision: {row.why}", row, "diff.view_hold") for row in holds[:ENOUGH]
    ]


def _targets(shop: Shop) -> list[Problem]:
    found = Target.objects.filter(shop=shop).exclude(reason="").exclude(state=Target.State.LEFT).select_related("connection")
    return [_problem(f"{platform(row.connection.vendor)} {row}{_STATES.get(row.state, '')}: {row.reason}", row, "diff.view_target") for row in found[:ENOUGH]]


def _parked(shop: Shop) -> list[Problem]:
    parked = LedgerEntry.objects.filter(shop=shop, parked_at__isnull=False, generation__gt=F("acked_generation"))
    per_target = parked.values("target", "target__kind", "target__name", "connection__vendor").annotate(n=Count("pk")).order_by("-n")
    kinds, ledger = dict(Target.Kind.choices), f"{reverse('admin:diff_ledgerentry_changelist')}?left=parked"
    rows = list(per_target)
    if len(rows) > SEVERAL:
        marks = count(sum(row["n"] for row in rows), "mark")
        return [Problem(f"{marks} for {len(rows):,} targets could not be written.", f"{ledger}&shop__id__exact={shop.pk}", "diff.view_ledgerentry")]
    return [
        Problem(
            f"{count(row['n'], 'mark')} could not be written: {platform(row['connection__vendor'])} {kinds[row['target__kind']]} {row['target__name']}.",
            f"{ledger}&target__id__exact={row['target']}",
            "diff.view_ledgerentry",
        )
        for row in rows
    ]


def _audits(shop: Shop) -> list[Problem]:
    """The last audit of each connection, where it failed or found that much had drifted."""
    ended = Audit.objects.filter(shop=shop, finished_at__isnull=False).order_by().values("connection").annotate(newest=Max("pk")).values("newest")
    lost = Sum("targets__missing", default=0) + Sum("targets__extra", default=0)
    audits = Audit.objects.filter(pk__in=ended).select_related("connection").annotate(lost=lost, right=Sum("targets__right", default=0))
    found = []
    for audit in audits.order_by("connection__vendor"):
        name, drifted = platform(audit.connection.vendor), audit.lost / max(1, audit.right + audit.lost)
        if audit.status == Audit.Status.FAILED:
            found.append(_problem(f"The last audit of {name} did not end: {audit.problem}", audit, "push.view_audit"))
        elif drifted > DRIFT:
            said = f"The last audit of {name} found that {drifted:.1%} of the marks had been changed by somebody else."
            found.append(_problem(said, audit, "push.view_audit"))
    return found


def _privacy(shop: Shop) -> list[Problem]:
    """Requests under privacy law that wait for a person, or whose time is running out."""
    now = clock.now()
    found = []
    for row in PrivacyRequest.objects.filter(shop=shop, status=PrivacyRequest.Status.OPEN).order_by("deadline_at")[:ENOUGH]:
        if row.kind == PrivacyRequest.Kind.TELL:
            days = max(0, (row.deadline_at - now).days)
            found.append(_problem(f"A person asked what is stored about them: {count(days, 'day')} left to answer.", row, "store.view_privacyrequest"))
        elif row.problem:
            found.append(_problem(f"A request to erase waits: {row.problem}", row, "store.view_privacyrequest"))
    return found


def _problem(sentence: str, row: Audit | Connection | PrivacyRequest | Stream | Segment | Target | WholeRun | Hold | Shop, permission: str) -> Problem:
    meta = row._meta
    return Problem(sentence.strip(), reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]), permission)
