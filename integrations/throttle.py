"""Pacing ahead of the platforms' rate limits, for this process; the platforms' own answers stay the judge.

Waits are at most 20 seconds; whoever would have to wait longer gets RateLimited with the time to come back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from integrations import waiting
from integrations.errors import RateLimited

LONGEST_WAIT = 20.0  # seconds

Sleep = Callable[[float], None]
Clock = Callable[[], float]


def pause(seconds: float, sleep: Sleep = waiting.sleep) -> None:
    """Sleep `seconds`; raises RateLimited instead when that is longer than a worker may be held."""
    if seconds > LONGEST_WAIT:
        raise RateLimited(f"The platform's rate limit asks to wait {seconds:.0f} seconds.", retry_after=seconds)
    if seconds > 0:
        sleep(seconds)


class CostPacer:
    """A leaky bucket of points as Shopify keeps it per app and shop (shopify.dev, "API rate limits").

    Nothing is assumed before the first answer; from then on a call waits until its cost is likely to be there.
    """

    def __init__(self, clock: Clock = waiting.monotonic, sleep: Sleep = waiting.sleep) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._available = self._rate = self._maximum = 0.0
        self._at = 0.0

    @property
    def rate(self) -> float:
        """Points restored each second, as the platform last said; 0 before its first answer."""
        return self._rate

    def wait(self, cost: float) -> None:
        """Wait until `cost` points should be free, and count them as taken. Raises RateLimited."""
        with self._lock:
            if not self._rate:
                return
            self._refill()
            short = min(cost, self._maximum) - self._available
            delay = max(0.0, short / self._rate)
            if delay <= LONGEST_WAIT:
                self._available -= cost
        pause(delay, self._sleep)

    def learn(self, available: float, rate: float, maximum: float) -> None:
        """Take over what the platform said about the bucket just now."""
        with self._lock:
            self._available, self._rate, self._maximum, self._at = available, rate, maximum, self._clock()

    def _refill(self) -> None:
        now = self._clock()
        self._available = min(self._maximum, self._available + (now - self._at) * self._rate)
        self._at = now


class WindowPacer:
    """At most `limit` calls in any `seconds` (HubSpot's rolling windows: developers.hubspot.com, "Usage guidelines")."""

    def __init__(self, limit: int, seconds: float, clock: Clock = waiting.monotonic, sleep: Sleep = waiting.sleep) -> None:
        self._limit, self._seconds = limit, seconds
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()  # when each call of the last window begins, ascending

    def wait(self) -> None:
        """Wait for this call's turn and take it. Raises RateLimited (no turn is taken then)."""
        with self._lock:
            now = self._clock()
            while self._starts and self._starts[0] <= now - self._seconds:
                self._starts.popleft()
            turn = now if len(self._starts) < self._limit else max(now, self._starts[-self._limit] + self._seconds)
            if turn - now <= LONGEST_WAIT:
                self._starts.append(turn)
        pause(turn - now, self._sleep)


Pacer = TypeVar("Pacer")
_pacers: dict[Hashable, object] = {}
_pacers_lock = threading.Lock()


def pacer(key: Hashable, make: Callable[[], Pacer]) -> Pacer:
    """The one pacer of `key` in this process, made at first use."""
    with _pacers_lock:
        if key not in _pacers:
            _pacers[key] = make()
        return cast(Pacer, _pacers[key])
