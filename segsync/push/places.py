"""The places on a platform that marks are written to: made ready, refused, looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from integrations.base import Destination, MarkKind, Place
from integrations.errors import Misconfigured, NotFound, Permanent, UnknownOutcome
from integrations.models import Connection
from segsync.diff.models import LedgerEntry, Target
from segsync.push.leaving import place_of, see_out

__all__ = ["doubt", "place_of", "prepare", "refuse"]

log = structlog.get_logger(__name__)


def prepare(connection: Connection, destination: Destination, clock: Callable[[], datetime]) -> None:
    """Make due targets ready: the list or property, or the tag and the platform's saved segment over it. A refusal is kept with the target.

    Targets that are being left are seen out. A target that gets no answer is tried again later and does not keep the others waiting.
    """
    see_out(connection, destination, clock)
    on = Target.objects.filter(connection=connection, state=Target.State.ON, shop__writeback__stopped_at__isnull=True)
    for target in on.filter(due_at__lte=clock()).order_by("pk"):
        place = place_of(target)
        try:
            place = destination.ensure_place(place, target.label)
        except (Permanent, Misconfigured) as error:  # a right that making a place takes need not be missing for the others
            refuse(target, error, clock())
            continue
        except UnknownOutcome as error:
            Target.objects.filter(pk=target.pk).update(due_at=clock() + timedelta(seconds=error.retry_after or 60))
            continue
        view, reason, again = target.view_id, "", None
        try:
            view = _view(destination, place, target)
        except NotFound as error:  # whoever deleted it does not want it
            reason = str(error)
        except (Permanent, Misconfigured, UnknownOutcome) as error:
            reason, again = str(error), clock() + timedelta(hours=1)
        now = clock()
        Target.objects.filter(pk=target.pk).update(external_id=place.external_id, view_id=view, ready_at=now, due_at=again, reason=reason[:300])
        if target.ready_at is None:  # what was refused because of the place is told now
            target.entries.filter(parked_at__isnull=False).update(parked_at=None, attempts=0, next_attempt_at=now)


def _view(destination: Destination, place: Place, target: Target) -> str:
    """The platform's saved view over the tag, kept or deleted as the target says; "" where there is none."""
    if place.kind is not MarkKind.TAG:
        return ""
    if target.keeps_view:
        return destination.ensure_view(place, target.label, target.view_id)
    if target.view_id:
        destination.remove_view(target.view_id)
    return ""


def refuse(target: Target, error: Permanent | Misconfigured, now: datetime) -> None:
    """Nothing is written to a place that is gone or not ours; to the others it is."""
    Target.objects.filter(pk=target.pk).update(reason=str(error)[:300], ready_at=None, due_at=now + timedelta(hours=1))
    log.warning("target.refused", target__id=target.pk, shop__id=target.shop_id)


def doubt(entries: Iterable[LedgerEntry], now: datetime) -> None:
    """A refusal may be for the place and not for the person: the place is looked at again before more is written to it."""
    Target.objects.filter(pk__in={entry.target_id for entry in entries}, due_at__isnull=True).update(due_at=now)
