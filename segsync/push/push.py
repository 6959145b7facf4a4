"""Tell one connection what changed: prepare its places, then batch after batch until nothing is left or time is up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from integrations import registry
from integrations.base import Change, Destination, MarkKind, NewMember, Place, Result
from integrations.errors import IntegrationError, Misconfigured, NeedsReconnect, Permanent, RateLimited, Transient, UnknownOutcome
from integrations.models import Connection
from segsync.diff.models import LedgerEntry, Target
from segsync.diff.targets import settings_of
from segsync.heartbeat import TTL, kept
from segsync.leases import Lease, claim
from segsync.push import ledger
from segsync.push.ledger import Told
from segsync.push.models import Attempt, Channel
from segsync.store.models import Profile

log = structlog.get_logger(__name__)
SLICE = timedelta(seconds=60)
ASK_UP_TO = 500  # people whose marks are asked for before a first write


def push(channel_id: int, clock: Callable[[], datetime]) -> int:
    """Tell one connection what is due, for a while; returns how many marks were settled. Does nothing while somebody else does."""
    lease = claim(Channel, channel_id, now=clock(), ttl=TTL, only=Q(paused=False))
    if lease is None:
        return 0
    channel = Channel.objects.select_related("connection__shop").get(pk=channel_id)
    connection = channel.connection
    settled = 0
    try:
        if connection.status == Connection.Status.CONNECTED:
            destination = registry.destination(connection, registry.DestinationSettings(folder=settings_of(channel.shop).list_folder))
            with kept(lease, clock):
                prepare(connection, destination, clock)
                settled = _push(connection, destination, lease, clock)
            lease.release(due_at=None, failures=0, problem="")
        else:
            lease.release(due_at=None, problem=connection.reason)
    except IntegrationError as error:
        _failed(channel, lease, error, clock())
    except BaseException:
        lease.release(due_at=clock() + timedelta(seconds=30))
        raise
    return settled


def prepare(connection: Connection, destination: Destination, clock: Callable[[], datetime]) -> None:
    """Make due targets ready: the list, or the tag and the platform's saved segment over it. A refusal is kept with the target."""
    for target in Target.objects.filter(connection=connection, state=Target.State.ON, due_at__lte=clock()).order_by("pk"):
        place = _place(target)
        try:
            place = destination.ensure_place(place, target.label)
            view = destination.ensure_view(place, target.label, target.view_id) if place.kind is MarkKind.TAG else ""
        except Permanent as error:
            Target.objects.filter(pk=target.pk).update(reason=str(error)[:300], ready_at=None, due_at=clock() + timedelta(hours=1))
            log.warning("target.refused", target__id=target.pk, shop__id=target.shop_id)
        else:
            Target.objects.filter(pk=target.pk).update(external_id=place.external_id, view_id=view, ready_at=clock(), due_at=None, reason="")


def _push(connection: Connection, destination: Destination, lease: Lease, clock: Callable[[], datetime]) -> int:
    started, settled = clock(), 0
    while clock() - started < SLICE and lease.renew(now=clock(), ttl=TTL):
        entries = ledger.due_entries(connection.pk, clock(), destination.batch_size)
        if not entries:
            break
        settled += len(entries)
        _tell(connection, destination, entries, clock)
    return settled


def _tell(connection: Connection, destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> None:
    """One batch: settle what needs no call, read back what is unknown, create who is missing, then write the rest."""
    rest = _settle_without_call(entries, clock())
    rest = _read_back(destination, rest, clock)
    rest = _create_missing(connection, destination, rest, clock)
    if not destination.tells_already:
        rest = _leave_foreign(destination, rest, clock)
    if rest:
        _write(connection, destination, rest, clock)


def _settle_without_call(entries: Sequence[LedgerEntry], now: datetime) -> list[LedgerEntry]:
    """Nothing is told about marks that are as wanted already, and nothing is taken away that is not ours."""
    rest: list[LedgerEntry] = []
    as_wanted: list[LedgerEntry] = []
    foreign: list[LedgerEntry] = []
    absent: list[LedgerEntry] = []
    for entry in entries:
        if entry.sent_at is not None:
            rest.append(entry)
        elif entry.wanted and entry.present and entry.owned_since:
            as_wanted.append(entry)
        elif not entry.wanted and not entry.owned_since:
            (foreign if entry.present else absent).append(entry)
        else:
            rest.append(entry)
    ledger.acknowledge(as_wanted, present=True, owned=None, outcome=Told.ALREADY, now=now)
    ledger.acknowledge(foreign, present=True, owned=False, outcome=Told.FOREIGN, now=now)
    ledger.acknowledge(absent, present=False, owned=False, outcome=Told.ALREADY, now=now)
    Profile.objects.filter(pk__in=[entry.profile_id for entry in absent if entry.profile.pending]).delete()
    return rest


def _read_back(destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
    """What an earlier call left unknown is looked up; what is as wanted is settled, the rest is told again."""
    unknown = [entry for entry in entries if entry.sent_at is not None and not entry.profile.pending]
    rest = [entry for entry in entries if entry.sent_at is None or entry.profile.pending]
    there: list[LedgerEntry] = []
    absent: list[LedgerEntry] = []
    gone: list[LedgerEntry] = []
    for entry, present in _read(destination, unknown):
        if present is None:
            gone.append(entry)
        elif present != entry.wanted:
            entry.sent_at, entry.present = None, present
            rest.append(entry)
        else:
            (there if present else absent).append(entry)
    ledger.acknowledge(there, present=True, owned=True, outcome=Told.DONE, now=clock(), detail="Read back.")
    ledger.acknowledge(absent, present=False, owned=False, outcome=Told.DONE, now=clock(), detail="Read back.")
    ledger.gone(gone, clock())
    return rest


def _leave_foreign(destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
    """Before a mark is first added: where somebody else has put it already, it stays theirs."""
    asked = [entry for entry in entries if entry.wanted and not entry.owned_since]
    marks = _marks(destination, asked)
    gone = [entry for entry in asked if marks[entry.profile_id] is None]
    foreign = [entry for entry in asked if entry.target.name.casefold() in (marks[entry.profile_id] or ())]
    ledger.acknowledge(foreign, present=True, owned=False, outcome=Told.ALREADY, now=clock(), detail="It was there before us.")
    ledger.gone(gone, clock())
    done = {entry.pk for entry in (*foreign, *gone)}
    return [entry for entry in entries if entry.pk not in done]


def _marks(destination: Destination, entries: Sequence[LedgerEntry]) -> dict[int, frozenset[str] | None]:
    """The marks on each record: asked for, or for many people as last pulled (asking would cost as much as writing)."""
    profiles = {entry.profile_id: entry.profile for entry in entries}
    if len(profiles) > ASK_UP_TO:
        return {id_: frozenset(tag.casefold() for tag in profile.tags or ()) for id_, profile in profiles.items()}
    found = destination.marks([profile.external_id for profile in profiles.values()])
    return {id_: found.get(profile.external_id) for id_, profile in profiles.items()}


def _read(destination: Destination, entries: Sequence[LedgerEntry]) -> list[tuple[LedgerEntry, bool | None]]:
    by_target: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        by_target[entry.target_id].append(entry)
    found: list[tuple[LedgerEntry, bool | None]] = []
    for some in by_target.values():
        marks = destination.read(_place(some[0].target), [entry.profile.external_id for entry in some])
        found += [(entry, marks.get(entry.profile.external_id)) for entry in some]
    return found


def _create_missing(connection: Connection, destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
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
        some = pending[created.key]
        match created.result:
            case Result.DONE | Result.ALREADY:
                if _adopt(connection, some[0].profile, created.external_id):
                    for entry in some:
                        entry.profile.external_id, entry.sent_at = created.external_id, None
                    rest += some
            case Result.RETRY | Result.UNKNOWN:
                ledger.again(some, clock(), created.detail)
            case _:
                now = clock()
                LedgerEntry.objects.filter(pk__in=[entry.pk for entry in some]).update(parked_at=now, outcome=Told.REJECTED, detail=created.detail[:300])
    return rest


def _adopt(connection: Connection, profile: Profile, external_id: str) -> bool:
    """Give the pending record its id; False when the record has been pulled meanwhile: then its own marks will do."""
    with transaction.atomic():
        if Profile.objects.filter(shop=connection.shop, source=connection.vendor, external_id=external_id).exists():
            Profile.objects.filter(pk=profile.pk).delete()
            return False
        return Profile.objects.filter(pk=profile.pk).update(external_id=external_id) == 1


def _write(connection: Connection, destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> None:
    adds = [entry for entry in entries if entry.wanted]
    attempt = Attempt.objects.create(shop=connection.shop, connection=connection, started_at=clock(), adds=len(adds), removes=len(entries) - len(adds))
    ledger.begin(entries, clock(), destination.settle, claim=[] if destination.tells_already else adds)
    changes = [Change(entry.pk, _place(entry.target), entry.profile.external_id, entry.wanted) for entry in entries]
    problem = ""
    try:
        outcomes = destination.write(changes)
    except UnknownOutcome as error:
        ledger.unknown(entries, clock(), destination.settle, str(error))
        counts, problem = {Result.UNKNOWN: len(entries)}, str(error)
    except IntegrationError as error:
        wait = error.retry_after if isinstance(error, Transient) and error.retry_after else 5.0
        ledger.unsent(entries, clock() + timedelta(seconds=wait), str(error))
        _finish(attempt, {Result.RETRY: len(entries)}, str(error), clock())
        raise
    else:
        counts = ledger.record(entries, outcomes, clock(), destination.settle)
    _finish(attempt, counts, problem, clock())


def _finish(attempt: Attempt, counts: dict[Result, int], problem: str, now: datetime) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        finished_at=now,
        done=sum(counts.get(result, 0) for result in (Result.DONE, Result.ALREADY, Result.GONE)),
        rejected=counts.get(Result.REJECTED, 0),
        retry=counts.get(Result.RETRY, 0),
        unknown=counts.get(Result.UNKNOWN, 0),
        problem=problem[:300],
    )


def _place(target: Target) -> Place:
    return Place(MarkKind(target.kind), target.name, target.external_id)


def _failed(channel: Channel, lease: Lease, error: IntegrationError, now: datetime) -> None:
    """The connection as a whole did not take it: wait, and say why."""
    failures = channel.failures + 1
    wait = timedelta(seconds=min(2**failures, 600))
    match error:
        case RateLimited(retry_after=float() | int() as seconds) | Transient(retry_after=float() | int() as seconds):
            wait = timedelta(seconds=seconds)
        case NeedsReconnect() | Misconfigured():
            wait = timedelta(hours=1)
    lease.release(due_at=now + wait, failures=failures, problem=str(error)[:300])
    log.warning("channel.failed", channel__id=channel.pk, shop__id=channel.shop_id, error=type(error).__name__, failures=failures)
