"""Everybody of a large shop judged and moved: snapshot brought up to date, rules run by columns, differences written to the database.

The facts lie in the snapshot alone, so nobody is judged a second time by the interpreter here.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from integrations.models import Shop
from segsync.bench import generate
from segsync.bench.stored import count_again, scratch_database
from segsync.bench.workload import workload
from segsync.evaluate import judge
from segsync.evaluate.columnar import files, layout
from segsync.evaluate.due import make_schedule
from segsync.evaluate.models import Cause, Schedule, Snapshot, WholeRun
from segsync.evaluate.scope import scope
from segsync.evaluate.standing import active_segments
from segsync.leases import Lease, claim
from segsync.rules.context import ShopContext
from segsync.rules.edit import create_segment
from segsync.rules.vocabulary import NO_VOCABULARY
from segsync.store.models import Customer

PAGE = 20_000
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of the first evaluation, which writes every member, and of the next midnight, which writes who moved. Memory in bytes, of
    this process at its peak."""

    database: str
    customers: int
    orders: int
    activities: int
    rules: int
    first_seconds: float
    first_moves: int
    midnight_seconds: float
    midnight_rules: int
    midnight_moves: int
    peak_memory: int

    def told(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


def measure(parent: Path, customers: int, orders: int, activities: int, rules: int, memory_limit: str) -> Measured:
    """A made-up shop judged whole twice: for the first time, and a day later."""
    base = generate.shop(parent, customers, orders, activities, memory_limit)
    with scratch_database() as database, _var(parent), _shop(base, customers, rules) as (shop, lease):
        first_seconds = _timed(lambda: judge.judge_everybody(shop, Cause.IMPORT, lease, lambda: generate.NOW))
        first = WholeRun.objects.latest("pk")
        count_again()
        later = generate.NOW + DAY
        midnight_seconds = _timed(lambda: _midnight(shop, lease, later))
        second = WholeRun.objects.latest("pk")
        return Measured(
            database=database,
            customers=customers,
            orders=orders,
            activities=activities,
            rules=first.segments,
            first_seconds=round(first_seconds, 2),
            first_moves=first.entered + first.left,
            midnight_seconds=round(midnight_seconds, 2),
            midnight_rules=second.segments,
            midnight_moves=second.entered + second.left,
            peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )


def _midnight(shop: Shop, lease: Lease, now: datetime) -> None:
    active = active_segments(shop, NO_VOCABULARY)
    due = scope(active, wanted=None, midnight=True, crowded=False, new=(), cuts=ShopContext(), vocabulary=NO_VOCABULARY, day_began=now)
    judge.judge_whole(shop, due, Cause.TIME, lease, lambda: now)


@contextmanager
def _var(parent: Path) -> Iterator[None]:
    """Snapshots go to a folder of their own, which goes again; samples are not judged again."""
    kept = settings.VAR_DIR, settings.SEGSYNC_SELF_CHECK, settings.SEGSYNC_COLUMNAR_FROM
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        settings.VAR_DIR, settings.SEGSYNC_SELF_CHECK, settings.SEGSYNC_COLUMNAR_FROM = Path(folder), 0, 0
        try:
            yield
        finally:
            settings.VAR_DIR, settings.SEGSYNC_SELF_CHECK, settings.SEGSYNC_COLUMNAR_FROM = kept


@contextmanager
def _shop(base: Path, customers: int, rules: int) -> Iterator[tuple[Shop, Lease]]:
    shop = Shop.objects.create(domain="bench.myshopify.com", timezone=generate.TZ.key, currency="EUR", name="Bench")
    make_schedule(shop, generate.NOW)
    for place, question in enumerate(workload(rules), start=1):
        create_segment(shop, handle=f"rule-{place}", name=f"Rule {place}", description="", rule=question.rule, author=None, now=generate.NOW)
    earlier = generate.NOW - DAY
    for first in range(1, customers + 1, PAGE):
        ids = range(first, min(first + PAGE, customers + 1))
        Customer.objects.bulk_create([Customer(pk=id_, shop=shop, changed_at=earlier, created_at=earlier, judged_version=1) for id_ in ids])
    folder = files.folder(shop.pk)
    shutil.copytree(base, folder / base.name)
    Snapshot.objects.create(
        shop=shop,
        generation=1,
        layout=layout.VERSION,
        timezone=shop.timezone,
        base=base.name,
        checks=files.checks(folder, (base.name,), {}),
        base_customers=customers,
        next_goods=generate.GOODS,
        next_topics=generate.CAMPAIGNS * len(generate.KINDS),
        as_of=generate.NOW,
    )
    count_again()
    lease = claim(Schedule, shop.schedule.pk, now=generate.NOW, ttl=timedelta(days=3))
    if lease is None:
        raise RuntimeError("a new shop's schedule is held by nobody")
    yield shop, lease


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
