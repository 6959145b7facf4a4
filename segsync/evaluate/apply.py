"""Move memberships to what was judged: intervals are opened and closed, never overwritten."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F

from integrations.models import Shop
from segsync.evaluate.models import Cause, Membership
from segsync.store.models import Customer


@dataclass(slots=True)
class Moved:
    """How many entered and left, by segment."""

    entered: Counter[int] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)

    def __iadd__(self, other: Moved) -> Moved:
        self.entered += other.entered
        self.left += other.left
        return self


def apply(
    shop: Shop,
    people: Mapping[int, Customer],
    verdicts: Mapping[int, set[int]],
    versions: Mapping[int, int],
    now: datetime,
    cause: str | None,
) -> Moved:
    """Open and close stays of `people` so that they are in exactly the segments of `verdicts` (segment -> customers in it).

    Segments not judged are left as they are. `cause` None takes what last changed about each person. Must run in the
    transaction that clears the changed marks.
    """
    open_stays: dict[tuple[int, int], int] = {
        (segment, customer): pk
        for pk, segment, customer in Membership.objects.filter(
            shop=shop, customer_id__in=list(people), segment_id__in=list(verdicts), until__isnull=True
        ).values_list("pk", "segment_id", "customer_id")
    }
    moved = Moved()
    entering: list[Membership] = []
    leaving: dict[tuple[str, int], list[int]] = defaultdict(list)
    touched: set[int] = set()
    for segment, inside in verdicts.items():
        for customer, person in people.items():
            stay = open_stays.get((segment, customer))
            if (stay is not None) == (customer in inside):
                continue
            why = _cause(person, cause)
            touched.add(customer)
            if stay is None:
                entering.append(Membership(shop=shop, segment_id=segment, customer_id=customer, since=now, version_id=versions[segment], cause=why))
                moved.entered[segment] += 1
            else:
                leaving[why, segment].append(stay)
                moved.left[segment] += 1
    Membership.objects.bulk_create(entering, batch_size=1000)
    for (why, segment), stays in leaving.items():
        Membership.objects.filter(pk__in=stays).update(until=now, left_cause=why, left_version_id=versions[segment])
    Customer.objects.filter(shop=shop, pk__in=touched).update(outcome_version=F("outcome_version") + 1)
    return moved


def _cause(person: Customer, cause: str | None) -> str:
    if person.merged_into_id is not None:
        return Cause.MERGE
    return cause or person.change_cause
