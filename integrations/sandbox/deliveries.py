"""Webhook deliveries of both platforms: posted from the background, retried on the platform's schedule, remembered for the page.

Retries wait by the sandbox's clock, so moving time forward makes them due; `time_scale` shortens the waits for tests.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import requests
import structlog

from integrations.sandbox.faults import DELIVERY_FAULTS

if TYPE_CHECKING:
    from integrations.sandbox.world import World

log = structlog.get_logger(__name__)
TIME_OUT = (1.0, 5.0)  # seconds to connect, and between bytes: shopify.dev, "Deliver webhooks through HTTPS"
Sign = Callable[[bytes, datetime], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to hand over a webhook. `outcome` is `delivered`, `failed` (will or will not be retried) or `dropped`."""

    at: datetime
    platform: str
    account: str
    topic: str
    attempt: int
    status: int | None  # None: no answer
    outcome: str


@dataclass(order=True, slots=True)
class _Waiting:
    due: datetime
    serial: int
    platform: str = field(compare=False)
    account: str = field(compare=False)
    topic: str = field(compare=False)
    url: str = field(compare=False)
    body: bytes = field(compare=False)
    sign: Sign = field(compare=False)
    retry_delays: tuple[float, ...] = field(compare=False)
    gave_up: Callable[[], None] | None = field(compare=False)
    attempt: int = field(compare=False, default=1)


class Deliveries:
    """Posts webhooks without making the caller wait. `time_scale` multiplies every retry delay (0.001 turns hours into seconds)."""

    def __init__(self, world: World, time_scale: float = 1.0) -> None:
        self._world = world
        self.time_scale = time_scale
        self._queue: list[_Waiting] = []
        self._busy = 0
        self._serial = itertools.count()
        self._recent: deque[Delivery] = deque(maxlen=1_000)
        self._changed = threading.Condition()
        self._closed = False
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="delivery")
        self._local = threading.local()
        self._thread = threading.Thread(target=self._run, daemon=True, name="deliveries")
        self._thread.start()

    def submit(
        self,
        platform: str,
        account: str,
        url: str,
        body: bytes,
        sign: Sign,
        retry_delays: Sequence[float],
        *,
        topic: str = "",
        gave_up: Callable[[], None] | None = None,
    ) -> None:
        """Deliver `body` to `url` soon. `sign(body, now)` gives the headers of each attempt; retries send the same body.

        A non-2xx answer or more than 5 s is a failure, tried again after each of `retry_delays` (seconds of sandbox time);
        `gave_up` is called after the last. Faults `duplicate`, `reorder` and `drop` match on `topic` as the operation.
        """
        now = self._world.clock.now()
        fault = self._world.faults.take(platform, account, topic, DELIVERY_FAULTS)
        if fault and fault.kind == "drop":
            self._remember(Delivery(now, platform, account, topic, 0, None, "dropped"))
            return
        held = timedelta(seconds=fault.seconds) if fault and fault.kind == "reorder" else timedelta()
        delays = tuple(retry_delays)
        with self._changed:
            for _ in range(2 if fault and fault.kind == "duplicate" else 1):
                item = _Waiting(now + held, next(self._serial), platform, account, topic, url, body, sign, delays, gave_up)
                heapq.heappush(self._queue, item)
            self._changed.notify_all()

    def recent(self) -> list[Delivery]:
        """The last 1,000 attempts, oldest first."""
        with self._changed:
            return list(self._recent)

    def pending(self) -> int:
        """How many deliveries wait for their first try or a retry, or are under way."""
        with self._changed:
            return len(self._queue) + self._busy

    def drain(self, timeout: float) -> bool:
        """Wait up to `timeout` real seconds until nothing is due or under way (retries due later do not count); whether it came so."""
        end = time.monotonic() + timeout
        with self._changed:
            while self._busy or (self._queue and self._queue[0].due <= self._world.clock.now()):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.05))
        return True

    def close(self) -> None:
        """Stop delivering; what waits is forgotten."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                now = self._world.clock.now()
                if not self._queue or self._queue[0].due > now:
                    self._changed.wait(0.05 if self._queue else 1.0)  # short: the sandbox's clock may be moved meanwhile
                    continue
                item = heapq.heappop(self._queue)
                self._busy += 1
            try:
                self._pool.submit(self._post, item)
            except RuntimeError:  # closed meanwhile
                return

    def _post(self, item: _Waiting) -> None:
        now = self._world.clock.now()
        status: int | None = None
        try:
            session: requests.Session = self._local.__dict__.setdefault("session", requests.Session())
            session.trust_env = False
            headers = {"Content-Type": "application/json", "User-Agent": "sandbox"} | item.sign(item.body, now)
            began = time.monotonic()
            answer = session.post(item.url, data=item.body, headers=headers, timeout=TIME_OUT, allow_redirects=False)
            status = answer.status_code
            done = 200 <= status < 300 and time.monotonic() - began <= TIME_OUT[1]
        except requests.RequestException:
            done = False
        except Exception:
            log.error("sandbox.delivery_failed", platform=item.platform, account=item.account, trace=traceback.format_exc(limit=-8))
            done = False
        self._remember(Delivery(now, item.platform, item.account, item.topic, item.attempt, status, "delivered" if done else "failed"))
        with self._changed:
            self._busy -= 1
            retry = not done and not self._closed and bool(item.retry_delays)
            if retry:
                due = self._world.clock.now() + timedelta(seconds=item.retry_delays[0] * self.time_scale)
                later = replace(item, due=due, serial=next(self._serial), retry_delays=item.retry_delays[1:], attempt=item.attempt + 1)
                heapq.heappush(self._queue, later)
            self._changed.notify_all()
        if not done and not retry and item.gave_up is not None and not self._closed:
            item.gave_up()

    def _remember(self, delivery: Delivery) -> None:
        with self._changed:
            self._recent.append(delivery)
