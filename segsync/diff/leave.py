"""Leaving a place: what we own there is taken away, nothing else, and nothing counts before it has been read back. And coming back."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F, Q

from integrations.models import Shop
from segsync.diff.guard import OURS, UNTOLD
from segsync.diff.models import Hold, LedgerEntry, Target
from segsync.diff.targets import reroute

log = structlog.get_logger(__name__)
GONE_FROM = (Target.State.LEAVING, Target.State.LEFT)


def leave(target: Target, now: datetime) -> bool:
    """Begin to leave the place; False where it is being left or has been left already.

    Marks not set yet are cancelled. The guard does not ask: whoever leaves a place has been shown what is taken away.
    """
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=target.shop_id)  # nobody is routed meanwhile
        begun = Target.objects.filter(pk=target.pk).exclude(state__in=GONE_FROM).update(state=Target.State.LEAVING, reason="", held_at=None, due_at=now)
        if not begun:
            return False
        Hold.objects.filter(target=target, decision=Hold.Decision.WAITING).update(decision=Hold.Decision.LAPSED, decided_at=now)
        marks = LedgerEntry.objects.filter(target=target)
        marks.update(detail="")  # so that what is read back from now on can be told from what was before
        asked = marks.filter(OURS | UNTOLD | Q(wanted=True))
        asked.filter(sent_at__isnull=True).update(next_attempt_at=now)
        asked.update(wanted=False, wanted_at=now, generation=F("generation") + 1, attempts=0, parked_at=None)
    log.info("target.leaving", target__id=target.pk, shop__id=target.shop_id)
    return True


def leave_all(shop: Shop, now: datetime) -> int:
    """Leave every place of the shop; returns how many it begins to leave."""
    return sum(leave(target, now) for target in Target.objects.filter(shop=shop).exclude(state__in=GONE_FROM))


def come_back(target: Target) -> bool:
    """Write to a place again that was left or is being left, as if it were new; False for any other."""
    with transaction.atomic():
        fields = {"state": Target.State.ON, "reason": "", "ready_at": None, "due_at": None, "synced_at": None}
        if not Target.objects.filter(pk=target.pk, state__in=GONE_FROM).update(**fields):
            return False
        reroute(target.shop, target.segments.all())
    log.info("target.returned", target__id=target.pk, shop__id=target.shop_id)
    return True
