"""Tell one connection what changed: prepare its places, then batch after batch until nothing is left or time is up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from integrations import registry, waiting
from integrations.base import Change, Destination, MarkKind, Ownership, Result
from integrations.errors import IntegrationError, Misconfigured, NeedsReconnect, Permanent, Stopped, Transient, UnknownOutcome
from integrations.models import Connection
from segsync.diff.models import LedgerEntry
from segsync.diff.targets import settings_of
from segsync.heartbeat import TTL, kept
from segsync.leases import Lease, claim
from segsync.push import ledger
from segsync.push.ledger import Told
from segsync.push.models import Attempt, Channel
from segsync.push.newcomers import create_missing, forget_pending
from segsync.push.permit import Permit
from segsync.push.places import doubt, place_of, prepare, refuse
from segsync.push.unheard import batches
from segsync.reach import answered, enter, heed
from segsync.store.models import Profile

log = structlog.get_logger(__name__)
SLICE = timedelta(seconds=15)  # after which others get their turn, once the batch that is being told is done
CLOCKS = timedelta(seconds=30)  # how far a platform's clock and ours may be apart
LONGEST_WAIT = 120  # seconds between two tries while a platform is down: what waited is told soon after its return
ASK_UP_TO = 500  # people whose marks are asked for before a first write


def push(channel_id: int, clock: Callable[[], datetime]) -> int:
    """Tell one connection what is due, for a while; returns how many marks were seen to.

    Does nothing while somebody else does, while it is paused, or before the time it waits for. A pause ends it within a second.
    Whoever had a turn is given `due_at`, the time of its end: those whose turn is longest past come first.
    """
    now = clock()
    lease = claim(Channel, channel_id, now=now, ttl=TTL, only=Q(paused=False) & (Q(due_at__isnull=True) | Q(due_at__lte=now)))
    if lease is None:
        return 0
    channel = Channel.objects.select_related("connection__shop").get(pk=channel_id)
    connection = channel.connection
    permit = Permit(lease, connection, clock, SLICE)
    if not permit() or not enter(connection, now):
        lease.release()
        return 0
    told = 0
    try:
        destination = registry.destination(connection, registry.DestinationSettings(folder=settings_of(channel.shop).list_folder))
        with kept(lease, clock), waiting.while_wanted(permit.holds):
            told = _push(channel, connection, destination, permit, clock)
        lease.release(due_at=clock(), failures=0, problem="")
    except Stopped:
        lease.release(due_at=clock(), failures=0, problem="")
    except IntegrationError as error:
        _failed(channel, lease, error, clock())
    except Exception as error:
        _failed(channel, lease, Transient(f"SegSync itself failed on it ({type(error).__name__}); its log says why."), clock())
        raise
    except BaseException:
        lease.release()
        raise
    return told


def _push(channel: Channel, connection: Connection, destination: Destination, permit: Permit, clock: Callable[[], datetime]) -> int:
    told = 0
    while permit():
        prepare(connection, destination, clock)
        entries = ledger.due_entries(connection.pk, clock(), destination.batch_size)
        if not entries:
            break
        for some in batches(connection, entries, destination.batch_size, clock()):
            permit.about({entry.target_id for entry in some})
            if not permit():
                break
            told += len(some)
            _tell(connection, destination, some, permit, clock)
            answered(connection)
            channel.failures = 0  # whatever fails after this, the platform is not down
        permit.about(())
    answered(connection)
    return told


def _tell(connection: Connection, destination: Destination, entries: Sequence[LedgerEntry], permit: Permit, clock: Callable[[], datetime]) -> None:
    """One batch: settle what needs no call, read back what is unknown, create who is missing, then write the rest."""
    rest = _settle_without_call(entries, clock())
    rest = _read_back(destination, rest, clock)
    rest = create_missing(connection, destination, rest, clock)
    rest = _leave_foreign(destination, rest, clock)
    if rest:
        _write(connection, destination, rest, permit, clock)


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
    forget_pending([entry for entry in absent if entry.profile.pending])
    return rest


def _read_back(destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
    """What an earlier call left unknown is looked up; what is as wanted is settled, the rest is told again."""
    unknown = [entry for entry in entries if entry.sent_at is not None and not entry.profile.pending]
    rest = [entry for entry in entries if entry.sent_at is None or entry.profile.pending]
    wait = destination.unfinished(clock()) if unknown else 0.0
    if wait:
        ledger.later(unknown, clock() + timedelta(seconds=wait))
        return rest
    there: list[LedgerEntry] = []
    absent: list[LedgerEntry] = []
    gone: list[LedgerEntry] = []
    for entry, present in _read(destination, unknown, clock):
        if present is None:
            gone.append(entry)
        elif present != entry.wanted:
            entry.sent_at, entry.present = None, present
            ledger.found([entry], present=present)
            rest.append(entry)
        else:
            (there if present else absent).append(entry)
    foreign = _there_before(destination, there)
    ledger.acknowledge([one for one in there if one.pk not in foreign], present=True, owned=True, outcome=Told.DONE, now=clock(), detail="Read back.")
    theirs = [one for one in there if one.pk in foreign]
    ledger.acknowledge(theirs, present=True, owned=False, outcome=Told.ALREADY, now=clock(), detail="It was there before us.")
    ledger.acknowledge(absent, present=False, owned=False, outcome=Told.DONE, now=clock(), detail="Read back.")
    ledger.gone(gone, clock())
    return rest


def _there_before(destination: Destination, entries: Sequence[LedgerEntry]) -> set[int]:
    """Those whose mark somebody else had set before the call whose outcome was unknown, as far as the platform tells."""
    before: set[int] = set()
    asked = [entry for entry in entries if entry.owned_since is None]  # the others were claimed before the call
    for target in {entry.target_id: entry.target for entry in asked}.values():
        some = [entry for entry in asked if entry.target_id == target.pk]
        given = destination.given_at(place_of(target), [entry.profile.external_id for entry in some])
        before |= {one.pk for one in some if one.sent_at and (at := given.get(one.profile.external_id)) and at < one.sent_at - CLOCKS}
    return before


def _leave_foreign(destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
    """Before a mark is first added: where somebody else has put it already, it stays theirs."""
    asked = [entry for entry in entries if entry.wanted and not entry.owned_since and _ownership(destination, entry) is Ownership.LOOKED]
    marks = _marks(destination, asked)
    gone = [entry for entry in asked if marks[entry.profile_id] is None]
    foreign = [entry for entry in asked if entry.target.name.casefold() in (marks[entry.profile_id] or ())]
    ledger.acknowledge(foreign, present=True, owned=False, outcome=Told.ALREADY, now=clock(), detail="It was there before us.")
    ledger.gone(gone, clock())
    done = {entry.pk for entry in (*foreign, *gone)}
    return [entry for entry in entries if entry.pk not in done]


def _marks(destination: Destination, entries: Sequence[LedgerEntry]) -> dict[int, frozenset[str] | None]:
    """The marks on each record, asked for.

    For many people that would cost as much as writing: then only those are asked for whose mark was there when they were last
    pulled, or has been told before, so that it may have come and gone since.
    """
    profiles = {entry.profile_id: entry.profile for entry in entries}
    asked = set(profiles)
    if len(profiles) > ASK_UP_TO:
        asked = {entry.profile_id for entry in entries if entry.acked_generation or entry.target.name.casefold() in _pulled(entry.profile)}
    found = destination.marks([profiles[id_].external_id for id_ in asked]) if asked else {}
    return {id_: found.get(profile.external_id) if id_ in asked else _pulled(profile) for id_, profile in profiles.items()}


def _ownership(destination: Destination, entry: LedgerEntry) -> Ownership:
    return destination.ownership(MarkKind(entry.target.kind))


def _pulled(profile: Profile) -> frozenset[str]:
    return frozenset(tag.casefold() for tag in profile.tags or ())


def _read(destination: Destination, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[tuple[LedgerEntry, bool | None]]:
    """How each mark stands; those of a place that is gone are left out: they come up again once somebody has put it right."""
    by_target: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        by_target[entry.target_id].append(entry)
    found: list[tuple[LedgerEntry, bool | None]] = []
    for some in by_target.values():
        try:
            marks = destination.read(place_of(some[0].target), [entry.profile.external_id for entry in some])
        except Permanent as error:
            refuse(some[0].target, error, clock())
        else:
            found += [(entry, marks.get(entry.profile.external_id)) for entry in some]
    return found


def _write(connection: Connection, destination: Destination, entries: Sequence[LedgerEntry], permit: Permit, clock: Callable[[], datetime]) -> None:
    adds = [entry for entry in entries if entry.wanted]
    attempt = Attempt.objects.create(shop=connection.shop, connection=connection, started_at=clock(), adds=len(adds), removes=len(entries) - len(adds))
    ledger.begin(entries, clock(), destination.settle, claim=[entry for entry in adds if _ownership(destination, entry) is not Ownership.TOLD])
    changes = [Change(entry.pk, place_of(entry.target), entry.profile.external_id, entry.wanted) for entry in entries]
    try:
        outcomes = destination.write(changes)
    except UnknownOutcome as error:
        ledger.unknown(entries, clock(), destination.settle, str(error))
        _finish(attempt, {Result.UNKNOWN: len(entries)}, str(error), clock())
        raise
    except Stopped as error:
        ledger.unsent(entries, clock(), str(error))
        _finish(attempt, {}, str(error), clock())
        raise
    except IntegrationError as error:
        wait = error.retry_after if isinstance(error, Transient) and error.retry_after else 5.0
        ledger.unsent(entries, clock() + timedelta(seconds=wait), str(error))
        _finish(attempt, {Result.RETRY: len(entries)}, str(error), clock())
        raise
    counts = ledger.record(entries, outcomes, clock(), destination.settle)
    _finish(attempt, counts, "", clock())
    if counts.get(Result.REJECTED):
        rejected = {outcome.key for outcome in outcomes if outcome.result is Result.REJECTED}
        doubt((entry for entry in entries if entry.pk in rejected), clock())
    if counts.get(Result.UNKNOWN) and set(counts) <= {Result.RETRY, Result.UNSENT, Result.UNKNOWN} and permit.holds():
        raise Transient("The platform did not say what became of anything it was told.")


def _finish(attempt: Attempt, counts: dict[Result, int], problem: str, now: datetime) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        finished_at=now,
        done=sum(counts.get(result, 0) for result in (Result.DONE, Result.ALREADY, Result.GONE)),
        rejected=counts.get(Result.REJECTED, 0),
        retry=counts.get(Result.RETRY, 0) + counts.get(Result.UNSENT, 0),
        unknown=counts.get(Result.UNKNOWN, 0),
        problem=problem[:300],
    )


def _failed(channel: Channel, lease: Lease, error: IntegrationError, now: datetime) -> None:
    """The connection as a whole did not take it: wait, and say why."""
    failures = channel.failures + 1
    wait = timedelta(seconds=min(2 ** min(failures, 10), LONGEST_WAIT))
    match error:
        case Transient(retry_after=float() | int() as seconds):
            wait = timedelta(seconds=seconds)
        case NeedsReconnect():
            wait = timedelta(minutes=1)  # nobody calls a connection that is not connected; it may have been connected anew meanwhile
        case Misconfigured():
            wait = timedelta(hours=1)
    heed(channel.connection, error, failures, now)
    lease.release(due_at=now + wait, failures=failures, problem=str(error)[:300])
    log.warning("channel.failed", channel__id=channel.pk, shop__id=channel.shop_id, error=type(error).__name__, failures=failures)
