"""Writing down what a platform said about each mark: per item, and only for the generation that was told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from integrations.base import Outcome, Result
from segsync.diff.models import Hold, LedgerEntry, Target
from segsync.diff.route import close
from segsync.store.models import Profile

log = structlog.get_logger(__name__)
Told = LedgerEntry.Outcome
MAX_ATTEMPTS = 100  # about a day with the waits between them: no outage of a platform parks anything


WRITTEN = (Target.State.ON, Target.State.LEAVING)  # the states in which a target is told things
READ_BACK = "Read back."  # the detail of what has been seen to be so


def to_tell() -> QuerySet[LedgerEntry]:
    """Marks to tell as soon as their time comes: of targets that are ready and written to, of shops that are not stopped.

    What is to be taken away from a target that waits for a person's decision is not among them, save what was approved before; nor is
    what is parked.
    """
    approved = Hold.objects.filter(target=OuterRef("target"), decision=Hold.Decision.APPROVED, decided_at__gte=OuterRef("wanted_at"))
    return LedgerEntry.objects.filter(
        Q(wanted=True) | Q(target__held_at__isnull=True) | Exists(approved),
        generation__gt=F("acked_generation"),
        parked_at__isnull=True,
        target__ready_at__isnull=False,
        target__state__in=WRITTEN,
        shop__writeback__stopped_at__isnull=True,
    )


def due_entries(connection_id: int, now: datetime, limit: int) -> list[LedgerEntry]:
    """The marks to tell now (`to_tell`), longest waiting first."""
    rows = to_tell().filter(connection_id=connection_id, next_attempt_at__lte=now)
    return list(rows.select_related("target", "profile").order_by("next_attempt_at", "pk")[:limit])


def begin(entries: Sequence[LedgerEntry], now: datetime, settle: timedelta, claim: Iterable[LedgerEntry]) -> None:
    """Write down, before the call, that these are being told. `claim` are marks known to be absent: if they are there later, we put them.

    Should this process die, the rows come up again once the call can no longer be in flight, and are read back.
    """
    with transaction.atomic():
        Target.objects.filter(pk__in={entry.target_id for entry in entries}, synced_at__isnull=True).update(synced_at=now)
        _rows(entries).update(sent_at=now, next_attempt_at=now + settle, outcome=Told.UNKNOWN, detail="")  # no words: see `unheard`
        _rows(claim).filter(owned_since__isnull=True).update(owned_since=now)


def acknowledge(entries: Iterable[LedgerEntry], *, present: bool, owned: bool | None, outcome: str, now: datetime, detail: str = "") -> None:
    """The platform says so: this generation is settled; a newer one stays to be told.

    `owned` True: we put the mark there (an older claim keeps its date); False: it is not ours; None: as it was.
    """
    for generation, some in _by_generation(entries).items():
        rows = _rows(some)
        rows.update(
            present=present, acked_generation=generation, acked_at=now, sent_at=None, attempts=0, outcome=outcome, detail=detail[:300], next_attempt_at=now
        )
        if owned:
            rows.filter(owned_since__isnull=True).update(owned_since=now)
        elif owned is False:
            rows.update(owned_since=None)


def found(entries: Iterable[LedgerEntry], *, present: bool) -> None:
    """Read back and otherwise than wanted: what was sent is over, and this is how it stands."""
    _rows(entries).update(sent_at=None, present=present)


def again(entries: Iterable[LedgerEntry], now: datetime, detail: str) -> None:
    """Surely not carried out: try again after a while that grows; after a day of tries a person must look."""
    groups: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.attempts + 1].append(entry)
    for attempts, some in groups.items():
        if attempts >= MAX_ATTEMPTS:
            park(some, now, detail or "Gave up after many tries.")
            continue
        _disclaim(some)
        later = now + timedelta(seconds=min(2 ** min(attempts, 10), 900))
        _rows(some).update(sent_at=None, next_attempt_at=later, attempts=F("attempts") + 1, outcome=Told.RETRY, detail=detail[:300])


def park(entries: Iterable[LedgerEntry], now: datetime, detail: str) -> None:
    """Refused for good: a person must look. A mark that is wanted otherwise by now is told that instead."""
    _disclaim(entries := list(entries))
    _rows(entries).update(sent_at=None, next_attempt_at=now, outcome=Told.REJECTED, detail=detail[:300])
    for generation, some in _by_generation(entries).items():
        _rows(some).filter(generation=generation).update(parked_at=now)


def give_up(entries: Sequence[LedgerEntry], now: datetime, detail: str) -> None:
    """Told again and again without being heard of: a person must look. It may be there: should it be tried again, it is read back first."""
    _rows(entries).update(next_attempt_at=now, detail=detail[:300])
    for generation, some in _by_generation(entries).items():
        _rows(some).filter(generation=generation).update(parked_at=now)
    log.error("mark.given_up", marks=len(entries), shop__id=entries[0].shop_id)


def unknown(entries: Sequence[LedgerEntry], now: datetime, settle: timedelta, detail: str) -> None:
    """May have been carried out since `begin`: read back before it counts, once the call can no longer be in flight."""
    _rows(entries).update(next_attempt_at=now + settle, outcome=Told.UNKNOWN, detail=detail[:300])


def later(entries: Iterable[LedgerEntry], when: datetime) -> None:
    """What was sent may still be going on: these are not looked at before `when`."""
    _rows(entries).update(next_attempt_at=when)


def unsent(entries: Sequence[LedgerEntry], when: datetime, detail: str) -> None:
    """Not carried out, through no fault of these marks: they come up again at `when`, and this is no failed try of theirs."""
    _disclaim(entries)
    _rows(entries).update(sent_at=None, next_attempt_at=when, outcome=Told.RETRY, detail=detail[:300])


def gone(entries: Sequence[LedgerEntry], now: datetime) -> None:
    """These people are no longer there: nothing is left to tell about any of their marks."""
    people = [entry.profile_id for entry in entries]
    Profile.objects.filter(pk__in=people, gone_at__isnull=True).update(gone_at=now)
    close(people, now)


def record(entries: Sequence[LedgerEntry], outcomes: Iterable[Outcome], now: datetime, settle: timedelta) -> dict[Result, int]:
    """Write down each item's own outcome, in one transaction; an item the platform said nothing of is unknown. Returns counts.

    Of a place that is being left, also what the platform calls done is read back.
    """
    by_key = {entry.pk: entry for entry in entries}
    groups: dict[tuple[Result, bool, str], list[LedgerEntry]] = defaultdict(list)
    doubted: list[LedgerEntry] = []
    counts: dict[Result, int] = defaultdict(int)
    for outcome in outcomes:
        entry = by_key.pop(outcome.key, None)
        if entry is not None and _leaves(entry) and outcome.result in (Result.DONE, Result.ALREADY):
            counts[outcome.result] += 1
            doubted.append(entry)
        elif entry is not None:
            groups[outcome.result, entry.wanted, outcome.detail].append(entry)
    for entry in by_key.values():
        groups[Result.UNKNOWN, entry.wanted, "The platform's answer did not mention it."].append(entry)
    with transaction.atomic():
        unknown(doubted, now, settle, "Taken away; read back before it counts.")
        for (result, add, detail), some in groups.items():
            counts[result] += len(some)
            match result:
                case Result.DONE:
                    acknowledge(some, present=add, owned=add, outcome=Told.DONE, now=now)
                case Result.ALREADY:
                    acknowledge(some, present=add, owned=None if add else False, outcome=Told.ALREADY, now=now)
                case Result.GONE:
                    gone(some, now)
                case Result.REJECTED:
                    park(some, now, detail)
                case Result.RETRY:
                    again(some, now, detail)
                case Result.UNSENT:
                    unsent(some, now, detail)
                case Result.UNKNOWN:
                    unknown(some, now, settle, detail)
    return counts


def _leaves(entry: LedgerEntry) -> bool:
    """Whether the place is being left: nothing counts as taken away there before it has been read back."""
    return not entry.wanted and entry.target.state == Target.State.LEAVING


def _disclaim(entries: Iterable[LedgerEntry]) -> None:
    """These were not put there after all: should one turn up, it is not ours. What was to be taken away stays ours until it is gone."""
    _rows(entry for entry in entries if entry.wanted).exclude(present=True).update(owned_since=None)


def _rows(entries: Iterable[LedgerEntry]) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(pk__in=[entry.pk for entry in entries])


def _by_generation(entries: Iterable[LedgerEntry]) -> dict[int, list[LedgerEntry]]:
    groups: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.generation].append(entry)
    return groups
