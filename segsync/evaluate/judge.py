"""Judge customers against the shop's rules and move their memberships: those who changed, or everybody at one instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F

from integrations.models import Shop
from segsync.evaluate import cuts
from segsync.evaluate.apply import Moved, apply
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.facts import FactsReader, everybody
from segsync.evaluate.models import Cause, Evaluation, Membership, Schedule
from segsync.evaluate.whole import Outcome, judge_by_columns
from segsync.heartbeat import TTL
from segsync.leases import Lease
from segsync.rules import check, dependencies, interpret, ranks, windows
from segsync.rules.context import ShopContext
from segsync.rules.facts import CustomerFacts
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.store.models import Customer

log = structlog.get_logger(__name__)
BATCH = 500


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """One rule in force, ready to judge at one instant."""

    segment_id: int
    version_id: int
    handle: str
    matches: Callable[[CustomerFacts], bool]


class LeaseLost(Exception):
    """Somebody else decides for this shop now."""


def active_segments(shop: Shop) -> list[tuple[Segment, check.CheckedRule]]:
    """The shop's segments that are on, with their rules checked, each after those that its rule asks about."""
    segments = Segment.objects.filter(shop=shop, state=Segment.State.ON, version__isnull=False).select_related("version").order_by("pk")
    checked = {segment.handle: (segment, check.check_rule(segment.rule)) for segment in segments}
    return [checked[handle] for handle in dependencies.order({handle: rule.rule for handle, (_, rule) in checked.items()})]


def judge_changed(shop: Shop, lease: Lease, clock: Callable[[], datetime]) -> int:
    """Judge every customer marked changed; returns how many. Membership moves in the transaction that clears the mark.

    The cuts in force are those of the last whole evaluation; a rule with a rank that has none yet waits for the next.
    """
    context = cuts.in_force(shop)
    segments = [(segment, rule) for segment, rule in active_segments(shop) if ranks.keys(rule.rule) <= set(context.ranks)]
    reader = _reader(shop, segments)
    judged = 0
    changed = Customer.objects.filter(shop=shop, facts_version__gt=F("judged_version")).order_by("pk")
    last = 0
    while ids := list(changed.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        now = clock()
        _hold(lease, now)
        _judge(shop, ids, _compile(shop, segments, now, context), reader, now, cause=None)
        judged, last = judged + len(ids), ids[-1]
    if judged:
        _count(shop, segments, clock())
    return judged


def judge_everybody(shop: Shop, cause: str, lease: Lease, clock: Callable[[], datetime]) -> int:
    """Judge all customers of the shop as of one instant; records an Evaluation for each segment. Returns how many were judged.

    A shop of SEGSYNC_COLUMNAR_FROM customers or more is judged by columns.
    """
    as_of = clock()
    segments = active_segments(shop)
    total = Customer.objects.filter(shop=shop, merged_into__isnull=True).count()

    def beat() -> None:
        _hold(lease, clock())

    if segments and total >= settings.SEGSYNC_COLUMNAR_FROM:
        rules = {segment.pk: Asked(checked.rule, segment.handle) for segment, checked in segments}
        versions = {segment.pk: segment.version_id or 0 for segment, _ in segments}
        outcome = judge_by_columns(shop, rules, versions, as_of, cause, beat)
    else:
        context = cuts.renew(shop, [rule.rule for _, rule in segments], as_of, beat)
        outcome = Outcome(_one_by_one(shop, segments, as_of, cause, context, beat, clear=True), frozenset(), context)
    moved = outcome.moved
    _count(shop, segments, clock())
    sizes = dict(Segment.objects.filter(shop=shop).values_list("pk", "size"))
    Evaluation.objects.bulk_create(
        [
            Evaluation(
                shop=shop,
                segment=segment,
                version_id=segment.version_id or 0,
                as_of=as_of,
                started_at=as_of,
                finished_at=clock(),
                customers=total,
                members=sizes.get(segment.pk, 0),
                entered=moved.entered[segment.pk],
                left=moved.left[segment.pk],
                engine="columnar" if segment.pk in outcome.by_columns else "interpreter",
                cuts=outcome.context.to_json(),
            )
            for segment, _ in segments
        ]
    )
    log.info("shop.evaluated", shop__id=shop.pk, customers=total, entered=moved.entered.total(), left=moved.left.total(), cause=cause)
    return total


def _one_by_one(
    shop: Shop,
    segments: Sequence[tuple[Segment, check.CheckedRule]],
    as_of: datetime,
    cause: str,
    context: ShopContext,
    beat: Callable[[], None],
    clear: bool,
) -> Moved:
    rules = _compile(shop, segments, as_of, context)
    reader = _reader(shop, segments)
    moved = Moved()
    for ids in everybody(shop, BATCH):
        beat()
        moved += _judge(shop, ids, rules, reader, as_of, cause=cause, clear=clear)
    return moved


def _judge(shop: Shop, ids: Sequence[int], rules: Sequence[ActiveRule], reader: FactsReader, now: datetime, cause: str | None, clear: bool = True) -> Moved:
    """One batch in one transaction. The shop's row is locked, so nothing is stored between reading facts and clearing marks.

    Without `clear`, marks stay: some other rule has yet to be judged.
    """
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        people = {row.pk: row for row in Customer.objects.filter(shop=shop, pk__in=ids)}
        living = [id_ for id_, row in people.items() if row.merged_into_id is None]
        facts = reader.read(living)
        verdicts: dict[int, set[int]] = {}
        for rule in rules:
            verdicts[rule.segment_id] = members = {id_ for id_ in living if rule.matches(facts[id_])}
            if reader.reads_segments:
                _tell(facts, rule.handle, members)
        moved = apply(shop, people, verdicts, {rule.segment_id: rule.version_id for rule in rules}, now, cause)
        if not clear:
            return moved
        seen = Customer.objects.filter(shop=shop, pk__in=[id_ for id_, row in people.items() if row.changed_at <= now])
        seen.filter(facts_version__gt=F("judged_version")).update(judged_version=F("facts_version"))
    return moved


def _tell(facts: dict[int, CustomerFacts], handle: str, members: set[int]) -> None:
    """Let the rules that come after know who is in a segment by now."""
    for id_, person in facts.items():
        if (handle in person.segments) != (id_ in members):
            others = tuple(other for other in person.segments if other != handle)
            facts[id_] = replace(person, segments=(*others, handle) if id_ in members else others)


def _compile(shop: Shop, segments: Sequence[tuple[Segment, check.CheckedRule]], now: datetime, context: ShopContext) -> list[ActiveRule]:
    moment = Moment(now, shop.tz)
    return [ActiveRule(s.pk, s.version_id or 0, s.handle, interpret.compile_checked(checked.rule, moment, context, salt=s.handle)) for s, checked in segments]


def _reader(shop: Shop, segments: Sequence[tuple[Segment, check.CheckedRule]]) -> FactsReader:
    needs: set[str] = set()
    activities: set[str] = set()
    for _, checked in segments:
        needs |= windows.needs(checked.rule)
        activities |= windows.activity_kinds(checked.rule)
    return FactsReader(shop, needs, activities)


def _hold(lease: Lease, now: datetime) -> None:
    if not lease.renew(now=now, ttl=TTL):
        raise LeaseLost


def _count(shop: Shop, segments: Sequence[tuple[Segment, check.CheckedRule]], now: datetime) -> None:
    sizes = dict(Membership.objects.filter(shop=shop, until__isnull=True).order_by().values_list("segment").annotate(members=Count("pk")))
    for segment, _ in segments:
        Segment.objects.filter(pk=segment.pk).update(size=sizes.get(segment.pk, 0), evaluated_at=now)


def ask_whole(shop: Shop, cause: str, now: datetime) -> None:
    """Ask for a whole evaluation of the shop as soon as somebody is free."""
    Schedule.objects.filter(shop=shop).update(whole_wanted_at=now, whole_cause=cause or Cause.RULE)
