"""Whether a connection may be called now: it is connected, its shop still has the app, and the platform has not asked to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from integrations.errors import IntegrationError, RateLimited
from integrations.models import Connection, Shop


def reachable(now: datetime) -> Q:
    """Rows (with `shop` and `connection`) whose connection may be called at `now`."""
    waited = Q(connection__wait_until__isnull=True) | Q(connection__wait_until__lte=now)
    return waited & Q(connection__status=Connection.Status.CONNECTED) & ~Q(shop__status=Shop.Status.UNINSTALLED)


def may_call(connection: Connection, now: datetime) -> bool:
    """The same for one connection, as it was read."""
    waited = connection.wait_until is None or connection.wait_until <= now
    return waited and connection.status == Connection.Status.CONNECTED and connection.shop.status != Shop.Status.UNINSTALLED


def heed_limit(connection: Connection, error: IntegrationError, now: datetime) -> None:
    """A platform that asked to wait is not called by anybody before that, neither for reading nor for writing."""
    if isinstance(error, RateLimited) and error.retry_after:
        Connection.objects.filter(pk=connection.pk).update(wait_until=now + timedelta(seconds=error.retry_after))
