"""Which sources of facts have been lost: what leaves a segment then may only be what we no longer hear of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q

from integrations import registry
from integrations.models import Connection, Shop
from segsync.pull.models import Run, Stream


@dataclass(frozen=True, slots=True)
class Loss:
    """A source that gave facts once and gives none now. `sentence` says which and what to do."""

    since: datetime
    sentence: str


def lost_sources(shop: Shop) -> list[Loss]:
    """The lost sources of a shop: the longest lost first.

    Streams that were read once and are refused now, accounts that a person must connect again, and full readings that returned
    nothing although an earlier one did. What was never read is not missed.
    """
    found = [*_refused(shop.pk), *_emptied(shop.pk)]
    return sorted(found, key=lambda loss: loss.since)


def _refused(shop_id: int) -> list[Loss]:
    streams = Stream.objects.filter(shop=shop_id, pulled_until__isnull=False).select_related("connection").order_by("pk")
    refused = Q(refused_at__isnull=False) | Q(due_at__isnull=True) & ~Q(problem="") | Q(connection__status=Connection.Status.NEEDS_RECONNECT)
    return [
        Loss(
            stream.pulled_until,
            f"{_name(stream)} cannot be read any more: {(stream.problem or stream.connection.reason or 'connect the account again').rstrip('.')}.",
        )
        for stream in streams.filter(refused)
        if stream.pulled_until is not None
    ]


def _emptied(shop_id: int) -> list[Loss]:
    """Streams whose latest full reading returned nothing, while an earlier one did."""
    full = Run.objects.filter(shop=shop_id, since__isnull=True, status=Run.Status.DONE)
    filled = dict(full.filter(records__gt=0).order_by().values_list("stream").annotate(last=Max("pk")))
    if not filled:
        return []
    latest = full.filter(records=0, stream__in=list(filled)).select_related("stream__connection").order_by("-pk")
    return [
        Loss(run.started_at, f"{_name(run.stream)} returned nothing at all when everything was asked for, and did before: look at the account.")
        for run in latest
        if run.pk > filled[run.stream_id]
    ]


def _name(stream: Stream) -> str:
    return f"{registry.connector(stream.connection.vendor).label}'s {stream.name.replace('_', ' ')}"
