"""Rows that fall due and are taken by one worker at a time, by compare-and-set: the row count decides, on every database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q


class Due(models.Model):
    """A row that some worker must see to at `due_at`. A lease that is not released expires by itself."""

    due_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="When this is to be looked at next; empty: when something asks for it.")
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.CharField(max_length=32, blank=True, editable=False)

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof that this process holds a row until `until`."""

    model: type[models.Model]
    pk: int
    token: str
    until: datetime

    def renew(self, *, now: datetime, ttl: timedelta) -> bool:
        """Hold on for `ttl` from `now`; False when the lease was lost: stop at once then."""
        return self._rows().update(lease_until=now + ttl) == 1

    def release(self, **fields: Any) -> bool:
        """Give the row back, setting `fields` with it; False (and nothing set) when the lease was lost."""
        return self._rows().update(lease_until=None, lease_token="", **fields) == 1

    def _rows(self) -> models.QuerySet[Any]:
        return self.model._base_manager.filter(pk=self.pk, lease_token=self.token)


def free(now: datetime) -> Q:
    """Rows nobody holds at `now`."""
    return Q(lease_until__isnull=True) | Q(lease_until__lt=now)


def claim(model: type[models.Model], pk: int, *, now: datetime, ttl: timedelta, only: Q | None = None) -> Lease | None:
    """Take the row for `ttl`, if nobody holds it (and `only` still holds); None when somebody was faster.

    `only` may ask for columns of the row alone: PostgreSQL does not look at joined rows again after waiting for a lock.
    """
    token = secrets.token_hex(16)
    rows = model._base_manager.filter(free(now), pk=pk)
    if only is not None:
        rows = rows.filter(only)
    taken = rows.update(lease_until=now + ttl, lease_token=token)
    return Lease(model, pk, token, now + ttl) if taken else None
