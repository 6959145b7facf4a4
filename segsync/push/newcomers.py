"""Records that are yet to be created on the other side for people who have none there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from integrations.base import Destination, NewMember, Result
from integrations.models import Connection, Shop
from segsync.diff.models import LedgerEntry
from segsync.push import ledger
from segsync.store.models import Profile


def create_missing(connection: Connection, destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
    """Create people who have no record over there yet; their marks are told with the rest. Creating by address is idempotent."""
    pending: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        if entry.profile.pending:
            pending[entry.profile_id].append(entry)
    if not pending:
        return list(entries)
    rest = [entry for entry in entries if not entry.profile.pending]
    people = [NewMember(key=profile_id, email=some[0].profile.emails[0]) for profile_id, some in pending.items()]
    for created in destination.create(people):
        some = pending.pop(created.key, [])
        match created.result:
            case Result.DONE | Result.ALREADY:
                if some and _adopt(connection, some[0].profile, created.external_id):
                    for entry in some:
                        entry.profile.external_id, entry.sent_at = created.external_id, None
                    rest += some
            case Result.UNSENT:
                ledger.unsent(some, clock(), created.detail)
            case Result.RETRY | Result.UNKNOWN:
                ledger.again(some, clock(), created.detail)
            case _:
                ledger.park(some, clock(), created.detail)
    for some in pending.values():
        ledger.again(some, clock(), "The platform's answer did not mention this person.")
    return rest


def _adopt(connection: Connection, profile: Profile, external_id: str) -> bool:
    """Give the pending record its id; False when the record has been pulled meanwhile: then its own marks will do."""
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=connection.shop_id)  # no page is stored meanwhile
        if Profile.objects.filter(shop=connection.shop, source=connection.vendor, external_id=external_id).exists():
            Profile.objects.filter(pk=profile.pk).delete()
            return False
        return Profile.objects.filter(pk=profile.pk).update(external_id=external_id) == 1


def forget_pending(entries: Sequence[LedgerEntry]) -> None:
    """Records that were yet to be created and that no mark needs any more."""
    if entries:
        with transaction.atomic():
            Shop.objects.select_for_update(no_key=True).get(pk=entries[0].shop_id)  # no mark becomes wanted meanwhile
            Profile.objects.filter(pk__in=[entry.profile_id for entry in entries]).exclude(marks__wanted=True).delete()
