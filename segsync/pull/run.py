"""Ask a connection what changed and store it: windows with a fixed upper end, resumed where a process died."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from integrations import registry
from integrations.base import Page, StreamSpec, Window
from integrations.errors import IntegrationError, Misconfigured, NeedsReconnect, Permanent, Restart, Transient
from integrations.models import Connection, Shop
from segsync.heartbeat import TTL, kept
from segsync.leases import Lease, claim
from segsync.pull.models import Run, Stream
from segsync.reach import answered, enter, heed
from segsync.store.upsert import store_page

log = structlog.get_logger(__name__)
SLICE = timedelta(seconds=120)  # work at most this long in one go, so that other shops get their turn


class LeaseLost(Exception):
    """Somebody else took the row over; whatever this process was about to store has been rolled back."""


def make_streams(connection: Connection, now: datetime) -> None:
    """One row per stream that the connection's grants allow, due at once; streams that are there keep their place.

    Whoever still pulls under an older grant loses the stream: its next page is not stored. A stream that a newly granted
    scope lets see more of the past is read again from the beginning.
    """
    for spec in registry.source(connection).streams:
        widened = sorted(spec.widened_by.intersection(connection.scopes))
        begun = {"due_at": now, "widened": widened}
        stream, made = Stream.objects.get_or_create(shop=connection.shop, connection=connection, name=spec.name, defaults=begun)
        if not made:
            again = {"pulled_until": None, "cursor": "", "window_since": None, "window_until": None} if set(widened) - set(stream.widened) else {}
            Stream.objects.filter(pk=stream.pk).update(**begun, **again, failures=0, refused_at=None, problem="", lease_until=None, lease_token="")


def add_streams(shop: Shop, now: datetime) -> None:
    """A row for each stream that this version knows and the connections of the shop lack; the others stay as they are."""
    for connection in Connection.objects.filter(shop=shop, status=Connection.Status.CONNECTED):
        for spec in registry.source(connection).streams:
            widened = sorted(spec.widened_by.intersection(connection.scopes))
            begun = {"due_at": now, "widened": widened}
            Stream.objects.get_or_create(shop=shop, connection=connection, name=spec.name, defaults=begun)


def ask_again(connection: Connection, now: datetime) -> None:
    """Look now at the streams whose records are asked for properties: those asked about have changed."""
    names = [spec.name for spec in registry.source(connection).streams if spec.asks]
    streams = Stream.objects.filter(connection=connection, name__in=names)
    streams.update(hinted_at=now)
    streams.filter(failures=0, window_until__isnull=True, due_at__gt=now).update(due_at=now)


def pull(stream_id: int, clock: Callable[[], datetime]) -> bool:
    """Pull one stream for a while; True when a window was finished. Does nothing when it is not due or somebody else holds it."""
    now = clock()
    lease = claim(Stream, stream_id, now=now, ttl=TTL, only=Q(due_at__lte=now))
    if lease is None:
        return False
    stream = Stream.objects.select_related("connection__shop").get(pk=stream_id)
    if not enter(stream.connection, now):
        lease.release()  # it stays due: whoever connects again or ends the pause need not know of it
        return False
    try:
        with kept(lease, clock):
            return _pull(stream, lease, clock)
    except LeaseLost:
        log.warning("stream.lost", stream__id=stream.pk)
    except IntegrationError as error:
        failed(stream, lease, error, clock())
    except Exception as error:
        failed(stream, lease, Transient(f"SegSync itself failed on it ({type(error).__name__}); its log says why."), clock())
        raise
    except BaseException:
        lease.release()
        raise
    return False


def _pull(stream: Stream, lease: Lease, clock: Callable[[], datetime]) -> bool:
    started = clock()
    source = registry.source(stream.connection)
    spec = next((spec for spec in source.streams if spec.name == stream.name), None)
    if spec is None:
        lease.release(due_at=None, problem="The scopes granted do not allow this any more.")
        return False
    if stream.window_until is None or not set(stream.asking) <= spec.asks:  # half of it would lack what is asked for no longer
        _open_window(stream, spec, lease, started)
    window = Window(stream.window_since, stream.window_until or started)
    for page in source.pages(stream.name, window, stream.cursor):
        answered(stream.connection)
        _store(stream, page, lease, clock())
        if page.wait:
            lease.release(due_at=clock() + timedelta(seconds=page.wait))
            return False
        if clock() - started > SLICE:
            lease.release(due_at=clock())
            return False
    return _close_window(stream, spec, lease, clock())


def _open_window(stream: Stream, spec: StreamSpec, lease: Lease, now: datetime) -> None:
    now = _second(now)  # platforms tell changes by the second: the one that runs is not over
    asking = sorted(spec.asks)
    known = stream.pulled_until is not None and set(asking) <= set(stream.asked)
    since = stream.pulled_until - spec.overlap if known and stream.pulled_until else None
    with transaction.atomic():
        held = Stream.objects.filter(pk=stream.pk, lease_token=lease.token).update(window_since=since, window_until=now, cursor="", asking=asking)
        if not held:
            raise LeaseLost
        Run.objects.filter(stream=stream, status=Run.Status.RUNNING).update(status=Run.Status.FAILED, finished_at=now, problem="Begun again.")
        Run.objects.create(shop_id=stream.shop_id, stream=stream, since=since, until=now, started_at=now)
    stream.window_since, stream.window_until, stream.cursor, stream.asking = since, now, "", asking


def _store(stream: Stream, page: Page, lease: Lease, now: datetime) -> None:
    """The rows, the cursor that covers them and the run's counts, in one transaction."""
    with transaction.atomic():
        stored = store_page(stream.shop_id, stream.connection.vendor, page.records, now) if page.records else 0
        held = Stream.objects.filter(pk=stream.pk, lease_token=lease.token).update(cursor=page.cursor, lease_until=now + TTL)
        if not held:
            raise LeaseLost
        run = Run.objects.filter(stream=stream, status=Run.Status.RUNNING)
        run.update(records=F("records") + len(page.records), stored=F("stored") + stored)
        if page.expected is not None:
            run.update(expected=page.expected)
        if page.withheld is not None and stream.connection.withheld.get(stream.name, {}) != page.withheld:
            _keep_withheld(stream, page.withheld)
    stream.cursor = page.cursor


def _keep_withheld(stream: Stream, withheld: Mapping[str, str]) -> None:
    """What the platform keeps back now. Where it gives what it kept back before, what is stored lacks that: nobody is judged until all is read again."""
    connection = Connection.objects.select_for_update(no_key=True).get(pk=stream.connection_id)
    family = registry.connector(connection.vendor).family  # of properties: those asked for are known by `asked`
    given = [fact for fact in connection.withheld.get(stream.name, {}) if fact not in withheld and not fact.startswith(family)]
    if given:
        Stream.objects.filter(pk=stream.pk).update(pulled_until=None)
        stream.pulled_until = None
        log.info("stream.widened", stream__id=stream.pk, shop__id=stream.shop_id, facts=given)
    connection.withheld = {**connection.withheld, stream.name: dict(withheld)}
    connection.save(update_fields=["withheld"])
    stream.connection.withheld = connection.withheld


def _close_window(stream: Stream, spec: StreamSpec, lease: Lease, now: datetime) -> bool:
    until = stream.window_until
    closed = {"window_since": None, "window_until": None, "cursor": "", "asking": [], "asked": stream.asking}
    begin_anew = stream.window_since is not None and stream.pulled_until is None  # what was stored before lacks something that is given now
    due = {"due_at": now, "pulled_until": None} if begin_anew else {"due_at": now + spec.every, "pulled_until": until}
    with transaction.atomic():
        done = lease.release(**due, failures=0, refused_at=None, problem="", **closed)
        if done:
            Run.objects.filter(stream=stream, status=Run.Status.RUNNING).update(status=Run.Status.DONE, finished_at=now)
            Stream.objects.filter(pk=stream.pk, hinted_at__gt=until).update(due_at=max(now, (until or now) + timedelta(seconds=1)))  # told of since
    return done


def ask_window(streams: QuerySet[Stream], hinted_at: datetime, now: datetime) -> None:
    """Something of these streams changed: read a window once the second in which it was told is over (windows end with a whole second).

    One whose window is being read is asked again after it; one that is backing off keeps its wait: a hint must not turn into a retry storm.
    """
    streams.update(hinted_at=hinted_at)
    due_at = max(now, _second(hinted_at) + timedelta(seconds=1))
    streams.filter(failures=0, window_until__isnull=True, due_at__gt=due_at).update(due_at=due_at)


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def failed(stream: Stream, lease: Lease, error: IntegrationError, now: datetime) -> None:
    """Keep window and cursor for a later try, or begin the window again where the cursor is of no more use."""
    failures = stream.failures + 1
    wait = timedelta(seconds=min(2 ** min(failures, 9), 600))
    fields: dict[str, object] = {"failures": failures, "problem": str(error)[:300]}
    begin_again: dict[str, object] = {"cursor": "", "window_since": None, "window_until": None}
    match error:
        case Restart():
            fields |= begin_again
        case Transient(retry_after=float() | int() as seconds):
            wait = timedelta(seconds=seconds)
        case NeedsReconnect():
            wait = timedelta(minutes=1)  # nobody calls a connection that is not connected; it may have been connected anew meanwhile
        case Misconfigured():
            wait = timedelta(hours=1)
            fields["refused_at"] = now
        case Permanent():
            wait = timedelta(minutes=10)
            fields |= begin_again | {"refused_at": now}
    heed(stream.connection, error, failures, now)
    with transaction.atomic():
        if lease.release(due_at=now + wait, **fields) and "cursor" in fields:
            Run.objects.filter(stream=stream, status=Run.Status.RUNNING).update(status=Run.Status.FAILED, finished_at=now, problem=str(error)[:300])
    log.warning("stream.failed", stream__id=stream.pk, shop__id=stream.shop_id, error=type(error).__name__, failures=failures)
