"""Keeping a lease while a long call runs: renewed in the background, so that leases can be short and a dead worker's work is soon taken over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection

from segsync.leases import Lease

log = structlog.get_logger(__name__)
TTL = timedelta(seconds=30)  # how long a dead process's work waits for another
EVERY = 8.0  # seconds between two renewals: three may fail before the lease is lost


@contextmanager
def kept(lease: Lease, clock: Callable[[], datetime]) -> Iterator[None]:
    """Hold `lease` for as long as the body runs. Whoever loses it all the same finds out at the next compare-and-set."""
    done = threading.Event()

    def renew() -> None:
        try:
            while not done.wait(EVERY):
                try:
                    if not lease.renew(now=clock(), ttl=TTL):
                        return
                except DatabaseError as error:
                    log.warning("lease.not_renewed", error=type(error).__name__)
        finally:
            connection.close()

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(5)
