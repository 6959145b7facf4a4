"""Webhooks as Shopify sends them: signed, some twice, out of order, and again and again until they are taken."""

from __future__ import annotations

import heapq
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests

from integrations.sandbox.shopify.schema import LATEST
from integrations.sandbox.shopify.webhooks import signature
from tests.chaos.store import DOMAIN, Shopkeeping

SIGMA = 40.0  # places by which a delivery overtakes or falls behind
TWICE = 0.2  # of all deliveries are repetitions
AGAIN = 1.0  # seconds after which one that was not taken is sent again


class Post:
    """`number` deliveries over `seconds`; the events that they tell of happen on the way."""

    def __init__(self, shop: Shopkeeping, url: str, secret: str, number: int, seconds: float, seed: int) -> None:
        self._shop, self._url, self._secret = shop, url, secret
        self._every = seconds / number
        self._random = random.Random(f"{seed}:post")
        self._events = round(number * (1 - TWICE))
        self._repeated = number - self._events
        self._local = threading.local()
        self._lock = threading.Lock()
        self.taken: dict[str, int] = {}  # how often each delivery was answered with 200
        self.refused = 0
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    @property
    def share(self) -> float:
        """What part of the deliveries has been taken."""
        with self._lock:
            return sum(self.taken.values()) / (self._events + self._repeated)

    @property
    def done(self) -> bool:
        """Whether everything that happened was told and taken."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        again = set(self._random.sample(range(self._events), min(self._repeated, self._events)))
        queue: list[tuple[float, int, str, str, bytes]] = []
        step = self._every / (1 - TWICE)
        began, told, serial = time.monotonic(), 0, 0
        with ThreadPoolExecutor(8) as pool:
            flying = []
            while told < self._events or queue or flying:
                now = time.monotonic() - began
                while told < self._events and told * step <= now:
                    topic, body = self._shop.happen()
                    name = str(uuid.UUID(int=self._random.getrandbits(128)))
                    for _ in range(2 if told in again else 1):
                        at = max(told, told + SIGMA + self._random.gauss(0, SIGMA)) * step
                        heapq.heappush(queue, (at, serial, name, topic, body))
                        serial += 1
                    told += 1
                while queue and queue[0][0] <= now:
                    item = heapq.heappop(queue)
                    flying.append((item, pool.submit(self._send, *item[2:])))
                for item, sent in [each for each in flying if each[1].done()]:
                    flying.remove((item, sent))
                    if not sent.result():
                        heapq.heappush(queue, (now + AGAIN, *item[1:]))
                time.sleep(0.01)

    def _send(self, name: str, topic: str, body: bytes) -> bool:
        session: requests.Session = self._local.__dict__.setdefault("session", requests.Session())
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": DOMAIN,
            "X-Shopify-API-Version": LATEST,
            "X-Shopify-Webhook-Id": name,
            "X-Shopify-Event-Id": name,
            "X-Shopify-Triggered-At": self._shop.world.clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "X-Shopify-Hmac-Sha256": signature(self._secret, body),
        }
        try:
            status = session.post(self._url, data=body, headers=headers, timeout=(1, 5)).status_code
        except requests.RequestException:
            status = 0
        with self._lock:
            if status == 200:
                self.taken[name] = self.taken.get(name, 0) + 1
            else:
                self.refused += 1
        return status == 200
