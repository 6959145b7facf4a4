"""The two decisions about held removals. Each counts once, and only for the numbers that the person saw."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.formats import date_format

from integrations.models import Shop
from segsync.diff.models import Hold, Target

log = structlog.get_logger(__name__)


class Outdated(Exception):
    """The hold was decided meanwhile, or is about more people than the person saw. The message says which."""


def remove_them(hold: Hold, by: AbstractBaseUser | None, now: datetime, seen: int) -> None:
    """Let the held removals be told. Raises Outdated, and nothing is decided, where more than `seen` would lose the mark by now."""
    with transaction.atomic():
        _decide(hold, Hold.Decision.APPROVED, by, now, seen)
        Target.objects.filter(pk=hold.target_id).update(held_at=None)


def keep_them(hold: Hold, by: AbstractBaseUser | None, now: datetime) -> None:
    """Take nothing away: the target is paused, and resuming it asks again. Raises Outdated where it was decided meanwhile."""
    with transaction.atomic():
        _decide(hold, Hold.Decision.KEPT, by, now, None)
        day = date_format(now.astimezone(hold.shop.tz), "j F Y")
        reason = f"Kept by {by.get_username() if by else 'a person'} on {day}: marks that would be lost: {hold.removals:,}. Resuming asks about them again."
        states = (Target.State.ON, Target.State.DRY_RUN)
        Target.objects.filter(pk=hold.target_id, state__in=states).update(state=Target.State.PAUSED, reason=reason[:300])
        Target.objects.filter(pk=hold.target_id).update(held_at=None)


def _decide(hold: Hold, decision: str, by: AbstractBaseUser | None, now: datetime, seen: int | None) -> None:
    Shop.objects.select_for_update(no_key=True).get(pk=hold.shop_id)  # nobody is routed meanwhile
    open_ = Hold.objects.filter(pk=hold.pk, decision=Hold.Decision.WAITING)
    found = open_.first()
    if found is None:
        raise Outdated("Somebody has decided this already, or it was no longer needed.")
    if seen is not None and found.removals > seen:
        raise Outdated(f"By now {found.removals:,} people would lose the mark, not {seen:,}: look again, then decide.")
    open_.update(decision=decision, decided_at=now, decided_by=by)
    log.info("hold.decided", hold__id=hold.pk, target__id=hold.target_id, shop__id=hold.shop_id, decision=decision)
