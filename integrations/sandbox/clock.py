"""The sandbox's own time: real time plus an offset that tests and people move."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Wall-clock time (UTC) that only ever moves forward, by itself or by `advance`."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    @property
    def offset(self) -> timedelta:
        """How far the sandbox is ahead of real time."""
        return self._offset

    def now(self) -> datetime:
        """The sandbox's present instant, aware, UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> datetime:
        """Move time forward and return the new instant; raises ValueError for a negative step."""
        if by < timedelta():
            raise ValueError("Time in the sandbox only moves forward; give a positive number of seconds.")
        with self._lock:
            self._offset += by
        return self.now()
