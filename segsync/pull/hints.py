"""Webhooks as hints: what they name is asked for again; nothing in them is believed."""

from __future__ import annotations

from datetime import datetime

import structlog

from integrations import registry
from integrations.models import Connection, Delivery
from segsync.pull.models import Stream

log = structlog.get_logger(__name__)


def heed(now: datetime, limit: int = 1_000) -> int:
    """Make the streams that waiting webhooks point at due now; returns how many webhooks were seen to.

    A topic that this version does not know is kept for one that does.
    """
    waiting = list(Delivery.objects.filter(outcome=Delivery.Outcome.WAITING).order_by("received_at")[:limit])
    groups: dict[tuple[int, str], list[Delivery]] = {}
    for delivery in waiting:
        groups.setdefault((delivery.shop_id, delivery.vendor), []).append(delivery)
    heeded = 0
    for (shop_id, vendor), deliveries in groups.items():
        connection = Connection.objects.filter(shop_id=shop_id, vendor=vendor).select_related("shop").first()
        heeded += _heed(connection, deliveries, now)
    return heeded


def _heed(connection: Connection | None, deliveries: list[Delivery], now: datetime) -> int:
    if connection is None:
        return _close(deliveries, Delivery.Outcome.IGNORED, now)
    connector = registry.connector(connection.vendor)
    done: list[Delivery] = []
    for delivery in deliveries:
        if delivery.topic in connector.farewells:
            _leave(connection, delivery, now)
            done.append(delivery)
    if connection.status != Connection.Status.CONNECTED:
        rest = [delivery for delivery in deliveries if delivery not in done]
        return _close(done, Delivery.Outcome.DONE, now) + _close(rest, Delivery.Outcome.IGNORED, now)
    hinted = set()
    for spec in registry.source(connection).streams:
        topics = [delivery for delivery in deliveries if delivery.topic in spec.hints]
        if topics:
            hinted.add(spec.name)
            done += [delivery for delivery in topics if delivery not in done]
    Stream.objects.filter(connection=connection, name__in=hinted).update(hinted_at=now)
    if awake := [delivery for delivery in deliveries if delivery.topic in connector.wakes]:
        Stream.objects.filter(connection=connection, failures=0, window_until__isnull=False).update(due_at=now)
        done += [delivery for delivery in awake if delivery not in done]
    # A stream that is backing off keeps its wait: a hint must not turn into a retry storm.
    Stream.objects.filter(connection=connection, name__in=hinted, failures=0, window_until__isnull=True).update(due_at=now)
    unknown = [delivery for delivery in deliveries if delivery not in done]
    return _close(done, Delivery.Outcome.DONE, now) + _close(unknown, Delivery.Outcome.LATER, now)


def _leave(connection: Connection, delivery: Delivery, now: datetime) -> None:
    """The store removed the app: stop, unless it was connected anew since (late webhooks after a reinstall)."""
    if (delivery.triggered_at or delivery.received_at) < connection.connected_at:
        return
    Connection.objects.filter(pk=connection.pk, generation=connection.generation).update(
        status=Connection.Status.DISCONNECTED, reason="The app was uninstalled."
    )
    connection.status = Connection.Status.DISCONNECTED
    Stream.objects.filter(connection=connection).update(due_at=None)
    log.info("connection.left", connection__id=connection.pk, shop__id=connection.shop_id)


def _close(deliveries: list[Delivery], outcome: str, now: datetime) -> int:
    ids = [delivery.pk for delivery in deliveries]
    return Delivery.objects.filter(pk__in=ids, outcome=Delivery.Outcome.WAITING).update(outcome=outcome, handled_at=now)
