"""Judge customers against the shop's rules and move their memberships: those who changed, or everybody at one instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F

from integrations.models import Shop
from integrations.money import exponent
from segsync.evaluate import cuts, reasons, runs, selfcheck
from segsync.evaluate.apply import Moved, apply, people_of
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.facts import FactsReader, everybody
from segsync.evaluate.models import Cause, Evaluation, Membership, Schedule, WholeRun
from segsync.evaluate.runs import LeaseLost, Progress, Replaced, hold
from segsync.evaluate.scope import Scope
from segsync.evaluate.standing import Active, active_segments
from segsync.evaluate.whole import Outcome, judge_by_columns
from segsync.leases import Lease
from segsync.rules import interpret, ranks, tree, windows
from segsync.rules.context import ShopContext
from segsync.rules.facts import CustomerFacts
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.rules.predicates import Terms
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.vocabulary import Vocabulary
from segsync.store.models import Customer
from segsync.uncollected import uncollected

log = structlog.get_logger(__name__)
BATCH = 500

__all__ = ["LeaseLost", "Replaced", "ask_whole", "crowded", "judge_changed", "judge_everybody", "judge_whole"]


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules in force, ready to judge at one instant, each after those that it asks about."""

    matches: Sequence[tuple[int, str, Callable[[CustomerFacts], bool]]]
    versions: Mapping[int, int]
    told: Mapping[int, tuple[tree.Rule, str]]
    moment: Moment
    context: ShopContext
    vocabulary: Vocabulary


def crowded(shop: Shop) -> bool:
    """Whether so many people are marked changed that judging everybody by columns is cheaper than judging these one by one:
    SEGSYNC_WHOLE_SHARE percent of a shop that is large enough for columns."""
    marked = Customer.objects.filter(shop=shop, facts_version__gt=F("judged_version"))
    fewest = settings.SEGSYNC_COLUMNAR_FROM * settings.SEGSYNC_WHOLE_SHARE // 100
    if marked.order_by("pk").values_list("pk", flat=True)[fewest : fewest + 1].count() == 0:
        return False
    total = Customer.objects.filter(shop=shop, merged_into__isnull=True).count()
    return total >= settings.SEGSYNC_COLUMNAR_FROM and marked.count() * 100 >= total * settings.SEGSYNC_WHOLE_SHARE


def judge_changed(shop: Shop, lease: Lease, clock: Callable[[], datetime]) -> int:
    """Judge every customer marked changed; returns how many. Membership moves in the transaction that clears the mark.

    The cuts in force are those of the last whole evaluation; a rule with a rank that has none yet waits for the next.
    """
    context, vocabulary = cuts.in_force(shop), vocabulary_of(shop)
    segments = [(segment, rule) for segment, rule in active_segments(shop, vocabulary) if ranks.keys(rule.rule) <= set(context.ranks)]
    reader = _reader(shop, segments, vocabulary)
    judged = 0
    changed = Customer.objects.filter(shop=shop, facts_version__gt=F("judged_version")).order_by("pk")
    last = 0
    while ids := list(changed.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        now = clock()
        hold(lease, now)
        _judge(shop, ids, _rules(shop, segments, now, context, vocabulary), reader, now, {})
        judged, last = judged + len(ids), ids[-1]
    if judged:
        _evaluated(shop, segments, clock())
    return judged


def judge_everybody(shop: Shop, cause: str | None, lease: Lease, clock: Callable[[], datetime]) -> int:
    """Judge all customers of the shop by all its rules as of now. Returns how many customers there are."""
    active = active_segments(shop, vocabulary_of(shop))
    everything = Scope(active, {segment.pk: cause for segment, _ in active}, complete=True, renew=True)
    return judge_whole(shop, everything, cause, lease, clock).customers


def judge_whole(shop: Shop, scope: Scope, cause: str | None, lease: Lease, clock: Callable[[], datetime]) -> WholeRun:
    """Judge all customers of the shop by the rules in scope as of one instant; records the run and an Evaluation for each segment.

    A shop of SEGSYNC_COLUMNAR_FROM customers or more is judged by columns, a smaller one customer by customer. Raises LeaseLost, and
    Replaced when a rule changed meanwhile (what was moved so far is right and stays).
    """
    as_of, vocabulary = clock(), vocabulary_of(shop)
    total = Customer.objects.filter(shop=shop, merged_into__isnull=True).count()
    replaceable = runs.replaced_in_a_row(shop) < runs.MAX_REPLACED
    run = runs.begin(shop, cause, [segment for segment, _ in scope.segments], total, as_of)
    progress = Progress(run, lease, clock, runs.rules_now(shop.pk), replaceable=replaceable)
    try:
        outcome = _everybody(shop, scope, total, as_of, vocabulary, progress)
        _count(shop, scope.segments)
        _evaluated(shop, scope.segments, clock())
        compared = selfcheck.compare(run, scope.segments, outcome.context, vocabulary, progress)
        _record(run, scope, outcome, clock())
    except BaseException as error:
        status, why = _ending(error)
        if not isinstance(error, LeaseLost):
            runs.end(run, status, clock(), problem=why)
        raise
    moved = outcome.moved
    runs.end(
        run,
        WholeRun.Status.DONE,
        clock(),
        entered=moved.entered.total(),
        left=moved.left.total(),
        rows_read=outcome.rows_read,
        checked=compared.checked,
        disagreements=compared.disagreements,
    )
    log.info(
        "shop.evaluated", shop__id=shop.pk, customers=total, segments=len(scope.segments), entered=moved.entered.total(), left=moved.left.total(), cause=cause
    )
    run.refresh_from_db()
    return run


def _ending(error: BaseException) -> tuple[str, str]:
    if isinstance(error, Replaced):
        return WholeRun.Status.REPLACED, "A rule was changed meanwhile."
    return WholeRun.Status.FAILED, f"It failed ({type(error).__name__}); the log says why."


def _everybody(shop: Shop, scope: Scope, total: int, as_of: datetime, vocabulary: Vocabulary, progress: Progress) -> Outcome:
    segments = scope.segments
    context = None if scope.renew else cuts.in_force(shop)
    if segments and total >= settings.SEGSYNC_COLUMNAR_FROM:
        rules = {segment.pk: Asked(checked.rule, segment.handle) for segment, checked in segments}
        versions = {segment.pk: segment.version_id or 0 for segment, _ in segments}
        return judge_by_columns(shop, rules, versions, as_of, scope.causes, progress, vocabulary, context, clear=scope.complete)
    if context is None:
        context = cuts.renew(shop, [rule.rule for _, rule in segments], as_of, lambda: progress("working out cuts"))
    moved, rows = _one_by_one(shop, segments, as_of, scope, context, vocabulary, progress, total)
    return Outcome(moved, frozenset(), context, rows)


def _record(run: WholeRun, scope: Scope, outcome: Outcome, now: datetime) -> None:
    """What each segment's evaluation came to; from now on nobody need be judged by these versions again."""
    sizes = dict(Segment.objects.filter(shop=run.shop).values_list("pk", "size"))
    taken = max(0, int((now - run.started_at).total_seconds() * 1000))
    with transaction.atomic():
        Evaluation.objects.bulk_create(
            [
                Evaluation(
                    shop=run.shop,
                    run=run,
                    segment=segment,
                    version_id=segment.version_id or 0,
                    as_of=run.as_of,
                    started_at=run.started_at,
                    finished_at=now,
                    customers=run.customers,
                    members=sizes.get(segment.pk, 0),
                    entered=outcome.moved.entered[segment.pk],
                    left=outcome.moved.left[segment.pk],
                    engine="columnar" if segment.pk in outcome.by_columns else "interpreter",
                    milliseconds=outcome.milliseconds.get(segment.pk, taken),
                    cuts=outcome.context.to_json(),
                )
                for segment, _ in scope.segments
            ]
        )
        for segment, _ in scope.segments:
            Segment.objects.filter(pk=segment.pk, version=segment.version_id).update(judged_version=segment.version_id)


def _one_by_one(
    shop: Shop,
    segments: Sequence[Active],
    as_of: datetime,
    scope: Scope,
    context: ShopContext,
    vocabulary: Vocabulary,
    progress: Progress,
    total: int,
) -> tuple[Moved, int]:
    """What moved, and how many rows were read."""
    rules = _rules(shop, segments, as_of, context, vocabulary)
    reader = _reader(shop, segments, vocabulary)
    moved = Moved()
    done = 0
    for ids in everybody(shop, BATCH):
        progress("judging", done, total)
        moved += _judge(shop, ids, rules, reader, as_of, scope.causes, clear=scope.complete, later=False)
        done += len(ids)
    return moved, reader.rows_read


def _judge(
    shop: Shop,
    ids: Sequence[int],
    rules: Rules,
    reader: FactsReader,
    now: datetime,
    causes: Mapping[int, str | None],
    *,
    clear: bool = True,
    later: bool = True,
) -> Moved:
    """One batch in one transaction. The shop's row is locked, so nothing is stored between reading facts and clearing marks.

    Without `clear`, marks stay: some other rule has yet to be judged. Without `later`, whoever changed after `now` is left, marked: what
    they did then moves them then, and is what moved them. With it they are done with, whatever the clocks of other machines say.
    `causes` as `apply` takes them.
    """
    with uncollected(), transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        people = {pk: row for pk, row in people_of(shop, ids).items() if later or row.changed_at <= now}
        living = [id_ for id_, row in people.items() if row.merged_into_id is None]
        facts = reader.read(living)
        verdicts: dict[int, set[int]] = {}
        for segment, handle, matches in rules.matches:
            verdicts[segment] = members = {id_ for id_ in living if matches(facts[id_])}
            if reader.reads_segments:
                _tell(facts, handle, members)
        why = reasons.from_facts(rules.told, facts, rules.moment, rules.context, rules.vocabulary)
        moved = apply(shop, people, verdicts, rules.versions, now, causes, why)
        if not clear:
            return moved
        seen = Customer.objects.filter(shop=shop, pk__in=list(people))
        seen.filter(facts_version__gt=F("judged_version")).update(judged_version=F("facts_version"))
    return moved


def _tell(facts: dict[int, CustomerFacts], handle: str, members: set[int]) -> None:
    """Let the rules that come after know who is in a segment by now."""
    for id_, person in facts.items():
        if (handle in person.segments) != (id_ in members):
            others = tuple(other for other in person.segments if other != handle)
            facts[id_] = replace(person, segments=(*others, handle) if id_ in members else others)


def _rules(shop: Shop, segments: Sequence[Active], now: datetime, context: ShopContext, vocabulary: Vocabulary) -> Rules:
    moment = Moment(now, shop.tz)
    terms = Terms(moment, exponent(shop.currency), context, vocabulary)
    return Rules(
        matches=[
            (segment.pk, segment.handle, interpret.compile_for(rule.rule, replace(terms, context=replace(context, rule_salt=segment.handle))))
            for segment, rule in segments
        ],
        versions={segment.pk: segment.version_id or 0 for segment, _ in segments},
        told={segment.pk: (rule.rule, segment.handle) for segment, rule in segments},
        moment=moment,
        context=context,
        vocabulary=vocabulary,
    )


def _reader(shop: Shop, segments: Sequence[Active], vocabulary: Vocabulary) -> FactsReader:
    needs: set[str] = set()
    activities: set[str] = set()
    for _, checked in segments:
        needs |= windows.needs(checked.rule, vocabulary)
        activities |= windows.activity_kinds(checked.rule, vocabulary)
    return FactsReader(shop, needs, activities)


def _evaluated(shop: Shop, segments: Sequence[Active], now: datetime) -> None:
    Segment.objects.filter(shop=shop, pk__in=[segment.pk for segment, _ in segments]).update(evaluated_at=now)


def _count(shop: Shop, segments: Sequence[Active]) -> None:
    """Count the members anew: sizes follow every move, and whatever else became of members shows here."""
    judged = [segment.pk for segment, _ in segments]
    stays = Membership.objects.filter(shop=shop, segment__in=judged, until__isnull=True)
    sizes = dict(stays.order_by().values_list("segment").annotate(members=Count("pk")))
    for pk in judged:
        Segment.objects.filter(pk=pk).update(size=sizes.get(pk, 0))


def ask_whole(shop: Shop, cause: str, now: datetime) -> None:
    """Ask for a whole evaluation of the shop by all its rules as soon as somebody is free."""
    Schedule.objects.filter(shop=shop).update(whole_wanted_at=now, whole_cause=cause or Cause.RULE)
