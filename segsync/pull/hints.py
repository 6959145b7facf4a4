"""Webhooks as hints: what they name is asked for again; nothing in them is believed."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from integrations import registry
from integrations.models import Connection, Delivery, Shop
from segsync.pull.models import Stream

log = structlog.get_logger(__name__)


def heed(now: datetime, limit: int = 1_000) -> int:
    """Make the streams that waiting webhooks point at due now; returns how many webhooks were seen to.

    A topic that this version does not know is kept for one that does.
    """
    waiting = Delivery.objects.filter(outcome=Delivery.Outcome.WAITING).order_by("received_at").defer("body")[:limit]
    groups: dict[tuple[int, str], list[Delivery]] = {}
    for delivery in waiting:
        groups.setdefault((delivery.shop_id, delivery.vendor), []).append(delivery)
    heeded = 0
    for (shop_id, vendor), deliveries in groups.items():
        connection = Connection.objects.filter(shop_id=shop_id, vendor=vendor).select_related("shop").first()
        heeded += _heed(connection, deliveries, now) if connection else _close(deliveries, Delivery.Outcome.IGNORED, now)
    return heeded


def _heed(connection: Connection, deliveries: list[Delivery], now: datetime) -> int:
    connector = registry.connector(connection.vendor)
    for delivery in deliveries:
        if delivery.topic in connector.farewells:
            _leave(connection, delivery)
    if connection.status != Connection.Status.CONNECTED:
        said = [delivery for delivery in deliveries if delivery.topic in connector.farewells]
        return _close(said, Delivery.Outcome.DONE, now) + _close(deliveries, Delivery.Outcome.IGNORED, now)
    topics = {delivery.topic for delivery in deliveries}
    specs = registry.source(connection).streams
    hinted = [spec.name for spec in specs if spec.hints & topics]
    streams = Stream.objects.filter(connection=connection, failures=0)  # one that is backing off keeps its wait: a hint must not turn into a retry storm
    latest = max(now, *(delivery.received_at for delivery in deliveries))
    Stream.objects.filter(connection=connection, name__in=hinted).update(hinted_at=latest)
    streams.filter(name__in=hinted, window_until__isnull=True, due_at__gt=now).update(due_at=now)
    if topics & connector.wakes:
        streams.filter(window_until__isnull=False, due_at__gt=now).update(due_at=now)
    known = connector.farewells.union(connector.wakes, *(spec.hints for spec in specs))
    unknown = [delivery for delivery in deliveries if delivery.topic not in known]
    heeded = [delivery for delivery in deliveries if delivery.topic in known]
    return _close(heeded, Delivery.Outcome.DONE, now) + _close(unknown, Delivery.Outcome.LATER, now)


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


def _close(deliveries: list[Delivery], outcome: str, now: datetime) -> int:
    ids = [delivery.pk for delivery in deliveries]
    return Delivery.objects.filter(pk__in=ids, outcome=Delivery.Outcome.WAITING).update(outcome=outcome, handled_at=now)
