"""Everybody of a large shop judged at once by columns; only those who move are looked at one by one.

Compare-and-set: somebody whose facts changed since the snapshot is left, still marked, to the incremental path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import structlog
from django.db import transaction
from django.db.models import F

from integrations.models import Shop
from segsync.evaluate.apply import Moved, apply, people_of
from segsync.evaluate.columnar import cuts, engine, files, snapshot
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.cuts import settings_of
from segsync.evaluate.models import Membership, Schedule, Snapshot
from segsync.evaluate.runs import Progress
from segsync.rules import tree, windows
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import Vocabulary
from segsync.store.models import Customer

log = structlog.get_logger(__name__)
BATCH = 2_000
PAGE = 20_000
Beat = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What moved, which segments were judged by columns, the cuts that all were judged by, the rows read, and the time that each segment took."""

    moved: Moved
    by_columns: frozenset[int]
    context: ShopContext
    rows_read: int = 0
    milliseconds: Mapping[int, int] = field(default_factory=dict)


def judge_by_columns(
    shop: Shop,
    rules: Mapping[int, Asked],
    versions: Mapping[int, int],
    now: datetime,
    causes: Mapping[int, str | None],
    progress: Progress,
    vocabulary: Vocabulary,
    context: ShopContext | None,
    *,
    clear: bool,
) -> Outcome:
    """Move everybody to where `rules` (by segment, each after those that it asks about) say they belong at `now`, by the cuts of `context`
    or, without it, by new ones, which are put in force.

    Then, with `clear`, the marks of people whose facts are still those of the snapshot are cleared. `progress` is called between batches,
    and may raise to stop. A snapshot that is replaced or damaged while it is read is written anew once; any other failure leaves it, and
    is raised.
    """
    moved = Moved()
    for attempt in (1, 2):
        current = snapshot.refresh(shop, now, lambda: progress("reading facts"))
        try:
            given = context or _renewed(shop, current, rules, now, vocabulary, progress)
            return _judge(shop, current, rules, versions, now, given, causes, progress, vocabulary, clear, moved)
        except duckdb.Error as error:
            # DuckDB says the same of damage and of much else, such as too little memory: the files themselves tell.
            if attempt == 2 or files.whole(files.folder(shop.pk), current.checks, anew=True):
                raise
            log.warning("snapshot.unreadable", shop__id=shop.pk, generation=current.generation, error=type(error).__name__)
            Snapshot.objects.filter(pk=current.pk, generation=current.generation).delete()
    raise AssertionError("two attempts end in an answer or an error")


def context_of(shop: Shop, current: Snapshot, rules: Sequence[tree.Rule], moment: Moment, vocabulary: Vocabulary) -> ShopContext:
    """The cuts that these rules take, of the people of the snapshot, put in force nowhere. Raises duckdb.Error for damaged files."""
    surveys = [windows.survey(rule, vocabulary) for rule in rules]
    ranks = frozenset(key for found in surveys for key in found.ranks)
    if not ranks and not any(found.cuts for found in surveys):
        return ShopContext(settings_of(shop), computed_at=moment.now)
    with engine.tables(shop, current, cuts.needed({key.name for key in ranks}, moment, vocabulary)) as connection:
        return cuts.compute(connection, moment, settings_of(shop), ranks, vocabulary)


def _renewed(shop: Shop, current: Snapshot, rules: Mapping[int, Asked], now: datetime, vocabulary: Vocabulary, progress: Progress) -> ShopContext:
    progress("working out cuts")
    context = context_of(shop, current, [asked.rule for asked in rules.values()], Moment(now, shop.tz), vocabulary)
    if context.ranks or any(windows.survey(asked.rule, vocabulary).cuts for asked in rules.values()):
        Schedule.objects.filter(shop=shop).update(cuts=context.to_json())
    return context


def _judge(
    shop: Shop,
    current: Snapshot,
    rules: Mapping[int, Asked],
    versions: Mapping[int, int],
    now: datetime,
    context: ShopContext,
    causes: Mapping[int, str | None],
    progress: Progress,
    vocabulary: Vocabulary,
    clear: bool,
    moved: Moved,
) -> Outcome:
    """Adds to `moved` as it goes: what a failed attempt moved is moved."""
    taken: dict[int, int] = {}

    def beat() -> None:
        progress("judging", len(taken), len(rules))

    with engine.opened(shop, current, rules, Moment(now, shop.tz), context, vocabulary) as run:
        for segment in rules:
            began = time.monotonic()
            for changes in _batches(difference(run.members(segment), _stays(shop, segment)), beat):
                moved += _apply(shop, run, segment, changes, versions, now, causes)
            run.tell(segment)
            taken[segment] = int((time.monotonic() - began) * 1000)
        if clear:
            _clear_marks(shop, run, beat)
        return Outcome(moved, frozenset(rules), context, run.rows, taken)


def difference(wanted: Iterable[int], actual: Iterable[int]) -> Iterator[tuple[int, bool]]:
    """Who must enter (True) or leave (False), of two runs of ids in rising order; neither is ever held whole."""
    left, right = iter(wanted), iter(actual)
    new, old = next(left, None), next(right, None)
    while new is not None or old is not None:
        if old is None or (new is not None and new < old):
            assert new is not None  # noqa: S101 (one of the two is left: the loop's condition)
            yield new, True
            new = next(left, None)
        elif new is None or old < new:
            yield old, False
            old = next(right, None)
        else:
            new, old = next(left, None), next(right, None)


def _stays(shop: Shop, segment: int) -> Iterator[int]:
    """Who is in the segment, in rising order. Read in pages, each beyond the last, so that moves made meanwhile do not matter."""
    last = 0
    stays = Membership.objects.filter(shop=shop, segment_id=segment, until__isnull=True).order_by("customer_id")
    while page := list(stays.filter(customer_id__gt=last).values_list("customer_id", flat=True)[:PAGE]):
        yield from page
        last = page[-1]


def _batches(changes: Iterator[tuple[int, bool]], beat: Beat) -> Iterator[dict[int, bool]]:
    batch: dict[int, bool] = {}
    beat()
    for id_, inside in changes:
        batch[id_] = inside
        if len(batch) >= BATCH:
            yield batch
            beat()
            batch = {}
    if batch:
        yield batch


def _apply(
    shop: Shop,
    run: engine.Run[int],
    segment: int,
    changes: Mapping[int, bool],
    versions: Mapping[int, int],
    now: datetime,
    causes: Mapping[int, str | None],
) -> Moved:
    judged = run.versions(list(changes))
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        people = {pk: row for pk, row in people_of(shop, list(changes)).items() if judged.get(pk) == row.facts_version}
        return apply(shop, people, {segment: {id_ for id_ in people if changes[id_]}}, versions, now, causes)


def _clear_marks(shop: Shop, run: engine.Run[int], beat: Beat) -> None:
    marked = Customer.objects.filter(shop=shop, facts_version__gt=F("judged_version")).order_by("pk")
    last = 0
    while ids := list(marked.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        beat()
        _clear(shop, run.versions(ids), ids)
        last = ids[-1]


def _clear(shop: Shop, judged: Mapping[int, int], ids: Sequence[int]) -> None:
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        newest = dict(Customer.objects.filter(shop=shop, pk__in=ids).values_list("pk", "facts_version"))
        same = [id_ for id_, version in newest.items() if judged.get(id_) == version]
        Customer.objects.filter(shop=shop, pk__in=same).update(judged_version=F("facts_version"))
