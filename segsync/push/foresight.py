"""What a target would be told if it were turned on or left now: whom, how many calls, how long. Tells nobody and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from integrations import registry
from integrations.base import Cost, Destination, MarkKind, Ownership
from integrations.models import Shop
from segsync.diff.guard import OURS, UNTOLD
from segsync.diff.models import LedgerEntry, Target
from segsync.push.push import ASK_UP_TO
from segsync.store.models import Identity, Profile

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Foresight:
    """What one target would be told. `creates` of the adds are people who have no record there yet; `left_alone` are marks of others that stay."""

    adds: int
    removes: int
    creates: int
    left_alone: int
    cost: Cost


def to_turn_on(target: Target) -> Foresight:
    """What is left to tell, were the target on; marks that others have set in a list are found out only when it is told."""
    untold = _untold(target)
    adds, removes = adding(target).count(), taking(target).count()
    creates = untold.filter(wanted=True, profile__external_id__startswith=Profile.PENDING).count()
    return _with_cost(target, adds, removes, creates)


def to_leave(target: Target) -> Foresight:
    """What leaving the place would take away."""
    return _with_cost(target, 0, LedgerEntry.objects.filter(OURS, target=target).count(), 0)


def everywhere(shop: Shop) -> list[tuple[Target, Foresight]]:
    """What leaving each place of the shop would take away, in a fixed number of queries."""
    ours = Q(entries__owned_since__isnull=False) | Q(entries__sent_at__isnull=False)
    counted = Target.objects.filter(shop=shop).annotate(ours=Count("entries", filter=ours), others=Count("entries", filter=~ours & Q(entries__present=True)))
    destinations: dict[int, Destination] = {}
    found: list[tuple[Target, Foresight]] = []
    for target in counted.select_related("connection", "shop"):
        if target.connection_id not in destinations:
            destinations[target.connection_id] = _destination(target)
        destination = destinations[target.connection_id]
        found.append((target, Foresight(0, target.ours, 0, target.others, destination.cost(0, target.ours, kind=MarkKind(target.kind)))))
    return found


def adding(target: Target) -> QuerySet[LedgerEntry]:
    """The marks that would be set."""
    return _untold(target).filter(wanted=True).exclude(present=True)


def taking(target: Target) -> QuerySet[LedgerEntry]:
    """The marks of ours that would be taken away."""
    return _untold(target).filter(OURS, wanted=False)


def names(marks: QuerySet[LedgerEntry], limit: int = EXAMPLES) -> list[tuple[LedgerEntry, str]]:
    """Some of these marks with what their people go by: an e-mail address, else the record's number there."""
    found = list(marks.select_related("profile", "target").order_by("pk")[:limit])
    owners = [entry.profile.customer_id for entry in found]
    addresses = dict(Identity.objects.filter(kind=Identity.EMAIL, customer__in=owners).order_by("-pk").values_list("customer_id", "value"))
    return [(entry, addresses.get(entry.profile.customer_id, f"record {entry.profile.external_id}")) for entry in found]


def _untold(target: Target) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(UNTOLD, target=target, parked_at__isnull=True)


def _destination(target: Target) -> Destination:
    """To ask for costs only, whatever the folder of its lists."""
    return registry.destination(target.connection, registry.DestinationSettings())


def _with_cost(target: Target, adds: int, removes: int, creates: int) -> Foresight:
    destination, kind = _destination(target), MarkKind(target.kind)
    looks = adds if destination.ownership(kind) is Ownership.LOOKED and adds <= ASK_UP_TO else 0
    others = LedgerEntry.objects.filter(~OURS, target=target, present=True).count()
    return Foresight(adds, removes, creates, others, destination.cost(adds, removes, looks=looks, creates=creates, kind=kind))
