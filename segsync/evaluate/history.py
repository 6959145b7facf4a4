"""What the intervals of membership tell: who came and went, why, and from where to where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.db.models import Count, Exists, OuterRef, QuerySet

from integrations.models import Shop
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment

Way = Literal["entered", "left"]


class Move(NamedTuple):
    """Somebody entered or left at an instant, by a version of the rule, because of something; `evidence` as `Membership` keeps it."""

    at: datetime
    customer_id: int
    way: Way
    cause: str
    version: int
    evidence: list[list[str]]


@dataclass(frozen=True, slots=True)
class Flow:
    """How many left one segment and were in another afterwards, or came into one from another."""

    source: int
    destination: int
    people: int


def moves(segment: Segment, start: datetime, end: datetime, customer: int | None = None) -> Iterator[Move]:
    """Who entered or left from `start` on and before `end`, in the order of time; of one customer alone if given."""
    came, went = _stays(segment, "since", start, end, customer), _stays(segment, "until", start, end, customer)
    entered = came.order_by("since", "pk").values_list("since", "customer_id", "cause", "version__number", "evidence")
    left = went.order_by("until", "pk").values_list("until", "customer_id", "left_cause", "left_version__number", "left_evidence")
    yield from _in_order(_moves(entered, "entered"), _moves(left, "left"))


def causes(segment: Segment, start: datetime, end: datetime) -> dict[tuple[Way, str], int]:
    """How many moves from `start` on and before `end` had which cause, by way and cause."""
    came = _stays(segment, "since", start, end, None).order_by().values_list("cause").annotate(n=Count("pk"))
    went = _stays(segment, "until", start, end, None).order_by().values_list("left_cause").annotate(n=Count("pk"))
    entered: dict[tuple[Way, str], int] = {("entered", cause): n for cause, n in came}
    return entered | {("left", cause): n for cause, n in went}


def flows(shop: Shop, start: datetime, end: datetime) -> list[Flow]:
    """From segment to segment: people who left one from `start` on and before `end`, and entered another in the same time, at that
    instant or later. The largest first."""
    left = Membership.objects.filter(shop=shop, until__gte=start, until__lt=end)
    entered = Membership.objects.filter(shop=shop, since__gte=start, since__lt=end)
    into = entered.filter(customer=OuterRef("customer"), since__gte=OuterRef("until"))
    found: list[Flow] = []
    for destination in sorted(set(entered.order_by().values_list("segment_id", flat=True).distinct())):
        moved = left.exclude(segment=destination).filter(Exists(into.filter(segment=destination)))
        counted = moved.order_by().values_list("segment").annotate(n=Count("customer", distinct=True))
        found += [Flow(source, destination, n) for source, n in counted]
    return sorted(found, key=lambda flow: (-flow.people, flow.source, flow.destination))


def _stays(segment: Segment, when: str, start: datetime, end: datetime, customer: int | None) -> QuerySet[Membership]:
    stays = Membership.objects.filter(segment=segment, **{f"{when}__gte": start, f"{when}__lt": end})
    return stays if customer is None else stays.filter(customer=customer)


def _moves(rows: QuerySet[Any, Any], way: Way) -> Iterator[Move]:
    for at, customer, cause, version, evidence in rows.iterator(chunk_size=2_000):
        yield Move(at, customer, way, cause, version or 0, evidence)


def _in_order(first: Iterator[Move], second: Iterator[Move]) -> Iterator[Move]:
    """Two runs in the order of time as one; of the same instant, who left comes first."""
    one, other = next(first, None), next(second, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.at < other.at):
            assert one is not None  # noqa: S101 (one of the two is left: the loop's condition)
            yield one
            one = next(first, None)
        else:
            yield other
            other = next(second, None)
