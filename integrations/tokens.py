"""The one way to a usable access token: refreshed ahead of time, by one process at a time, stored as a pair or not at all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from integrations import vault
from integrations.errors import IntegrationError, NeedsReconnect, Transient
from integrations.models import Connection, Credential

log = structlog.get_logger(__name__)

AHEAD = timedelta(minutes=5)  # a token that dies sooner is refreshed before it is used
LEASE = timedelta(seconds=60)  # longer than the slowest refresh: connect 5 s and read 30 s
WAIT = 45.0  # seconds a loser waits for the winner's refresh


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens as a platform granted them; instants are absolute, None means that it does not expire (or is not there)."""

    access_token: str = field(repr=False)
    access_expires_at: datetime | None
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: datetime | None
    scopes: tuple[str, ...] = ()


Refresh = Callable[[str], TokenSet]


def store(connection: Connection, tokens: TokenSet) -> None:
    """Keep freshly granted tokens, whatever was there before; the connection counts as connected again, with their scopes.

    A refresh under way elsewhere loses against this and its result is dropped. A paused connection stays paused.
    """
    fields = _fields(tokens)
    with transaction.atomic():
        row, made = Credential.objects.select_for_update().get_or_create(connection=connection, defaults=fields)
        if not made:
            Credential.objects.filter(pk=row.pk).update(**fields, version=row.version + 1, lease_until=None, lease_token="")
        if tokens.scopes:
            connection.scopes = list(tokens.scopes)
        if connection.status != Connection.Status.PAUSED:
            connection.status, connection.reason = Connection.Status.CONNECTED, ""
        connection.save(update_fields=["scopes", "status", "reason"])


def access_token(connection: Connection, refresh: Refresh, *, now: datetime, stale: str | None = None) -> str:
    """Return an access token that is good for some minutes, refreshing it first when it is not.

    `stale` is a token the platform has just answered 401 to: it is refreshed although it looks good. `refresh` is called by
    one process at a time per connection and raises NeedsReconnect when the platform refuses the grant; the others wait for
    its result. Raises NeedsReconnect (and marks the connection) when the grant is gone, Transient when waiting was in vain,
    and what `refresh` raises otherwise; the stored pair is then as it was.
    """
    begun = time.monotonic()
    while True:
        waited = time.monotonic() - begun
        instant = now + timedelta(seconds=waited)
        row = _credential(connection)
        token = vault.decrypt(row.access_token)
        if token != stale and not _ends_by(row.access_expires_at, instant + AHEAD):
            return token
        if row.refresh_token is None or _ends_by(row.refresh_expires_at, instant):
            raise _broken(row, "The access has expired and cannot be renewed; connect the account again.")
        lease = _take_lease(row, instant)
        if lease:
            renewed = _refresh(row, lease, refresh, instant)
            if renewed is not None:
                return renewed
        elif token != stale and not _ends_by(row.access_expires_at, instant + timedelta(seconds=30)):
            return token  # somebody else renews it; this one lives long enough for a call
        elif waited > WAIT:
            raise Transient("Another process has been renewing the access for too long.", retry_after=30)
        else:
            time.sleep(0.1)


def refused(connection: Connection, token: str) -> IntegrationError:
    """What to raise when the platform refused `token` although it had just been renewed.

    Marks the connection NEEDS_RECONNECT, unless other tokens have been stored meanwhile: then it is only Transient.
    """
    row = _credential(connection)
    if vault.decrypt(row.access_token) != token:
        return Transient("The access was renewed during the call.")
    return _broken(row, "The platform refuses the access although it was just renewed; connect the account again.")


def _refresh(row: Credential, lease: str, refresh: Refresh, instant: datetime) -> str | None:
    """The new access token; None when another process stored newer tokens in the meantime."""
    try:
        tokens = refresh(vault.decrypt(row.refresh_token or b""))
    except NeedsReconnect as error:
        # The platform may refuse ours because another process rotated it a moment ago: only the row tells.
        if Credential.objects.filter(pk=row.pk, version=row.version).exists():
            raise _broken(row, str(error)) from error
        return None
    except BaseException:
        Credential.objects.filter(pk=row.pk, lease_token=lease).update(lease_until=None, lease_token="")
        raise
    fields = _fields(tokens)
    if tokens.refresh_token is None:  # not rotated: the one in use stays good
        del fields["refresh_token"], fields["refresh_expires_at"]
    won = Credential.objects.filter(pk=row.pk, version=row.version)
    if not won.update(**fields, version=row.version + 1, lease_until=None, lease_token="", updated_at=instant):
        return None
    log.info("token.refreshed", connection__id=row.connection_id)
    return tokens.access_token


def _take_lease(row: Credential, instant: datetime) -> str:
    lease = secrets.token_hex(16)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=instant)
    rows = Credential.objects.filter(free, pk=row.pk, version=row.version)
    return lease if rows.update(lease_until=instant + LEASE, lease_token=lease) else ""


def _broken(row: Credential, reason: str) -> NeedsReconnect:
    with transaction.atomic():
        current = Credential.objects.filter(pk=row.pk, version=row.version).update(lease_until=None, lease_token="")
        if current:
            Connection.objects.filter(pk=row.connection_id).update(status=Connection.Status.NEEDS_RECONNECT, reason=reason[:300])
    log.warning("connection.needs_reconnect", connection__id=row.connection_id)
    return NeedsReconnect(reason)


def _credential(connection: Connection) -> Credential:
    row = Credential.objects.select_related("connection").filter(connection=connection).first()
    if row is None:
        raise NeedsReconnect("The account is not connected; connect it first.")
    if row.connection.status in (Connection.Status.NEEDS_RECONNECT, Connection.Status.DISCONNECTED):
        raise NeedsReconnect(row.connection.reason or "The account is disconnected; connect it again.")
    return row


def _fields(tokens: TokenSet) -> dict[str, bytes | datetime | None]:
    return {
        "access_token": vault.encrypt(tokens.access_token),
        "access_expires_at": tokens.access_expires_at,
        "refresh_token": vault.encrypt(tokens.refresh_token) if tokens.refresh_token is not None else None,
        "refresh_expires_at": tokens.refresh_expires_at,
    }


def _ends_by(expires_at: datetime | None, instant: datetime) -> bool:
    return expires_at is not None and expires_at <= instant
