"""What a person may set going from the admin. Rows say what is due: each verb makes rows due and the pipeline does the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce

from integrations.models import Connection, Shop
from segsync.diff.first_write import start_dry_run
from segsync.diff.guard import weigh
from segsync.diff.models import LedgerEntry, Target, WritebackSettings
from segsync.diff.targets import settings_of
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
    return _on(targets.filter(state=Target.State.PAUSED), now, {})


def turn_on(targets: QuerySet[Target], now: datetime) -> int:
    """End the dry run of these targets: what was shown is told. Returns how many were in one."""
    return _on(targets.filter(state=Target.State.DRY_RUN), now, {"synced_at": Coalesce("synced_at", Value(now))})


def dry_run(targets: QuerySet[Target], by: str) -> int:
    """Tell these targets nothing from now on, and show what they would be told. Returns how many were on or paused."""
    return sum(start_dry_run(target, f"Put into a dry run by {by}: look at what would be sent, then turn it on.") for target in targets)


def switch_view(targets: QuerySet[Target], now: datetime) -> int:
    """Keep the platform's own saved segment over these tags from now on, or no longer. Returns how many are tags."""
    return targets.filter(kind=Target.Kind.TAG).update(keeps_view=Case(When(keeps_view=True, then=False), default=True), due_at=now)


def stop(shop: Shop, now: datetime) -> bool:
    """Write nothing at all for the shop from now on; False where it was stopped already."""
    settings_of(shop)
    return WritebackSettings.objects.filter(shop=shop, stopped_at__isnull=True).update(stopped_at=now) == 1


def start(shop: Shop) -> bool:
    """Write for the shop again, what has waited included; False where it was not stopped."""
    return WritebackSettings.objects.filter(shop=shop, stopped_at__isnull=False).update(stopped_at=None) == 1


def _on(targets: QuerySet[Target], now: datetime, fields: dict[str, Any]) -> int:
    """What has waited is weighed first: too much to take away waits for a person."""
    turned = 0
    for target in targets.select_related("shop"):
        with transaction.atomic():
            Shop.objects.select_for_update(no_key=True).get(pk=target.shop_id)
            on = Target.objects.filter(pk=target.pk, state=target.state).update(state=Target.State.ON, reason="", due_at=now, **fields)
            if on:
                weigh(target.shop, [target], now)
            turned += on
    return turned


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
