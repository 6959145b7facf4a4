"""How a rule's people overlap with those of the shop's other segments, as they were last judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Count, QuerySet

from integrations.models import Shop
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment

MOST = 5
BY_NAME = 5_000
SAME = Fraction(9, 10)  # people in both ÷ people in either, from which two segments are nearly the same


@dataclass(frozen=True, slots=True)
class Overlap:
    """People whom a rule shares with another segment of `size` people."""

    segment_id: int
    name: str
    size: int
    shared: int
    of_rule: Fraction  # of the rule's people, how many are in the other
    of_other: Fraction  # of the other's people, how many the rule names
    alike: Fraction  # people in both ÷ people in either

    @property
    def near_duplicate(self) -> bool:
        """Whether hardly anybody is in only one of the two."""
        return self.alike >= SAME


def overlaps(shop: Shop, members: Sequence[int], leave_out: int | None) -> tuple[Overlap, ...]:
    """The five segments that are on and share most people with `members`, most alike first. `leave_out` is the rule's own segment."""
    others = {segment.pk: segment for segment in Segment.objects.filter(shop=shop, state=Segment.State.ON) if segment.pk != leave_out}
    stays = Membership.objects.filter(shop=shop, segment_id__in=list(others), until__isnull=True).order_by()
    shared = _shared(stays, members, list(others)) if others else {}
    sizes = dict(stays.filter(segment_id__in=list(shared)).values_list("segment_id").annotate(people=Count("pk")))
    # Somebody may have come or gone since they were counted among `members`: a size is never below what is shared.
    found = [_overlap(others[pk], max(sizes.get(pk, 0), both), both, len(members)) for pk, both in shared.items()]
    return tuple(sorted(found, key=lambda overlap: (-overlap.alike, -overlap.shared, overlap.name))[:MOST])


def _shared(stays: QuerySet[Membership], members: Sequence[int], others: Sequence[int]) -> dict[int, int]:
    """How many of `members` are in each of the other segments, where any are.

    Few are asked for by name. For many that would take longer than to read who is in each segment.
    """
    if len(members) <= BY_NAME:
        return dict(stays.filter(customer_id__in=list(members)).values_list("segment_id").annotate(people=Count("pk")))
    inside = set(members)
    counts = {pk: sum(id_ in inside for id_ in stays.filter(segment_id=pk).values_list("customer_id", flat=True).iterator(chunk_size=20_000)) for pk in others}
    return {pk: count for pk, count in counts.items() if count}


def _overlap(other: Segment, size: int, shared: int, members: int) -> Overlap:
    return Overlap(
        segment_id=other.pk,
        name=other.name,
        size=size,
        shared=shared,
        of_rule=Fraction(shared, members),
        of_other=Fraction(shared, size),
        alike=Fraction(shared, members + size - shared),
    )
