"""How soon the other side knows: from a store's webhook to our tag call, and from the end of an hour window to the tag's removal.

Everything runs as it does in production, each process by itself; the platforms are the sandbox. All instants are of one machine's clock.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import requests
from django.core.management.base import OutputWrapper
from django.db import connection

from config.celery import app
from config.processes import Family
from integrations.models import Delivery, Shop
from segsync import clock, pipeline
from segsync.demo.progress import wait_until_settled
from segsync.diff.models import LedgerEntry
from segsync.evaluate.models import Membership
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.store.models import Profile

ORDERED = ("bench-ordered", "orders_placed MATCHES (date >= -24h)")
LEFT_CART = ("bench-left-cart", "checkouts_abandoned MATCHES (date >= -1h, recovered = false)")
HOUR = timedelta(hours=1)
PATIENCE = 60.0  # seconds after which an order's tag call is given up
SOONEST, SPREAD = 45.0, 150.0  # seconds from now to the first window's end, and from that to the last one's
LATEST = 150.0  # seconds after the last window's end until removals are given up
REST = 1.0  # seconds between two looks at the removals


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds, of all events but those that never arrived (`missed`)."""

    events: int
    missed: int
    p50: float
    p95: float
    largest: float

    @classmethod
    def of(cls, found: Sequence[float | None]) -> Spread:
        """By nearest rank; an event that never arrived is None. All of them missing gives NaN."""
        known = sorted(each for each in found if each is not None)

        def at(share: float) -> float:
            return round(known[max(0, math.ceil(share * len(known)) - 1)], 3) if known else math.nan

        return cls(len(found), len(found) - len(known), at(0.5), at(0.95), at(1.0))


@dataclass(frozen=True, slots=True)
class Freshness:
    """`orders`: from the sandbox sending an order's webhook to its reading our tag call. `received`: the same from our storing the webhook.

    `stages`: the median seconds from the webhook's receipt until each stage had seen to the order.
    `exits`: from the instant at which an hour window passed over a checkout to the sandbox reading our removal of the tag.
    """

    database: str
    broker: str
    customers: int
    segments: int
    orders: Spread
    received: Spread
    exits: Spread
    stages: dict[str, float]

    @property
    def missed(self) -> int:
        """Events whose call never came."""
        return self.orders.missed + self.exits.missed

    def told(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


class Bench:
    """One connected shop at rest, to which things happen one after another."""

    def __init__(self, sandbox_url: str, domain: str, family: Family, out: OutputWrapper) -> None:
        self._shop = Shop.objects.get(domain=domain)
        self._control = f"{sandbox_url}/control/shops/{domain}"
        self._family, self._out = family, out
        self._session = requests.Session()
        self._random = random.Random(20261122)

    def measure(self, events: int, exits: int) -> Freshness:
        """Both kinds of events, on a shop that has come to rest. Raises TookTooLong when it does not."""
        self._settle()
        for handle, rule in (ORDERED, LEFT_CART):
            made = create_segment(self._shop, handle=handle, name=handle, description="", rule=rule, author=None, now=clock.now())
            pipeline.rule_changed(made, clock.now())
        self._settle()
        people = self._outsiders(events + exits)
        self._out.write(f"  {events} orders, one after another")
        sent, received, stages = self._orders(people[:events])
        self._settle()
        self._out.write(f"  {exits} checkouts that an hour window passes over within {SOONEST + SPREAD:.0f} s")
        left = self._exits(people[events:])
        return Freshness(
            database=connection.vendor,
            broker=str(app.conf.broker_url).partition(":")[0],
            customers=Profile.objects.filter(shop=self._shop, source="shopify").count(),
            segments=Segment.objects.filter(shop=self._shop).count(),
            orders=Spread.of(sent),
            received=Spread.of(received),
            exits=Spread.of(left),
            stages=stages,
        )

    def _settle(self) -> None:
        wait_until_settled(self._shop, self._out, self._family.tend, 600)

    def _outsiders(self, wanted: int) -> list[int]:
        """Store customers who are in neither segment and share their record with nobody. Raises RuntimeError when there are too few."""
        inside = Membership.objects.filter(shop=self._shop, segment__handle__in=(ORDERED[0], LEFT_CART[0]), until__isnull=True)
        rows = Profile.objects.filter(shop=self._shop, source="shopify", gone_at__isnull=True).exclude(customer__in=inside.values("customer"))
        only = dict(rows.order_by("pk").values_list("customer_id", "external_id"))
        if len(only) < wanted:
            raise RuntimeError(f"{wanted} customers are needed who have not ordered lately, and the store has {len(only)}")
        return [int(external_id) for external_id in list(only.values())[:wanted]]

    def _orders(self, people: Sequence[int]) -> tuple[list[float | None], list[float | None], dict[str, float]]:
        told: dict[int, datetime] = {}
        reached: dict[int, datetime | None] = {}
        for customer in people:
            answer = self._post("orders", customer=customer)
            told[answer["order"]] = datetime.fromisoformat(answer["told_at"])
            reached[answer["order"]] = self._tagged(customer)
            self._family.tend()
            time.sleep(self._random.uniform(0.2, 1.2))  # so that no event keeps step with a clock of ours
        rows = {
            int(orjson.loads(bytes(row.body))["id"]): row for row in Delivery.objects.filter(shop=self._shop, topic="orders/create").iterator(chunk_size=500)
        }
        kept = {order: row.received_at for order, row in rows.items()}
        fetched = {order: row.handled_at for order, row in rows.items()}
        stages = {"looked at": _median(kept, fetched)} | {name: _median(kept, ends) for name, ends in self._progress(people, list(told)).items()}
        return _seconds(told, reached), _seconds(kept, reached), stages | {"tag call received": _median(kept, reached)}

    def _progress(self, people: Sequence[int], orders: Sequence[int]) -> dict[str, dict[int, datetime | None]]:
        """When each order had been judged, routed and was acknowledged, by our own rows."""
        by_record = dict(zip(map(str, people), orders, strict=True))
        marks = LedgerEntry.objects.filter(target__name=f"segsync:{ORDERED[0]}", profile__external_id__in=list(by_record))
        found: dict[str, dict[int, datetime | None]] = {"judged": {}, "routed": {}, "acknowledged": {}}
        for record, customer, wanted_at, acked_at in marks.values_list("profile__external_id", "profile__customer_id", "wanted_at", "acked_at"):
            order = by_record[record]
            stay = Membership.objects.filter(segment__handle=ORDERED[0], customer=customer, until__isnull=True).first()
            found["judged"][order] = stay.since if stay else None
            found["routed"][order], found["acknowledged"][order] = wanted_at, acked_at
        return found

    def _tagged(self, customer: int) -> datetime | None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if calls := self._calls(ORDERED[0], add=True, customer=customer):
                return calls[customer]
            time.sleep(0.05)
        return None

    def _exits(self, people: Sequence[int]) -> list[float | None]:
        crossed: dict[int, datetime] = {}
        for place, customer in enumerate(people):
            lead = SOONEST + SPREAD * place / max(1, len(people) - 1)
            left_at = datetime.fromisoformat(self._post("checkouts", customer=customer, seconds_ago=round(HOUR.total_seconds() - lead))["left_at"])
            crossed[customer] = left_at + HOUR
        deadline = time.monotonic() + SOONEST + SPREAD + LATEST
        while time.monotonic() < deadline and crossed.keys() - (found := self._calls(LEFT_CART[0], add=False)).keys():
            self._family.tend()
            time.sleep(REST)
        return _seconds(crossed, {customer: found.get(customer) for customer in crossed})

    def _calls(self, handle: str, *, add: bool, customer: int = 0) -> dict[int, datetime]:
        """When each customer (or the one) was first given the segment's tag, or had it taken away."""
        answer = self._session.get(f"{self._control}/tag-calls", params={"tag": f"segsync:{handle}", "customer": str(customer)}, timeout=30)
        answer.raise_for_status()
        found: dict[int, datetime] = {}
        for call in answer.json()["calls"]:
            if call["add"] is add:
                found.setdefault(call["customer_id"], datetime.fromisoformat(call["at"]))
        return found

    def _post(self, what: str, **given: int) -> dict[str, Any]:
        answer = self._session.post(f"{self._control}/{what}", json=given, timeout=30)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def _median(begun: Mapping[int, datetime], ended: Mapping[int, datetime | None]) -> float:
    return Spread.of(_seconds(begun, ended)).p50


def _seconds(begun: Mapping[int, datetime], ended: Mapping[int, datetime | None]) -> list[float | None]:
    return [(end - begun[key]).total_seconds() if (end := ended[key]) and key in begun else None for key in ended]
