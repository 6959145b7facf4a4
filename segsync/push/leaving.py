"""Targets that are being left: seen out once everything of ours has been taken away and read back.

A list is left where it is, without our members: e-mails and workflows that use it break when it is deleted (developers.hubspot.com, "Lists").
The platform's own saved segment over a tag is ours alone and goes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Count, F, Q
from django.utils.formats import date_format

from integrations.base import Destination, MarkKind, Place
from integrations.errors import NotFound, Permanent, UnknownOutcome
from integrations.models import Connection
from segsync.diff.guard import OURS, UNTOLD
from segsync.diff.models import LedgerEntry, Target
from segsync.push import ledger

log = structlog.get_logger(__name__)
LATER = timedelta(minutes=1)
REFUSED = timedelta(hours=1)
_ENDED = {"present": False, "owned_since": None, "sent_at": None, "parked_at": None, "attempts": 0, "outcome": ledger.Told.GONE, "detail": ""}


def place_of(target: Target) -> Place:
    """How the connector calls the target."""
    return Place(MarkKind(target.kind), target.name, target.external_id)


def see_out(connection: Connection, destination: Destination, clock: Callable[[], datetime]) -> None:
    """Bring each target that is being left a step further; the last says that it has been left, and what became of its marks."""
    leaving = Target.objects.filter(connection=connection, state=Target.State.LEAVING, shop__writeback__stopped_at__isnull=True)
    for target in leaving.select_related("shop").order_by("pk"):
        try:
            _step(target, destination, clock)
        except Permanent as error:
            _wait(target, clock() + REFUSED, reason=str(error))
        except UnknownOutcome as error:
            _wait(target, clock() + timedelta(seconds=error.retry_after or 60))


def _step(target: Target, destination: Destination, clock: Callable[[], datetime]) -> None:
    if target.ready_at is None and not _found(target, destination, clock()):
        return
    left = LedgerEntry.objects.filter(UNTOLD, target=target)
    if left.filter(parked_at__isnull=True).exists():
        _wait(target, clock() + LATER, reason="")
        return
    parked = left.order_by("pk").first()
    if parked is None:
        if target.view_id:
            destination.remove_view(target.view_id)
        _leave(target, clock(), "")
    elif _found(target, destination, clock()):
        _wait(target, None, reason=f"{_marks(left.count())} could not be taken away: try the parked ones again. {parked.detail}")


def _found(target: Target, destination: Destination, now: datetime) -> bool:
    """Whether the place is there to be read; one that is gone has been left, with all that was in it."""
    if target.kind != Target.Kind.TAG and not target.external_id and not LedgerEntry.objects.filter(OURS, target=target).exists():
        _leave(target, now, "It was never made.")
        return False
    try:
        destination.ensure_place(place_of(target), target.label)
    except NotFound as error:
        _leave(target, now, f"{str(error).rstrip('.')}, with all that was in it.")
        return False
    if target.ready_at is None:
        Target.objects.filter(pk=target.pk, state=Target.State.LEAVING).update(ready_at=now, due_at=now, reason="")
        target.ready_at = now
    return True


def _leave(target: Target, now: datetime, gone: str) -> None:
    """Say what became of the marks (`gone`: the sentence on a place that is no longer there), and forget the place's view.

    The place's id stays, for whoever comes back.
    """
    with transaction.atomic():
        if gone:
            LedgerEntry.objects.filter(UNTOLD | Q(owned_since__isnull=False), target=target).update(**_ENDED, acked_generation=F("generation"), acked_at=now)
        fields = {"state": Target.State.LEFT, "view_id": "", "ready_at": None, "due_at": None, "synced_at": None, "held_at": None}
        said = f"Left {date_format(now.astimezone(target.shop.tz), 'j F')}: {gone or _proof(target)}"
        left = Target.objects.filter(pk=target.pk, state=Target.State.LEAVING).update(**fields, reason=said[:300])
    if left:
        log.info("target.left", target__id=target.pk, shop__id=target.shop_id)


def _proof(target: Target) -> str:
    taken = Q(wanted=False, outcome=ledger.Told.DONE, detail=ledger.READ_BACK)
    others = Q(outcome=ledger.Told.FOREIGN, present=True)
    found = LedgerEntry.objects.filter(target=target).aggregate(taken=Count("pk", filter=taken), others=Count("pk", filter=others))
    said = f"{_marks(found['taken'])} taken away, read back: none of ours remains."
    if found["others"]:
        said += f" {_marks(found['others'])} that others had set {'stays' if found['others'] == 1 else 'stay'}."
    if target.kind == Target.Kind.LIST:
        said += " The list itself stays: e-mails and workflows may use it."
    return said


def _marks(number: int) -> str:
    return f"{number:,} {'mark' if number == 1 else 'marks'}"


def _wait(target: Target, until: datetime | None, reason: str | None = None) -> None:
    fields = {"due_at": until} if reason is None else {"due_at": until, "reason": reason[:300]}
    Target.objects.filter(pk=target.pk, state=Target.State.LEAVING).update(**fields)
