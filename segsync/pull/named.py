"""What webhooks name, fetched at once by its id and not with a whole window; the stream's next window is the net under it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from integrations import registry
from integrations.base import Fetcher, StreamSpec
from integrations.errors import IntegrationError, Permanent, Transient
from integrations.models import Delivery
from integrations.records import Checkout, Customer, Order, Product, Record, Tombstone
from segsync.heartbeat import TTL, kept
from segsync.leases import Lease, claim
from segsync.pull import run
from segsync.pull.models import Stream
from segsync.reach import answered, enter
from segsync.store.upsert import store_page

log = structlog.get_logger(__name__)
AT_ONCE = 100  # objects of one stream fetched by their ids; more are read with a window
ROUNDS = 5  # of AT_ONCE objects in one go, so that other shops get their turn
SECOND = timedelta(seconds=1)
READY = Q(window_until__isnull=True, failures=0, due_at__isnull=False)  # no window is being read, and the platform answers
_VERSIONED = (Customer, Order, Product, Checkout)


@dataclass(frozen=True, slots=True)
class Hint:
    """One waiting webhook: its row, topic and receipt, and the id of what it names ("" for nothing in particular)."""

    pk: int
    topic: str
    received_at: datetime
    object_id: str


def read_hints(source: object, deliveries: Iterable[Delivery]) -> list[Hint]:
    """The deliveries without their bodies, of which only a few are in memory at a time."""
    name = source.named if isinstance(source, Fetcher) else lambda _topic, _body: ""
    return [Hint(row.pk, row.topic, row.received_at, name(row.topic, bytes(row.body))) for row in deliveries]


def waiting(ids: Iterable[int]) -> Iterable[Delivery]:
    """These deliveries as far as nobody has seen to them, oldest first, with their bodies."""
    rows = Delivery.objects.filter(pk__in=list(ids), outcome=Delivery.Outcome.WAITING)
    return rows.order_by("received_at", "pk").iterator(chunk_size=50)


def fetch(stream_id: int, clock: Callable[[], datetime]) -> int | None:
    """Fetch and store what waiting webhooks name of one stream; the shop's id when anything was stored, else None.

    Does nothing while a window of the stream is read, while it backs off, or while somebody else does it. What fails is left to
    the stream's window, save partings: those wait until the platform answers.
    """
    now = clock()
    lease = claim(Stream, stream_id, now=now, ttl=TTL, only=READY)
    if lease is None:
        return None
    stream = Stream.objects.select_related("connection__shop").get(pk=stream_id)
    if not enter(stream.connection, now):
        lease.release()
        return None
    try:
        with kept(lease, clock):
            stored = _fetch_all(stream, lease, clock)
        lease.release()
    except run.LeaseLost:
        log.warning("stream.lost", stream__id=stream.pk)
    except IntegrationError as error:
        run.failed(stream, lease, error, clock())
    except Exception as error:
        run.failed(stream, lease, Transient(f"SegSync itself failed on it ({type(error).__name__}); its log says why."), clock())
        raise
    except BaseException:
        lease.release()
        raise
    else:
        return stream.shop_id if stored else None
    return None


def _fetch_all(stream: Stream, lease: Lease, clock: Callable[[], datetime]) -> int:
    """Fetch until no webhook waits, those included that came in meanwhile: nobody else could take them."""
    stored = 0
    for _ in range(ROUNDS):
        found = _fetch(stream, lease, clock)
        if found is None:
            break
        stored += found
    return stored


def _fetch(stream: Stream, lease: Lease, clock: Callable[[], datetime]) -> int | None:
    """One round; how many objects were news, None when nothing waits."""
    source = registry.source(stream.connection)
    spec = next((spec for spec in source.streams if spec.name == stream.name), None)
    if spec is None or not isinstance(source, Fetcher):
        return None
    rows = Delivery.objects.filter(shop_id=stream.shop_id, vendor=stream.connection.vendor, topic__in=spec.hints | spec.partings)
    oldest = rows.filter(outcome=Delivery.Outcome.WAITING).order_by("received_at", "pk").values_list("pk", flat=True)[:AT_ONCE]
    hints = [hint for hint in read_hints(source, waiting(oldest)) if hint.object_id]
    if not hints:
        return None
    read_at = clock()
    ids = {hint.object_id for hint in hints}
    try:
        found, refused = source.fetch(spec.name, ids, read_at), frozenset[str]()
        answered(stream.connection)
    except Permanent as error:
        found, refused = _one_by_one(source, spec.name, ids, read_at)
        log.error("hints.refused", stream__id=stream.pk, shop__id=stream.shop_id, reason=str(error), objects=len(refused))
    return _store(stream, lease, hints, found, refused, spec, read_at)


def _one_by_one(source: Fetcher, stream: str, ids: Collection[str], read_at: datetime) -> tuple[dict[str, Record], frozenset[str]]:
    """Each object by itself, so that one of them, or too many at once, spoils no other; and the ids that the platform refuses all the same."""
    found: dict[str, Record] = {}
    refused = set()
    for id_ in sorted(ids):
        try:
            found |= source.fetch(stream, {id_}, read_at)
        except Permanent:
            refused.add(id_)
    return found, frozenset(refused)


def _store(stream: Stream, lease: Lease, hints: list[Hint], found: Mapping[str, Record], refused: Collection[str], spec: StreamSpec, read_at: datetime) -> int:
    """The objects and the outcome of the webhooks that named them, in one transaction.

    That something is gone counts only where a webhook said so and the platform does not show it either: it also hides what is old.
    A parting about which the platform gave no answer is kept for later, for no window tells of it.
    """
    parted = {hint.object_id for hint in hints if hint.topic in spec.partings}
    page = [provisional(record, read_at) for id_, record in found.items() if not isinstance(record, Tombstone) or id_ in parted]
    unseen = {hint.object_id for hint in hints if hint.topic in spec.hints and (hint.object_id not in found or isinstance(found[hint.object_id], Tombstone))}
    with transaction.atomic():
        stored = store_page(stream.shop_id, stream.connection.vendor, page, read_at) if page else 0
        rows = Stream.objects.filter(pk=stream.pk, lease_token=lease.token)
        if not rows.update(lease_until=read_at + TTL):
            raise run.LeaseLost
        if unseen - parted:
            run.ask_window(rows, max(hint.received_at for hint in hints), read_at)
        later = [hint.pk for hint in hints if hint.object_id in refused and hint.topic in spec.partings]
        waiting = Delivery.objects.filter(pk__in=[hint.pk for hint in hints], outcome=Delivery.Outcome.WAITING)
        waiting.filter(pk__in=later).update(outcome=Delivery.Outcome.LATER, handled_at=read_at)
        waiting.update(outcome=Delivery.Outcome.DONE, handled_at=read_at)
    return stored


def provisional(record: Record, read_at: datetime) -> Record:
    """The record with a version that a later telling of the same second is newer than.

    Versions are whole seconds on some platforms, so what is read before its second is over may change again under the same version.
    Such a record's version lies between the second before and its own, the higher the later it was read.
    """
    if not isinstance(record, _VERSIONED) or read_at >= record.version + 2 * SECOND:
        return record
    share = min(max((read_at - record.version) / (2 * SECOND), 0.000_001), 0.999_999)
    return replace(record, version=record.version - SECOND + share * SECOND)
