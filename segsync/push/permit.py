"""Whether telling a connection may go on: a pause or the kill switch ends it within a second, also in the middle of a batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from integrations.models import Connection, Shop
from segsync.diff.models import Target
from segsync.leases import Lease
from segsync.push.models import Channel

LOOK_EVERY = 0.25  # seconds that an answer of the database is good for
SILENT = (Target.State.PAUSED, Target.State.DRY_RUN)


class Permit:
    """It ends with a pause of the channel, of the connection or of a place that is being told, with
    the shop's kill switch, a new connect, an uninstallation and a lost lease; for new batches also after `at_most` of the clock.
    """

    def __init__(self, lease: Lease, connection: Connection, clock: Callable[[], datetime], at_most: timedelta) -> None:
        self._clock, self._until = clock, clock() + at_most
        self._channel = (
            Channel.objects.filter(pk=lease.pk, lease_token=lease.token, paused=False)
            .filter(connection__status=Connection.Status.CONNECTED, connection__generation=connection.generation)
            .exclude(shop__status=Shop.Status.UNINSTALLED)
            .exclude(shop__writeback__stopped_at__isnull=False)
        )
        self._told: set[int] = set()
        self._looked_at = float("-inf")
        self._given = True

    def __call__(self) -> bool:
        """Whether one more batch may be told."""
        return self.holds() and self._clock() < self._until

    def holds(self) -> bool:
        """Whether one more request may be made, however long it has gone on: a batch that was begun is not torn apart for its length."""
        if self._given and time.monotonic() - self._looked_at >= LOOK_EVERY:
            self._given = self._channel.exists() and not Target.objects.filter(pk__in=self._told, state__in=SILENT).exists()
            self._looked_at = time.monotonic()
        return self._given

    def about(self, targets: Iterable[int]) -> None:
        """The places that are being told from now on."""
        self._told, self._looked_at, self._given = set(targets), float("-inf"), True
