"""Move memberships to what was judged: intervals are opened and closed, never overwritten."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Greatest

from integrations.models import Shop
from segsync.evaluate.models import Cause, Membership
from segsync.evaluate.reasons import Why, unknown
from segsync.rules.models import Segment
from segsync.store.insert import update_rows
from segsync.store.models import Customer

_LEFT = ["until", "left_cause", "left_version", "left_evidence"]


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
    causes: Mapping[int, str | None],
    why: Why = unknown,
) -> Moved:
    """Open and close stays of `people` so that they are in exactly the segments of `verdicts` (segment -> customers in it).

    Segments not judged are left as they are; the sizes of the others follow. `causes` says why by segment; None, and time for somebody
    marked, takes what last changed about each person. `why` gives the evidence kept with each move. Must run in the transaction that
    clears the changed marks.
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
    told: list[tuple[object, ...]] = []
    touched: set[int] = set()
    for segment, inside in verdicts.items():
        was_in = {customer for customer in people if (segment, customer) in open_stays}
        for customer in sorted(was_in ^ (inside & people.keys())):
            cause = _cause(people[customer], causes.get(segment))
            touched.add(customer)
            evidence = why(segment, customer, customer in inside)
            if customer in inside:
                entering.append(
                    Membership(shop=shop, segment_id=segment, customer_id=customer, since=now, version_id=versions[segment], cause=cause, evidence=evidence)
                )
                moved.entered[segment] += 1
                continue
            stay = open_stays[segment, customer]
            moved.left[segment] += 1
            if evidence:
                told.append((stay, now, cause, versions[segment], evidence))
            else:
                leaving[cause, segment].append(stay)
    Membership.objects.bulk_create(entering, batch_size=1000)
    update_rows(Membership, _LEFT, told)
    for (cause, segment), stays in leaving.items():
        Membership.objects.filter(pk__in=stays).update(until=now, left_cause=cause, left_version_id=versions[segment])
    for segment in verdicts:
        if grown := moved.entered[segment] - moved.left[segment]:
            Segment.objects.filter(pk=segment).update(size=Greatest(F("size") + grown, 0))
    Customer.objects.filter(shop=shop, pk__in=touched).update(outcome_version=F("outcome_version") + 1)
    return moved


def _cause(person: Customer, cause: str | None) -> str:
    if person.merged_into_id is not None:
        return Cause.MERGE
    if cause is not None and cause != Cause.TIME:
        return cause
    return person.change_cause if person.facts_version > person.judged_version else Cause.TIME  # changed, and so not moved by time alone
