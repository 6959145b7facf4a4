"""Work out what should be true on the other side for everybody whose memberships or records changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F

from integrations import registry
from integrations.models import Connection, Shop
from segsync.diff import first_write, guard
from segsync.diff.inherit import inherit
from segsync.diff.models import LedgerEntry, Target
from segsync.diff.targets import settings_of
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment
from segsync.store.models import Customer, Identity, Profile

BATCH = 500
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # the version of a record nobody has told of yet: whatever is told is newer


def route(shop: Shop, clock: Callable[[], datetime]) -> int:
    """Bring the ledger in line with memberships, for every customer not routed since their outcome changed; returns how many.

    What is wanted is a pure function of open memberships, records and targets, so running it again changes nothing. What would
    be taken away is weighed before anybody is routed, and again where more turns out to be: too much is held for a person.
    """
    routed = 0
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        first_write.begin(shop, clock())
        ahead = guard.look(shop, clock())
    waiting = Customer.objects.filter(shop=shop, outcome_version__gt=F("routed_version")).order_by("pk")
    while ids := list(waiting.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
            ahead.subtract(_route(shop, ids, clock()))
            Customer.objects.filter(shop=shop, pk__in=ids).update(routed_version=F("outcome_version"))
            if more := [target for target, left in ahead.items() if left < 0]:  # others came to wait meanwhile
                ahead = guard.look(shop, clock(), also=more)
        routed += len(ids)
    if routed:
        with transaction.atomic():
            Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
            guard.look(shop, clock())  # a hold is no longer needed where people came back
    return routed


def _route(shop: Shop, ids: Sequence[int], now: datetime) -> Counter[int]:
    """By target, how many marks of ours are to be taken away from now on."""
    inside: dict[int, set[int]] = defaultdict(set)
    stays = Membership.objects.filter(shop=shop, customer_id__in=ids, until__isnull=True, segment__state=Segment.State.ON)
    for customer, segment in stays.values_list("customer_id", "segment_id"):
        inside[customer].add(segment)
    targets: dict[int, list[tuple[Target, set[int]]]] = defaultdict(list)
    for target in Target.objects.filter(shop=shop).exclude(state=Target.State.LEFT).prefetch_related("segments"):
        segments = set() if target.state == Target.State.LEAVING else {segment.pk for segment in target.segments.all()}
        targets[target.connection_id].append((target, segments))
    taken: Counter[int] = Counter()
    for connection in Connection.objects.filter(shop=shop, pk__in=list(targets)):
        taken += _route_to(shop, connection, targets[connection.pk], inside, ids, now)
    return taken


def _route_to(
    shop: Shop, connection: Connection, targets: list[tuple[Target, set[int]]], inside: dict[int, set[int]], ids: Sequence[int], now: datetime
) -> Counter[int]:
    known = list(Profile.objects.filter(shop=shop, source=connection.vendor, customer_id__in=ids))
    profiles = [profile for profile in known if profile.gone_at is None]
    inherit([profile for profile in known if profile.gone_at], now)
    close([profile.pk for profile in known if profile.gone_at], now)
    served = {profile.customer_id for profile in known}  # somebody deleted over there is not created again
    wanted_at_all = {segment for _, segments in targets for segment in segments}
    unserved = [id_ for id_ in ids if id_ not in served and inside[id_] & wanted_at_all]
    profiles += _yet_to_create(shop, connection, unserved)
    entries = {
        (entry.target_id, entry.profile_id): entry
        for entry in LedgerEntry.objects.filter(connection=connection, profile_id__in=[profile.pk for profile in profiles])
    }
    fresh: list[LedgerEntry] = []
    flipped: dict[bool, list[int]] = {True: [], False: []}
    taken: Counter[int] = Counter()
    for profile in profiles:
        for target, segments in targets:
            wanted = bool(inside[profile.customer_id] & segments)
            entry = entries.get((target.pk, profile.pk))
            if entry is None and wanted:
                fresh.append(LedgerEntry(shop=shop, connection=connection, target=target, profile=profile, wanted=True, wanted_at=now, next_attempt_at=now))
            elif entry is not None and (entry.wanted != wanted or (wanted and entry.outcome == LedgerEntry.Outcome.GONE)):
                flipped[wanted].append(entry.pk)  # also for somebody who was gone and is back
                if not wanted and (entry.owned_since or entry.sent_at):
                    taken[target.pk] += 1
    LedgerEntry.objects.bulk_create(fresh, batch_size=1000)
    for wanted, entry_ids in flipped.items():
        _flip(entry_ids, wanted, now)
    return taken


def close(gone_profiles: Sequence[int], now: datetime) -> None:
    """Nothing is left to tell about the marks of people who are no longer there: their marks went with them."""
    there = LedgerEntry.objects.filter(profile_id__in=gone_profiles).exclude(outcome=LedgerEntry.Outcome.GONE, acked_generation=F("generation"))
    there.update(
        present=False,
        owned_since=None,
        acked_generation=F("generation"),
        acked_at=now,
        sent_at=None,
        attempts=0,
        parked_at=None,
        outcome=LedgerEntry.Outcome.GONE,
        detail="",
        next_attempt_at=now,
    )


def _flip(entry_ids: list[int], wanted: bool, now: datetime) -> None:
    """A mark whose last call's outcome is unknown keeps its time of reading back."""
    rows = LedgerEntry.objects.filter(pk__in=entry_ids)
    rows.filter(sent_at__isnull=True).update(next_attempt_at=now)
    rows.update(wanted=wanted, wanted_at=now, generation=F("generation") + 1, attempts=0, parked_at=None)


def _yet_to_create(shop: Shop, connection: Connection, customer_ids: Sequence[int]) -> list[Profile]:
    """Records to be created over there, for those of these people who have an address, where the platform and the settings allow."""
    if not customer_ids or not registry.connector(connection.vendor).creates or not settings_of(shop).create_contacts:
        return []
    addresses = Identity.objects.filter(shop=shop, kind=Identity.EMAIL, customer_id__in=customer_ids)
    first = dict(addresses.order_by("-pk").values_list("customer_id", "value"))  # the oldest address of each wins
    return Profile.objects.bulk_create(
        [
            Profile(shop=shop, customer_id=owner, source=connection.vendor, external_id=f"{Profile.PENDING}{owner}", version=NEVER, emails=[email])
            for owner, email in first.items()
        ]
    )
