"""Webhooks as hints: what they name is asked for again; nothing in them is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import transaction

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


def heed(now: datetime, limit: int = 1_000) -> int:
    """`look`, for those who only ask how many webhooks were seen to."""
    return look(now, limit).heeded


def look(now: datetime, limit: int = 1_000) -> Looked:
    """See to waiting webhooks: what they name is to be fetched, or else the streams that they point at are made due.

    Those whose object is to be fetched wait until it is stored. A topic that this version does not know is kept for one that does.
    """
    looked = Looked()
    rows = Delivery.objects.filter(outcome=Delivery.Outcome.WAITING).order_by("received_at")
    groups: dict[tuple[int, str], list[int]] = {}
    for pk, shop_id, vendor in rows.values_list("pk", "shop_id", "vendor")[:limit]:
        groups.setdefault((shop_id, vendor), []).append(pk)
    for (shop_id, vendor), ids in groups.items():
        connection = Connection.objects.filter(shop_id=shop_id, vendor=vendor).select_related("shop").first()
        if connection is None:
            looked.heeded += _close(ids, Delivery.Outcome.IGNORED, now)
        else:
            _heed(connection, ids, looked, now)
    return looked


def _heed(connection: Connection, ids: list[int], looked: Looked, now: datetime) -> None:
    connector = registry.connector(connection.vendor)
    said = Delivery.objects.filter(pk__in=ids, topic__in=connector.farewells).defer("body")
    for delivery in said:
        _leave(connection, delivery)
    if connection.status != Connection.Status.CONNECTED:
        looked.heeded += _close([delivery.pk for delivery in said], Delivery.Outcome.DONE, now) + _close(ids, Delivery.Outcome.IGNORED, now)
        return
    source = registry.source(connection)
    hints = named.read_hints(source, named.waiting(ids))
    streams = {stream.name: stream for stream in Stream.objects.filter(connection=connection)}
    left: set[int] = set()
    for spec in source.streams:
        if stream := streams.get(spec.name):
            left |= _point(stream, spec, [hint for hint in hints if hint.topic in spec.hints | spec.partings], looked, now)
    if any(hint.topic in connector.wakes for hint in hints):
        Stream.objects.filter(connection=connection, failures=0, window_until__isnull=False, due_at__gt=now).update(due_at=now)
    known = connector.farewells.union(connector.wakes, *(spec.hints | spec.partings for spec in source.streams))
    heeded = [hint.pk for hint in hints if hint.topic in known and hint.pk not in left]
    unknown = [hint.pk for hint in hints if hint.topic not in known]
    looked.heeded += _close(heeded, Delivery.Outcome.DONE, now) + _close(unknown, Delivery.Outcome.LATER, now)


def _point(stream: Stream, spec: StreamSpec, hints: list[Hint], looked: Looked, now: datetime) -> set[int]:
    """Have what is named fetched, or the stream's window read; returns the webhooks that go on waiting.

    Partings wait until they can be looked into, for no window tells of them; whatever else cannot be fetched now is left to the window.
    """
    if stream.due_at is None:
        return set()
    ready = stream.window_until is None and not stream.failures
    single = [hint for hint in hints if hint.object_id]
    fetched = single if ready and len(single) <= named.AT_ONCE else [hint for hint in single if hint.topic in spec.partings]
    left = {hint.pk for hint in fetched}
    if ready and fetched:
        looked.to_fetch.add(stream.pk)
    if rest := [hint for hint in hints if hint.pk not in left]:
        run.ask_window(Stream.objects.filter(pk=stream.pk), max(hint.received_at for hint in rest), now)
    return left


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


def _close(ids: list[int], outcome: str, now: datetime) -> int:
    return Delivery.objects.filter(pk__in=ids, outcome=Delivery.Outcome.WAITING).update(outcome=outcome, handled_at=now)
