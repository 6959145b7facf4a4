"""How many changed customers one process judges in a second: facts read, all rules judged, memberships moved, marks cleared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction

from integrations.models import Shop
from segsync.bench.generate import NOW
from segsync.bench.stored import add_order, scratch_database, segments, shop_of
from segsync.evaluate import judge
from segsync.evaluate.facts import FactsReader
from segsync.evaluate.models import Membership, Schedule
from segsync.leases import Lease, claim
from segsync.store.models import Customer
from segsync.store.upsert import mark_changed
from segsync.uncollected import uncollected


@dataclass(frozen=True, slots=True)
class Measured:
    """What was judged in the fastest round, in what time by the clock and by this process's processor.

    `reading_share` is what reading the same facts alone takes of the processor's time.
    """

    database: str
    customers: int
    rules: int
    changed: int
    moved: int
    seconds: float
    per_second: float
    processor_seconds: float
    reading_share: float

    def told(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


def measure(customers: int, changed: int, rules: int, repeat: int) -> Measured:
    """In each of `repeat` rounds `changed` customers get an order, and are judged by `rules` rules."""
    with scratch_database() as database:
        shop = shop_of(customers, orders_each=5, activities_each=10, rules=rules)
        lease = claim(Schedule, shop.schedule.pk, now=NOW, ttl=timedelta(hours=6))
        if lease is None:
            raise RuntimeError("a new shop's schedule is held by nobody")
        judge.judge_everybody(shop, "import", lease, lambda: NOW)
        everybody = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
        rounds = []
        for number in range(1, repeat + 1):
            people = everybody[number % 7 :: max(1, len(everybody) // changed)][:changed]
            rounds.append(_round(shop, people, number, lease))
        fastest, processor, moved = min(rounds)
        reading = _reading(shop, people)
        return Measured(
            database=database,
            customers=customers,
            rules=segments(shop),
            changed=len(people),
            moved=moved,
            seconds=round(fastest, 3),
            per_second=round(len(people) / fastest, 1),
            processor_seconds=round(processor, 3),
            reading_share=round(reading / processor, 3),
        )


def _round(shop: Shop, people: list[int], number: int, lease: Lease) -> tuple[float, float, int]:
    now = NOW + timedelta(minutes=10 * number)
    with transaction.atomic():
        add_order(shop, people, number, now)
        mark_changed(shop.pk, people, "order", now)
    before = Membership.objects.count()
    seconds, processor = _timed(lambda: judge.judge_changed(shop, lease, _at(now)))
    left = Membership.objects.filter(until=now).count()
    return seconds, processor, Membership.objects.count() - before + left


def _reading(shop: Shop, people: list[int]) -> float:
    """Seconds of the processor that reading these people's facts takes by itself."""

    def read() -> None:
        reader = FactsReader(shop, {"profile", "orders", "lines", "refunds", "checkouts", "activities"})
        for start in range(0, len(people), judge.BATCH):
            with uncollected():
                reader.read(people[start : start + judge.BATCH])

    return _timed(read)[1]


def _at(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and by the processor in this process."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used
