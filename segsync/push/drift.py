"""What a platform holds compared with the ledger, a batch of people at a time, and the ledger put right so that the next push does the rest.

Nothing is told from here. Every repair is a compare-and-set: a mark that was told, or is wanted otherwise, since it was read stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import connection as database
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Collate, Length

from integrations.base import Destination, Holder, in_order
from segsync.diff.models import LedgerEntry, Target, WhenRemoved
from segsync.push.ledger import gone as close_gone
from segsync.push.models import Audit, Finding
from segsync.push.places import place_of
from segsync.store.models import Profile

BATCH = 500  # people compared in one go
Item = TypeVar("Item")
Key = tuple[int, str]
Kind, Done, Told = Finding.Kind, Finding.Done, LedgerEntry.Outcome


@dataclass(slots=True)
class Compared:
    """What became of one batch: how many of each kind, and everything that is not as it should be.

    `repairs` put the ledger right and say how many marks they changed, `notes` write down what is no fault; both belong into the
    transaction that keeps the counts. `upto` is the last person compared, None after everybody.
    """

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    repairs: list[Callable[[datetime], int]] = field(default_factory=list)
    notes: list[Callable[[], int]] = field(default_factory=list)
    upto: Key | None = None


class Comparison:
    """One place compared for one audit. `policy` is what happens to marks that somebody else took away."""

    def __init__(self, audit: Audit, target: Target, destination: Destination, policy: str, clock: Callable[[], datetime]) -> None:
        self.audit, self.target, self.destination, self.policy, self.clock = audit, target, destination, policy, clock

    def compare(self, people: Sequence[Holder], after: Key, upto: Key | None, read_at: datetime) -> Compared:
        """The next people after `after` and up to `upto` (None: all the rest), of whom `people` have the mark as read at `read_at`.

        At most BATCH of those who should have it are compared at once: `Compared.upto` says how far it got.
        """
        expected = list(self._expected(after, upto)[:BATCH])
        end = in_order(expected[-1].profile.external_id) if len(expected) == BATCH else upto
        found = Compared(upto=end)
        there = {one.member: one for one in people if in_order(one.member) > after and (end is None or in_order(one.member) <= end)}
        self._there(there, read_at, found)
        self._absent([entry for entry in expected if entry.profile.external_id not in there], found)
        return found

    def crowded(self, entries: Sequence[LedgerEntry]) -> Compared:
        """Marks that were refused: whoever has as many as the platform allows, and who has room again."""
        found = Compared()
        marks = self.destination.marks([entry.profile.external_id for entry in entries])
        most, room = self.destination.most_marks or 0, []
        for entry in entries:
            held = marks.get(entry.profile.external_id)
            if held is not None and len(held) >= most:
                self._tell(found, Kind.LIMIT, entry, detail=f"The record has {len(held)} marks; the platform allows {most}.")
            elif held is not None and str(most) in entry.detail:
                room.append(entry)
        if room and self.audit.repairs:
            pks = [entry.pk for entry in room]
            found.repairs.append(lambda now: _parked(pks).update(parked_at=None, attempts=0, next_attempt_at=now))
        return found

    def _expected(self, after: Key, upto: Key | None) -> QuerySet[LedgerEntry]:
        """The marks that should be there by the ledger, or were there once and are left so, in the order in which people are told."""
        exact = Collate(F("profile__external_id"), "C" if database.vendor == "postgresql" else "BINARY")
        rows = LedgerEntry.objects.filter(
            target=self.target, wanted=True, acked_generation=F("generation"), sent_at__isnull=True, profile__gone_at__isnull=True
        )
        rows = rows.filter(Q(present=True) | Q(outcome=Told.RESPECTED)).filter(profile__gone_at__isnull=True)
        rows = rows.exclude(profile__external_id__startswith=Profile.PENDING)
        rows = rows.annotate(size=Length("profile__external_id"), member=exact).filter(Q(size__gt=after[0]) | Q(size=after[0], member__gt=after[1]))
        if upto is not None:
            rows = rows.filter(Q(size__lt=upto[0]) | Q(size=upto[0], member__lte=upto[1]))
        return rows.select_related("profile").order_by("size", "member")

    def _there(self, there: Mapping[str, Holder], read_at: datetime, found: Compared) -> None:
        """Those who have the mark: ours and wanted, ours and not wanted, or somebody else's."""
        profiles: dict[str, Profile] = {}
        for some in _chunks(list(there)):
            known = Profile.objects.filter(shop=self.target.shop_id, source=self.audit.connection.vendor, external_id__in=some)
            profiles |= {profile.external_id: profile for profile in known}
        entries = {entry.profile_id: entry for some in _chunks([one.pk for one in profiles.values()]) for entry in self._entries(some)}
        lost: list[LedgerEntry] = []
        theirs: list[LedgerEntry] = []
        for member, holder in there.items():
            profile = profiles.get(member)
            entry = entries.get(profile.pk) if profile else None
            if entry is None:
                self._tell(found, Kind.FOREIGN, None, profile=profile, member=member)
            elif self._fresh(entry, read_at):
                found.counts["waiting"] += 1
            elif not entry.owned_since:
                self._tell(found, Kind.FOREIGN, entry)
                if not entry.present and entry.acked_generation == entry.generation:
                    theirs.append(entry)
            elif entry.wanted:
                found.counts["right"] += 1
                if holder.spelled and holder.spelled != self.target.name:
                    self._tell(found, Kind.RENAMED, entry, detail=f"It is spelled {holder.spelled} there.")
            elif entry.parked_at is None and entry.generation > entry.acked_generation:
                found.counts["waiting"] += 1
            else:
                lost.append(entry)
                self._tell(found, Kind.EXTRA, entry, Done.TAKEN_AWAY, entry.detail)
        if self.audit.repairs:
            parked, settled = [one.pk for one in lost if one.parked_at], [one.pk for one in lost if not one.parked_at]
            found.repairs.append(lambda now: _parked(parked).update(parked_at=None, attempts=0, next_attempt_at=now))
            found.repairs.append(lambda now: _settled(settled, read_at).update(generation=F("generation") + 1, present=True, attempts=0, next_attempt_at=now))
            put = [one.pk for one in theirs]
            found.notes.append(lambda: _settled(put, read_at).update(present=True, outcome=Told.ALREADY, detail="Put there by somebody else."))

    def _absent(self, entries: Sequence[LedgerEntry], found: Compared) -> None:
        """Those who were not told: asked for one by one, since an index may lag, before anything is believed."""
        if not entries:
            return
        read_at = self.clock()
        marks = self.destination.read(place_of(self.target), [entry.profile.external_id for entry in entries])
        taken: list[LedgerEntry] = []
        gone: list[LedgerEntry] = []
        for entry in entries:
            present = marks.get(entry.profile.external_id)
            if self._fresh(entry, read_at):
                found.counts["waiting"] += 1
            elif present is None:
                gone.append(entry)
                self._tell(found, Kind.GONE, entry, Done.CLOSED)
            elif present:
                found.counts["right" if entry.owned_since else "foreign"] += 1
            elif entry.outcome == Told.RESPECTED and self.policy == WhenRemoved.RESPECT:
                found.counts["respected"] += 1
            else:
                taken.append(entry)
                self._tell(found, Kind.MISSING, entry, Done.PUT_BACK if self.policy == WhenRemoved.PUT_BACK else Done.RESPECTED)
        if self.audit.repairs:
            pks = [entry.pk for entry in taken]
            found.repairs.append(lambda now: self._repair_taken(pks, read_at, now))
            found.repairs.append(lambda now: _close(gone, read_at, now))

    def _repair_taken(self, pks: Sequence[int], read_at: datetime, now: datetime) -> int:
        """Put back: wanted anew, so the next push adds it. Respected: acknowledged as it is, so nobody tells it until it is wanted anew."""
        rows = _settled(pks, read_at)
        if self.policy == WhenRemoved.RESPECT:
            return rows.update(present=False, owned_since=None, outcome=Told.RESPECTED, detail="Taken away by somebody else.", attempts=0, acked_at=now)
        return rows.update(
            present=False,
            owned_since=None,
            generation=F("generation") + 1,
            wanted_at=now,
            next_attempt_at=now,
            attempts=0,
            outcome=Told.NONE,
            detail="Taken away by somebody else: it is put back.",
        )

    def _entries(self, profiles: Sequence[int]) -> QuerySet[LedgerEntry]:
        return LedgerEntry.objects.filter(target=self.target, profile_id__in=profiles).select_related("profile")

    def _fresh(self, entry: LedgerEntry, read_at: datetime) -> bool:
        """Whether the mark may have changed while it was read: a call that may still land, or one acknowledged so lately."""
        if entry.sent_at is not None or entry.profile.gone_at is not None:
            return True
        if entry.wanted and entry.generation > entry.acked_generation and entry.parked_at is None:
            return True
        return entry.acked_at is not None and entry.acked_at > read_at - self.destination.settle

    def _tell(
        self,
        found: Compared,
        kind: str,
        entry: LedgerEntry | None,
        done: str = Done.NOTHING,
        detail: str = "",
        *,
        profile: Profile | None = None,
        member: str = "",
    ) -> None:
        known = entry.profile if entry else profile
        found.counts[kind] += 1
        found.findings.append(
            Finding(
                shop_id=self.target.shop_id,
                audit=self.audit,
                target=self.target,
                profile=known,
                external_id=known.external_id if known else member,
                kind=kind,
                done=done if self.audit.repairs else Done.NOTHING,
                detail=detail[:300],
                found_at=self.clock(),
            )
        )


def parked_marks(target: Target, after: int) -> list[LedgerEntry]:
    """The next wanted marks of a target that were refused for good, by their numbers."""
    rows = LedgerEntry.objects.filter(target=target, wanted=True, parked_at__isnull=False, generation__gt=F("acked_generation"), pk__gt=after)
    return list(rows.exclude(profile__external_id__startswith=Profile.PENDING).select_related("profile").order_by("pk")[:BATCH])


def _settled(pks: Sequence[int], read_at: datetime) -> QuerySet[LedgerEntry]:
    """Those of these marks that nobody told or wanted otherwise since they were read."""
    rows = LedgerEntry.objects.filter(pk__in=pks, acked_generation=F("generation"), sent_at__isnull=True)
    return rows.filter(Q(acked_at__isnull=True) | Q(acked_at__lte=read_at))


def _parked(pks: Sequence[int]) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(pk__in=pks, parked_at__isnull=False)


def _close(entries: Sequence[LedgerEntry], read_at: datetime, now: datetime) -> int:
    there = set(_settled([entry.pk for entry in entries], read_at).values_list("pk", flat=True))
    close_gone([entry for entry in entries if entry.pk in there], now)
    return len(there)


def _chunks(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
