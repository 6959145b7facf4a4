"""Move memberships to what was judged: intervals are opened and closed, never overwritten."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json import dumps
from typing import NamedTuple

from django.db.models import Case, F, IntegerField, Value, When
from django.db.models.functions import Greatest

from integrations.models import Shop
from segsync.evaluate.models import Cause, Membership
from segsync.evaluate.reasons import Why, unknown
from segsync.rules.models import Segment
from segsync.store.insert import insert_rows, instant, update_rows
from segsync.store.models import Customer

_ENTERED = ["shop", "segment", "customer", "since", "version", "cause", "evidence", "left_evidence", "left_cause"]
_LEFT = ["until", "left_cause", "left_version", "left_evidence"]


class Person(NamedTuple):
    """What of a customer's row decides about moves."""

    pk: int
    facts_version: int
    judged_version: int
    changed_at: datetime
    change_cause: str
    merged_into_id: int | None


def people_of(shop: Shop, ids: Sequence[int]) -> dict[int, Person]:
    """These customers of the shop by id, those merged into others included."""
    return {row[0]: Person(*row) for row in Customer.objects.filter(shop=shop, pk__among=ids).values_list(*Person._fields)}


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
    people: Mapping[int, Person],
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
            shop=shop, customer_id__among=list(people), segment_id__in=list(verdicts), until__isnull=True
        ).values_list("pk", "segment_id", "customer_id")
    }
    moved, since = Moved(), instant(now)
    entering: list[tuple[object, ...]] = []
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
                entering.append((shop.pk, segment, customer, since, versions[segment], cause, dumps(evidence), "[]", ""))
                moved.entered[segment] += 1
                continue
            stay = open_stays[segment, customer]
            moved.left[segment] += 1
            if evidence:
                told.append((stay, now, cause, versions[segment], evidence))
            else:
                leaving[cause, segment].append(stay)
    insert_rows(Membership, _ENTERED, entering)
    update_rows(Membership, _LEFT, told)
    for (cause, segment), stays in leaving.items():
        Membership.objects.filter(pk__in=stays).update(until=now, left_cause=cause, left_version_id=versions[segment])
    resize(shop, {segment: grown for segment in verdicts if (grown := moved.entered[segment] - moved.left[segment])})
    Customer.objects.filter(shop=shop, pk__in=touched).update(outcome_version=F("outcome_version") + 1)
    return moved


def resize(shop: Shop, grown: Mapping[int, int]) -> None:
    """Let the sizes follow, all in one statement: with many rules, one for each took longer than judging."""
    if grown:
        more = Case(*(When(pk=segment, then=Value(by)) for segment, by in grown.items()), default=Value(0), output_field=IntegerField())
        Segment.objects.filter(shop=shop, pk__in=list(grown)).update(size=Greatest(F("size") + more, 0))


def _cause(person: Person, cause: str | None) -> str:
    if person.merged_into_id is not None:
        return Cause.MERGE
    if cause is not None and cause != Cause.TIME:
        return cause
    return person.change_cause if person.facts_version > person.judged_version else Cause.TIME  # changed, and so not moved by time alone
