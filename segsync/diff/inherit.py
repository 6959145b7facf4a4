"""Marks of records that were merged into others: the platform moves them along, and what was ours stays ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from segsync.diff.models import LedgerEntry
from segsync.store.models import Profile


def inherit(swallowed: Sequence[Profile], now: datetime) -> None:
    """Give the marks that we put on these records to the records that swallowed them. To be called before the former are closed.

    A mark that the surviving record had before, of somebody else's, stays somebody else's.
    """
    by_pk = {profile.pk: profile for profile in swallowed if profile.swallowed_by}
    if not by_pk:
        return
    ours = list(LedgerEntry.objects.filter(profile__in=list(by_pk), owned_since__isnull=False).order_by("owned_since"))
    for entry in ours:
        lost = by_pk[entry.profile_id]
        survivor = Profile.objects.filter(shop=lost.shop_id, source=lost.source, external_id=lost.swallowed_by, gone_at__isnull=True).first()
        if survivor is None:
            continue
        there = LedgerEntry.objects.filter(target=entry.target_id, profile=survivor)
        if not there.exists():
            LedgerEntry.objects.create(
                shop_id=entry.shop_id,
                connection_id=entry.connection_id,
                target_id=entry.target_id,
                profile=survivor,
                wanted=entry.wanted,
                wanted_at=now,
                acked_generation=1 if entry.wanted else 0,
                present=True,
                owned_since=entry.owned_since,
                next_attempt_at=now,
                acked_at=now,
                outcome=LedgerEntry.Outcome.DONE,
                detail="Came with a record that was merged into this one.",
            )
        else:
            there.filter(owned_since__isnull=True, sent_at__isnull=True).exclude(present=True).update(present=True, owned_since=entry.owned_since)
