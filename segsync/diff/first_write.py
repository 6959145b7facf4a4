"""The first write to a new place: begun at once where it is small, else shown as a dry run until a person turns it on."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db.models import Min, QuerySet

from integrations import registry
from integrations.models import Shop
from segsync.diff.models import LedgerEntry, Target, WritebackSettings
from segsync.diff.targets import settings_of
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment
from segsync.store.models import Identity, Profile

log = structlog.get_logger(__name__)


def begin(shop: Shop, now: datetime) -> None:
    """Have new targets made ready; those whose first write would touch too many people begin as a dry run.

    Call before anybody is routed, in a transaction that holds the shop's row: nothing is told to a place that nobody looked at.
    """
    settings = settings_of(shop)
    for target in Target.objects.filter(shop=shop, state=Target.State.ON, synced_at__isnull=True).select_related("connection"):
        told = LedgerEntry.objects.filter(target=target, owned_since__isnull=False).aggregate(first=Min("owned_since"))["first"]
        if told is not None:  # told before this was kept
            Target.objects.filter(pk=target.pk).update(synced_at=told)
            continue
        people = touched(target, settings) if settings.dry_run_above else 0
        if people > settings.dry_run_above:
            reason = f"The first write would touch {people:,} people, more than the {settings.dry_run_above:,} that the shop's settings allow unseen: "
            start_dry_run(target, f"{reason}look at what would be sent, then turn it on.")
        elif target.ready_at is None and target.due_at is None:
            Target.objects.filter(pk=target.pk, state=Target.State.ON).update(due_at=now)


def start_dry_run(target: Target, reason: str) -> bool:
    """From now on nothing is told to the target, while everything is still worked out; False where it is neither on nor paused."""
    states = (Target.State.ON, Target.State.PAUSED)
    started = Target.objects.filter(pk=target.pk, state__in=states).update(state=Target.State.DRY_RUN, reason=reason[:300]) == 1
    if started:
        log.info("target.dry_run", target__id=target.pk, shop__id=target.shop_id)
    return started


def touched(target: Target, settings: WritebackSettings) -> int:
    """How many records the members of the target's segments have over there, those included that would be created."""
    members = members_of(target).values("customer")
    records = Profile.objects.filter(shop=target.shop, source=target.connection.vendor, customer__in=members)
    found = records.filter(gone_at__isnull=True).count()
    if not registry.connector(target.connection.vendor).creates or not settings.create_contacts:
        return found
    addresses = Identity.objects.filter(shop=target.shop, kind=Identity.EMAIL, customer__in=members).exclude(customer__in=records.values("customer"))
    return found + addresses.order_by().values("customer").distinct().count()


def members_of(target: Target) -> QuerySet[Membership]:
    """The open stays in those of the target's segments that are on."""
    return Membership.objects.filter(segment__targets=target, segment__state=Segment.State.ON, until__isnull=True)
