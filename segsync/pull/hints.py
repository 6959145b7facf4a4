"""Webhooks as hints: what they name is asked for again; nothing in them is believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Min, QuerySet

from integrations import registry
from integrations.base import StreamSpec
from integrations.models import Connection, Delivery, Shop
from segsync.pull import named, run
from segsync.pull.models import Stream
from segsync.pull.named import Hint

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Looked:
    """What a look at the inbox came to: how many webhooks were seen to, and the streams of which some name objects to be fetched."""

    heeded: int = 0
    to_fetch: set[int] = field(default_factory=set)


def look(now: datetime, limit: int = 1_000) -> Looked:
    """See to waiting webhooks: what they name is to be fetched, or else the streams that they point at are made due.

    Those whose object is to be fetched wait until it is stored. A topic that this version does not know is kept for one that does.
    At most `limit` webhooks of each shop and platform are looked at, so that nobody's keep anybody else's waiting.
    """
    looked = Looked()
    waiting = Delivery.objects.filter(outcome=Delivery.Outcome.WAITING)
    for shop_id, vendor in waiting.values_list("shop_id", "vendor").annotate(first=Min("received_at")).order_by("first").values_list("shop_id", "vendor"):
        rows = waiting.filter(shop_id=shop_id, vendor=vendor).order_by("received_at")
        connection = Connection.objects.filter(shop_id=shop_id, vendor=vendor).select_related("shop").first()
        if connection is None:
            looked.heeded += _close(rows.values_list("pk", flat=True)[:limit], Delivery.Outcome.IGNORED, now)
        else:
            _heed(connection, rows, limit, looked, now)
    return looked


def recall(shop: Shop) -> int:
    """Have webhooks looked at again that were kept for later, as far as this version knows their topics; returns how many those are."""
    recalled = 0
    for connection in Connection.objects.filter(shop=shop, status=Connection.Status.CONNECTED):
        kept = Delivery.objects.filter(shop=shop, vendor=connection.vendor, outcome=Delivery.Outcome.LATER)
        known = _known(connection, registry.source(connection).streams)
        recalled += kept.filter(topic__in=known).update(outcome=Delivery.Outcome.WAITING, handled_at=None)
    return recalled


def _heed(connection: Connection, rows: QuerySet[Delivery], limit: int, looked: Looked, now: datetime) -> None:
    said = rows.filter(topic__in=registry.connector(connection.vendor).farewells).defer("body")
    for delivery in said:
        _leave(connection, delivery)
    source = registry.source(connection)
    streams = {stream.name: stream for stream in Stream.objects.filter(connection=connection)}
    ids = _to_see_to(connection, source.streams, streams, rows, limit)
    if connection.status != Connection.Status.CONNECTED:
        looked.heeded += _close([delivery.pk for delivery in said], Delivery.Outcome.DONE, now) + _close(ids, Delivery.Outcome.IGNORED, now)
        return
    hints = named.read_hints(source, named.waiting(ids))
    left: set[int] = set()
    for spec in source.streams:
        if stream := streams.get(spec.name):
            left |= _point(stream, spec, [hint for hint in hints if hint.topic in spec.hints | spec.partings], looked, now)
    if any(hint.topic in registry.connector(connection.vendor).wakes for hint in hints):
        Stream.objects.filter(connection=connection, failures=0, window_until__isnull=False, due_at__gt=now).update(due_at=now)
    known = _known(connection, source.streams)
    heeded = [hint.pk for hint in hints if hint.topic in known and hint.pk not in left]
    unknown = [hint.pk for hint in hints if hint.topic not in known]
    looked.heeded += _close(heeded, Delivery.Outcome.DONE, now) + _close(unknown, Delivery.Outcome.LATER, now)


def _to_see_to(connection: Connection, specs: Iterable[StreamSpec], streams: Mapping[str, Stream], rows: QuerySet[Delivery], limit: int) -> list[int]:
    """The webhooks to see to now: the oldest, and apart from them the oldest partings that can be looked into.

    No window tells of partings. They wait while their stream is read or backs off, and while somebody is to connect the account
    again; for good only an account that was disconnected gives them up.
    """
    partings = frozenset[str]().union(*(spec.partings for spec in specs))
    waiting = partings
    if connection.status == Connection.Status.DISCONNECTED:
        waiting = frozenset()
    elif connection.status == Connection.Status.CONNECTED:
        waiting = frozenset[str]().union(*(spec.partings for spec in specs if (stream := streams.get(spec.name)) and not _ready(stream)))
    others = rows.exclude(topic__in=partings).values_list("pk", flat=True)[:limit]
    return [*others, *rows.filter(topic__in=partings - waiting).values_list("pk", flat=True)[:limit]]


def _ready(stream: Stream) -> bool:
    """Whether its objects may be fetched by themselves, or nobody asks for it at all."""
    return stream.due_at is None or (stream.window_until is None and not stream.failures)


def _point(stream: Stream, spec: StreamSpec, hints: list[Hint], looked: Looked, now: datetime) -> set[int]:
    """Have what is named fetched, or the stream's window read; returns the webhooks that go on waiting.

    What cannot be fetched now is left to the window, save partings.
    """
    if stream.due_at is None:
        return set()
    single = [hint for hint in hints if hint.object_id]
    few = _ready(stream) and len(single) <= named.AT_ONCE
    fetched = single if few else [hint for hint in single if hint.topic in spec.partings]
    left = {hint.pk for hint in fetched}
    if fetched:
        looked.to_fetch.add(stream.pk)
    if rest := [hint for hint in hints if hint.pk not in left]:
        run.ask_window(Stream.objects.filter(pk=stream.pk), max(hint.received_at for hint in rest), now)
    return left


def _known(connection: Connection, specs: Iterable[StreamSpec]) -> frozenset[str]:
    """The topics of which this version knows what they mean."""
    connector = registry.connector(connection.vendor)
    return connector.farewells.union(connector.wakes, *(spec.hints | spec.partings for spec in specs))


def _leave(connection: Connection, delivery: Delivery) -> None:
    """The store removed the app: stop, unless it was connected anew since (late webhooks after a reinstall)."""
    if (delivery.triggered_at or delivery.received_at) < connection.connected_at:
        return
    with transaction.atomic():
        rows = Connection.objects.filter(pk=connection.pk, generation=connection.generation)
        if not rows.update(status=Connection.Status.DISCONNECTED, reason="The app was uninstalled."):
            return
        Stream.objects.filter(connection=connection).update(lease_until=None, lease_token="")  # what is being read is not stored any more
        Shop.objects.filter(pk=connection.shop_id, domain=connection.account).update(status=Shop.Status.UNINSTALLED)
    connection.status = Connection.Status.DISCONNECTED
    log.info("connection.left", connection__id=connection.pk, shop__id=connection.shop_id)


def _close(ids: Iterable[int], outcome: str, now: datetime) -> int:
    return Delivery.objects.filter(pk__in=list(ids), outcome=Delivery.Outcome.WAITING).update(outcome=outcome, handled_at=now)
