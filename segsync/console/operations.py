"""What a person may set going from the admin. Rows say what is due: each verb makes rows due and the pipeline does the rest."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import F, QuerySet

from integrations.models import Connection
from segsync.diff.models import LedgerEntry, Target
from segsync.pull.models import Stream
from segsync.push.audit import ask
from segsync.push.models import Audit
from segsync.store.models import PrivacyRequest


def pull_again(connections: QuerySet[Connection], now: datetime) -> int:
    """Have every stream of these connections asked at once for what changed; returns how many streams. Unconnected ones are left out."""
    return Stream.objects.filter(connection__in=connections, connection__status=Connection.Status.CONNECTED).update(due_at=now)


def pause(targets: QuerySet[Target]) -> int:
    """Stop writing to these targets; what is wanted there is still kept. Returns how many were on."""
    return targets.filter(state=Target.State.ON).update(state=Target.State.PAUSED)


def resume(targets: QuerySet[Target], now: datetime) -> int:
    """Write to these targets again, what has waited included; each is made ready anew first. Returns how many were paused."""
    return targets.filter(state=Target.State.PAUSED).update(state=Target.State.ON, reason="", due_at=now)


def try_again(entries: QuerySet[LedgerEntry], now: datetime) -> int:
    """Take these entries out of the parked ones and tell them at once; returns how many were parked with something left to tell."""
    parked = entries.filter(parked_at__isnull=False, generation__gt=F("acked_generation"))
    return parked.update(parked_at=None, attempts=0, next_attempt_at=now, detail="")


def audit_now(connection: Connection, now: datetime, by: User | None) -> Audit:
    """Have everything that the connection holds compared with the ledger at once; returns that audit, or the one under way."""
    return ask(connection, now, by)


def told_person(request_id: int, now: datetime, by: int | None) -> bool:
    """Close an open request to tell a person what is stored; who asked is forgotten with it. False when there is none."""
    open_ones = PrivacyRequest.objects.filter(pk=request_id, kind=PrivacyRequest.Kind.TELL, status=PrivacyRequest.Status.OPEN)
    return open_ones.update(status=PrivacyRequest.Status.DONE, done_at=now, done_by=by, external_id="", email="", orders=[]) == 1
