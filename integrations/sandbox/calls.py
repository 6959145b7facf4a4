"""What was asked of the sandbox, for people and tests to look at: calls per minute and throttles, per platform account."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Call:
    """One answered request. `operation` is a GraphQL operation name or `METHOD /path` with ids taken out."""

    at: datetime
    platform: str  # "shopify" | "hubspot"
    account: str  # shop domain or hub id
    operation: str
    status: int
    throttled: bool


class CallLog:
    """Keeps the last 20,000 calls and totals since the start; safe to use from any thread."""

    def __init__(self) -> None:
        self._recent: deque[Call] = deque(maxlen=20_000)
        self._totals: Counter[tuple[str, str, str, bool]] = Counter()
        self._lock = threading.Lock()

    def record(self, call: Call) -> None:
        """Add one answered call."""
        with self._lock:
            self._recent.append(call)
            self._totals[call.platform, call.account, call.operation, call.throttled] += 1

    def recent(self, since: datetime) -> list[Call]:
        """The calls that came in at or after `since`, in the order in which they were answered (at most 20,000)."""
        with self._lock:
            return [call for call in self._recent if call.at >= since]

    def last_minute(self, now: datetime) -> list[Call]:
        """The calls of the 60 seconds before `now`."""
        return self.recent(now - timedelta(minutes=1))

    def totals(self) -> dict[tuple[str, str, str, bool], int]:
        """Counts since the start by (platform, account, operation, throttled)."""
        with self._lock:
            return dict(self._totals)
