"""Marks that were told and of which nothing was heard, time and again: told in ever smaller batches, and in the end no more.

One mark may be what ends our process or what a platform chokes on. It must not take its neighbours with it for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Max

from integrations.models import Connection
from segsync.diff.models import LedgerEntry
from segsync.push import ledger
from segsync.push.models import Attempt

SMALLER = 16  # from the second time on, the batch of marks that were not heard of is so many times smaller than the last one
DEATHS = 5  # times a mark may end the process that tells it
SILENCES = 8  # times a platform may leave it unanswered though it answers others


def batches(connection: Connection, entries: Sequence[LedgerEntry], size: int, now: datetime) -> Iterator[Sequence[LedgerEntry]]:
    """`entries` as they are to be told, in batches of `size` or less; those given up are left out.

    A silence counts once its mark is told again. No outage gives anything up: of a mark told alone, silences count only if others
    were answered since.
    """
    plain = [entry for entry in entries if entry.sent_at is None]
    unheard = [entry for entry in entries if entry.sent_at is not None]
    by_times: dict[int, list[LedgerEntry]] = defaultdict(list)
    if unheard:
        answered_at = Attempt.objects.filter(connection=connection, done__gt=0).aggregate(last=Max("finished_at"))["last"]
        for entry in unheard:
            alone = _step(size, entry.attempts) == 1
            counts = not alone or _died(entry) or bool(answered_at and entry.sent_at and answered_at > entry.sent_at)
            by_times[entry.attempts + counts].append(entry)
    if first := plain + by_times.pop(1, []):
        _count(first, 1)
        yield first
    for times, some in sorted(by_times.items()):
        told = _without_hopeless(some, times, now)
        step = _step(size, times)
        for start in range(0, len(told), step):
            _count(told[start : start + step], times)
            yield told[start : start + step]


def _step(size: int, times: int) -> int:
    """How many that were not heard of `times` times are told at once."""
    return max(1, size // int(SMALLER ** max(0, times - 1)))


def _count(entries: Sequence[LedgerEntry], times: int) -> None:
    LedgerEntry.objects.filter(pk__in=[entry.pk for entry in entries if entry.sent_at is not None]).update(attempts=times)


def _without_hopeless(entries: Sequence[LedgerEntry], times: int, now: datetime) -> list[LedgerEntry]:
    left = []
    for entry in entries:
        if times < (DEATHS if _died(entry) else SILENCES):
            left.append(entry)
            continue
        words = "SegSync ended" if _died(entry) else "There was no answer"
        ledger.give_up([entry], now, f"{words} each of the {times} times that this was told. Have it looked into before it is tried again.")
    return left


def _died(entry: LedgerEntry) -> bool:
    """Whether nobody lived to write down what became of it: `ledger.begin` leaves no words, every answer does."""
    return entry.outcome == LedgerEntry.Outcome.UNKNOWN and not entry.detail
