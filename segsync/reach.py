"""Whether a connection may be called now: it is connected, its shop still has the app, and the platform has not asked to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from integrations.errors import IntegrationError, RateLimited, Restart, Transient
from integrations.models import Connection, Shop

DOWN_AFTER = 3  # failures in a row of one caller that mean the platform is down
ALONE = timedelta(seconds=30)  # between two calls to a platform that is down
SELDOM = timedelta(seconds=120)  # the same, later on


def reachable(now: datetime) -> Q:
    """Rows (with `shop` and `connection`) whose connection may be called at `now`."""
    waited = Q(connection__wait_until__isnull=True) | Q(connection__wait_until__lte=now)
    return waited & Q(connection__status=Connection.Status.CONNECTED) & ~Q(shop__status=Shop.Status.UNINSTALLED)


def enter(connection: Connection, now: datetime) -> bool:
    """Whether this caller may call now. After a wait one caller alone finds out how the platform is; the others follow once it `answered`."""
    if connection.status != Connection.Status.CONNECTED or connection.shop.status == Shop.Status.UNINSTALLED:
        return False
    if connection.wait_until is None:
        return True
    if connection.wait_until > now:
        return False
    until, connection.wait_until = connection.wait_until, now + ALONE
    return Connection.objects.filter(pk=connection.pk, wait_until=until).update(wait_until=connection.wait_until) == 1


def answered(connection: Connection) -> None:
    """The platform takes calls: everybody may call again, unless somebody was asked to wait meanwhile."""
    if connection.wait_until is not None:
        Connection.objects.filter(pk=connection.pk, wait_until=connection.wait_until).update(wait_until=None)
        connection.wait_until = None


def heed(connection: Connection, error: IntegrationError, failures: int, now: datetime) -> None:
    """What a failed call means for everybody who calls this connection, for reading and for writing. `failures`: of this caller in a row.

    A platform that asked to wait is not called before that. One that is down is asked by one caller at a time, ever more seldom.
    """
    if isinstance(error, RateLimited):
        if error.retry_after:
            Connection.objects.filter(pk=connection.pk).update(wait_until=now + timedelta(seconds=error.retry_after))
    elif not isinstance(error, Transient) or isinstance(error, Restart):
        answered(connection)
    elif failures >= DOWN_AFTER or connection.wait_until is not None:
        wait = min(ALONE * 2 ** max(0, min(failures - DOWN_AFTER, 3)), SELDOM)
        Connection.objects.filter(pk=connection.pk).update(wait_until=now + wait)
