"""What it would take to tell the platforms of people entering and leaving a segment. Tells nobody and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from integrations import registry
from integrations.base import Cost, MarkKind, Ownership
from integrations.models import Connection, Shop
from segsync.diff.models import LedgerEntry, Target, WritebackSettings
from segsync.diff.targets import free_name, place_name
from segsync.push.push import ASK_UP_TO
from segsync.rules.models import Segment
from segsync.store.models import Identity, Profile

CHUNK = 5_000
COUNTED = 20_000  # people of each direction who are looked at; for more, the figures are scaled up


@dataclass(frozen=True, slots=True)
class Telling:
    """What one place would be told. `target` is None where it is yet to be made; `about`: scaled up from a part of the people."""

    vendor: str
    kind: MarkKind
    name: str
    target: Target | None
    adds: int
    removes: int
    creates: int
    cost: Cost
    about: bool

    @property
    def paused(self) -> bool:
        """Whether nothing is told there before somebody turns it on: paused, in a dry run, or left."""
        return self.target is not None and self.target.state != Target.State.ON


def estimate(shop: Shop, segment: Segment, entering: Sequence[int], leaving: Sequence[int]) -> list[Telling]:
    """What each connected platform that keeps marks would be told if these customers entered and left. `segment` may be unsaved.

    Marks that another segment holds in the same place are counted too, so the figures are the most that it can be.
    """
    settings = WritebackSettings.objects.filter(shop=shop).first() or WritebackSettings(shop=shop)
    connections = Connection.objects.filter(shop=shop, status=Connection.Status.CONNECTED).order_by("vendor")
    return [_telling(connection, kind, target, segment, settings, entering, leaving) for connection, kind, target in _places(connections, segment)]


def _places(connections: QuerySet[Connection], segment: Segment) -> Iterator[tuple[Connection, MarkKind, Target | None]]:
    """Each place the segment is written to, and the one that would be made at connections where there is none."""
    for connection in connections:
        targets = list(Target.objects.filter(connection=connection, segments=segment).order_by("pk")) if segment.pk else []
        yield from ((connection, MarkKind(target.kind), target) for target in targets)
        kind = registry.connector(connection.vendor).mark
        if kind is not None and not targets:
            yield connection, kind, None


def _telling(
    connection: Connection,
    kind: MarkKind,
    target: Target | None,
    segment: Segment,
    settings: WritebackSettings,
    entering: Sequence[int],
    leaving: Sequence[int],
) -> Telling:
    served, unserved = _records(connection, entering[:COUNTED])
    may_create = registry.connector(connection.vendor).creates and settings.create_contacts
    creates = _with_address(connection.shop, unserved) if may_create else 0
    removes = _marked(target, leaving[:COUNTED]) if target else 0
    created = _scaled(creates, entering)
    adds, taken = _scaled(served, entering) + created, _scaled(removes, leaving)
    destination = registry.destination(connection, registry.DestinationSettings(folder=settings.list_folder))
    looks = adds if destination.ownership(kind) is Ownership.LOOKED and adds <= ASK_UP_TO else 0
    return Telling(
        vendor=connection.vendor,
        kind=kind,
        name=target.name if target else free_name(connection, kind, place_name(kind, segment, settings)),
        target=target,
        adds=adds,
        removes=taken,
        creates=created,
        cost=destination.cost(adds, taken, looks=looks, creates=created, kind=kind),
        about=max(len(entering), len(leaving)) > COUNTED,
    )


def _scaled(number: int, people: Sequence[int]) -> int:
    return number if len(people) <= COUNTED else round(number * len(people) / COUNTED)


def _records(connection: Connection, people: Sequence[int]) -> tuple[int, list[int]]:
    """How many records these people have over there, and who never had one."""
    found = 0
    without: list[int] = []
    for some in _chunks(people):
        known = Profile.objects.filter(customer__shop=connection.shop, customer_id__in=some, source=connection.vendor)
        owners = list(known.values_list("customer_id", "gone_at"))
        found += sum(gone is None for _, gone in owners)
        without += sorted(set(some) - {owner for owner, _ in owners})
    return found, without


def _with_address(shop: Shop, people: Sequence[int]) -> int:
    named = (Identity.objects.filter(customer__shop=shop, customer_id__in=some, kind=Identity.EMAIL) for some in _chunks(people))
    return sum(some.values("customer_id").distinct().count() for some in named)


def _marked(target: Target, people: Sequence[int]) -> int:
    """How many marks of ours these people have there."""
    marks = LedgerEntry.objects.filter(target=target, wanted=True, owned_since__isnull=False)
    return sum(marks.filter(profile__customer_id__in=some).count() for some in _chunks(people))


def _chunks(people: Sequence[int]) -> Iterator[list[int]]:
    return (list(people[start : start + CHUNK]) for start in range(0, len(people), CHUNK))
