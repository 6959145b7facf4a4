"""A shop to which anything happens in any order: pages come late, twice and mixed, rules are edited, clocks change, processes die.

Whenever it is let come to rest, memberships must be those of everybody judged anew. Whatever is told is the store's or the portal's state
of that moment, so that any order of arrival ends in the same facts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from integrations import records
from segsync import pipeline
from segsync.evaluate import cuts, due, judge, runs, selfcheck, sizes, whole
from segsync.leases import Lease
from segsync.rules.models import Segment
from segsync.store import upsert
from tests.journeys.fresh import faults
from tests.journeys.world import LONG_AGO, PORTAL, STORE, World, prepare
from tests.line import Killed

WHO = st.sampled_from(("ann", "bo", "cy", "dee"))
ORDER = st.sampled_from(("o1", "o2", "o3", "o4", "o5", "o6"))
HANDLES = ("a", "b", "c")
HANDLE = st.sampled_from(HANDLES)
SPANS = tuple(timedelta(seconds=s) for s in (1, 29, 60, 3541, 3600, 5400, 7200, 7260, 18000, 86400, 90000))
SPAN = st.sampled_from(SPANS)
NOW = st.sampled_from((True, True, False))
AT_LAST = (timedelta(), timedelta(hours=3), timedelta(days=1))  # by then every hour window, and then every day, has gone by
# Each begins some hours before its clocks change, or before a month's or a year's end.
PLACES = (
    ("Europe/London", "2026-10-24 22:40"),
    ("Europe/London", "2026-03-28 22:40"),
    ("America/New_York", "2026-11-01 00:10"),
    ("America/Santiago", "2026-09-05 21:00"),
    ("Africa/Cairo", "2026-04-23 21:00"),
    ("Australia/Lord_Howe", "2026-04-05 00:20"),
    ("Asia/Kolkata", "2026-12-31 22:50"),
    ("UTC", "2028-02-28 23:30"),
)
RULES = (
    "orders_placed MATCHES (count >= 1)",
    "orders_placed MATCHES (date >= -2h)",
    "orders_placed MATCHES (date >= -90min, sum_amount >= 100)",
    "orders_placed MATCHES (date >= -1d)",
    "orders_placed MATCHES (date = today)",
    "orders_refunded MATCHES (date >= -2h)",
    "checkouts_abandoned MATCHES (date >= -1h, recovered = false)",
    "emails.opened MATCHES (date > -24h)",
    "emails.opened MATCHES () THEN orders_placed NOT MATCHES () WITHIN 2h",
    "last_order_date BETWEEN -3h AND now",
    "customer_added_date >= -5h",
    "days_since_last_order >= 1",
    "customer_tags CONTAINS 'vip'",
    "number_of_orders >= 2",
    "amount_spent IN TOP 1",
    "usage_rate = 'MEDIUM' OR journey_stage = 'PROSPECT'",
)
RULE = st.sampled_from(RULES)
# Where a process may die: before or after any call of these.
PLACES_TO_DIE: tuple[tuple[Any, str], ...] = (
    (judge, "_judge"),
    (judge, "apply"),
    (judge, "_count"),
    (judge, "_record"),
    (judge, "_evaluated"),
    (judge, "judge_changed"),
    (judge, "judge_whole"),
    (whole, "_apply"),
    (whole, "_clear"),
    (runs, "begin"),
    (runs, "end"),
    (cuts, "renew"),
    (due, "sweep"),
    (due, "mark_changed"),
    (sizes, "keep"),
    (selfcheck, "compare"),
    (upsert, "mark_changed"),
    (pipeline, "make_targets"),
    (pipeline, "route"),
)


class Difference(AssertionError):
    """Something is not as it must be in a shop at rest."""


@dataclass
class Tally:
    """What the machines of this run came to."""

    runs: int = 0
    steps: int = 0
    rests: int = 0
    deaths: int = 0


MACHINES = Tally()


class Mortal(World):
    """A world whose processes die where they are told to; what they held is free when its lease runs out."""

    def __init__(self, zone: str, start: str, patch: pytest.MonkeyPatch) -> None:
        super().__init__(zone, start)
        self.doom: tuple[str, int, bool] | None = None
        self.dead = False
        for place, name in PLACES_TO_DIE:
            patch.setattr(place, name, self._mortal(f"{place.__name__}.{name}", getattr(place, name)))
        release = Lease.release
        patch.setattr(Lease, "release", lambda lease, **fields: False if self.dead else release(lease, **fields))  # the dead give nothing back

    def _mortal(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if self.doom is None or self.doom[0] != name:
                return original(*args, **more)
            _, left, after = self.doom
            if left > 1:
                self.doom = (name, left - 1, after)
                return original(*args, **more)
            self.doom = None
            if after:
                original(*args, **more)
            self.dead = True
            raise Killed

        return call

    def decide(self) -> None:
        try:
            super().decide()
        except Killed:
            self._buried()

    def store(self, source: str, page: tuple[records.Record, ...]) -> None:
        """Store a page; when that dies, the next process pulls it again."""
        try:
            super().store(source, page)
        except Killed:
            self._buried()
            super().store(source, page)

    def _buried(self) -> None:
        self.dead = False
        MACHINES.deaths += 1


class AnyOrder(RuleBasedStateMachine):
    """The rules are what may happen next; each draws what it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.savepoint = transaction.savepoint()
        self.patch.setattr(settings, "SEGSYNC_MIDNIGHT_SPREAD", 0)
        self.orders: dict[str, records.Order] = {}
        self.checkouts: dict[str, records.Checkout] = {}
        self.people: dict[str, records.Customer] = {}
        self.world: Mortal
        self.busy = 0
        MACHINES.runs += 1

    @initialize(
        place=st.sampled_from(PLACES),
        rules=st.lists(RULE, min_size=3, max_size=3, unique=True),
        bought=st.lists(st.tuples(WHO, SPAN), min_size=3, max_size=3),
        opened=st.lists(st.tuples(WHO, SPAN), min_size=2, max_size=2),
        columnar=st.sampled_from((False,) * 9 + (True,)),
    )
    def open(self, place: tuple[str, str], rules: list[str], bought: list[tuple[str, timedelta]], opened: list[tuple[str, timedelta]], columnar: bool) -> None:
        """A shop at work: people who bought and read, and segments."""
        self.patch.setattr(settings, "SEGSYNC_COLUMNAR_FROM", 0 if columnar else 10_000)
        self.patch.setattr(settings, "SEGSYNC_WHOLE_SHARE", 75)  # where columns judge, not every page is a crowd
        self.world = Mortal(*place, self.patch)
        prepare(self.patch, self.world)
        for handle, text in zip(HANDLES, rules, strict=True):
            self.world.write(handle, text)
        self.world.down = True  # all of it is judged at once
        for n, (who, ago) in enumerate(bought):
            self.tell(STORE, self.person(who), now=True)
            self.order(who, f"o{n + 1}", ago, 60, True)
        for who, ago in opened:
            self.open_mail(who, ago, True)
        self.world.down = False
        self.world.work()

    def happened(self) -> None:
        """One more thing since the last rest."""
        MACHINES.steps += 1
        self.busy += 1

    # --- what happens, told at once or later

    def tell(self, source: str, row: records.Record, *, now: bool) -> None:
        """Add a page to what may be told, again and again; with `now` it is."""
        self.happened()
        self.world.pages.append((source, (row,)))
        if now:
            self.arrive(source, (row,))

    def arrive(self, source: str, page: tuple[records.Record, ...]) -> None:
        self.world.store(source, page)
        self.world.work()
        self.world.now += timedelta(seconds=1)

    def person(self, who: str, **facts: Any) -> records.Customer:
        """The store's record of somebody as it is from now on."""
        edition = self.world.edition()
        old = self.people.get(who) or records.Customer(who, edition, self.world.now - LONG_AGO, (f"{who}@example.com",))
        self.people[who] = replace(old, version=edition, **facts)
        return self.people[who]

    @rule(who=WHO, id_=ORDER, ago=SPAN, amount=st.sampled_from((40, 60, 100)), now=NOW)
    def order(self, who: str, id_: str, ago: timedelta, amount: int, now: bool) -> None:
        """Somebody orders, or an order turns out to be somebody else's."""
        edition, pence = self.world.edition(), amount * 100
        placed = self.orders[id_].placed_at if id_ in self.orders else self.world.now - ago
        self.orders[id_] = records.Order(id_, edition, who, f"#{id_}", None, placed, None, False, False, "GBP", pence, pence, 0, 0, "web", "GB", (), (), (), ())
        self.tell(STORE, self.orders[id_], now=now)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), how=st.sampled_from(("refunded", "cancelled", "deleted")), now=NOW)
    def undo(self, data: st.DataObject, how: str, now: bool) -> None:
        """An order is refunded, called off or deleted."""
        old = self.orders[data.draw(st.sampled_from(sorted(self.orders)))]
        edition = self.world.edition()
        if how == "deleted":
            del self.orders[old.external_id]
            self.tell(STORE, records.Tombstone("order", old.external_id, self.world.now), now=True)
            self.world.pages = [(source, page) for source, page in self.world.pages if getattr(page[0], "external_id", "") != old.external_id]
            return
        if how == "cancelled":
            new = replace(old, version=edition, cancelled_at=self.world.now)
        else:
            given = records.Refund(f"r{len(old.refunds)}", self.world.now, 1000)
            new = replace(old, version=edition, refunds=(*old.refunds, given), refunded_minor=old.refunded_minor + 1000, total_minor=old.total_minor - 1000)
        self.orders[old.external_id] = new
        self.tell(STORE, new, now=now)

    @rule(who=WHO, id_=st.sampled_from(("k1", "k2")), recovered=st.booleans(), now=NOW)
    def checkout(self, who: str, id_: str, recovered: bool, now: bool) -> None:
        """Somebody leaves a checkout, or comes back to it."""
        old = self.checkouts.get(id_)
        edition = self.world.edition()
        new = replace(old, version=edition) if old else records.Checkout(id_, edition, who, self.world.now, None, 3000, ())
        self.checkouts[id_] = replace(new, recovered_at=self.world.now) if recovered else new
        self.tell(STORE, self.checkouts[id_], now=now)

    @rule(who=WHO, ago=SPAN, now=NOW)
    def open_mail(self, who: str, ago: timedelta, now: bool) -> None:
        at = self.world.now - ago
        self.tell(PORTAL, records.Activity(f"open-{who}-{at.timestamp():.6f}", "emails.opened", at, f"{who}@example.com"), now=now)

    @rule(who=WHO, orders=st.sampled_from((0, 1, 2)), spent=st.sampled_from((None, 0, 5000, 9000)), tags=st.sampled_from(((), ("vip",))), now=NOW)
    def profile(self, who: str, orders: int, spent: int | None, tags: tuple[str, ...], now: bool) -> None:
        """The store's record of somebody changes."""
        self.tell(STORE, self.person(who, order_count=orders, amount_spent_minor=spent, tags=tags), now=now)

    @rule(who=WHO, ago=SPAN)
    def join(self, who: str, ago: timedelta) -> None:
        """Somebody turns out to have come lately."""
        self.tell(STORE, self.person(who, created_at=self.world.now - ago), now=True)

    @rule(pair=st.lists(WHO, min_size=2, max_size=2, unique=True), portal=st.booleans())
    def merge(self, pair: list[str], portal: bool) -> None:
        """Two become one, by the store's word or by the portal's."""
        if portal:
            emails = tuple(f"{who}@example.com" for who in pair)
            self.tell(PORTAL, records.Customer("-".join(pair), self.world.edition(), None, emails), now=True)
        else:
            self.tell(STORE, self.person(pair[0], merged_ids=(pair[1],)), now=True)

    @rule(who=WHO)
    def erase(self, who: str) -> None:
        """The store no longer has a record of somebody, and no old page brings it back."""
        self.tell(STORE, records.Tombstone("customer", who, self.world.now), now=True)
        self.people.pop(who, None)
        self.world.pages = [(source, page) for source, page in self.world.pages if not (isinstance(page[0], records.Customer) and page[0].external_id == who)]

    @precondition(lambda self: self.world.pages)
    @rule(data=st.data(), many=st.integers(1, 6))
    def old_pages_come_in(self, data: st.DataObject, many: int) -> None:
        """Pages never told yet, or told before, come in in any order."""
        self.happened()
        for which in data.draw(st.lists(st.integers(0, len(self.world.pages) - 1), min_size=many, max_size=many)):
            self.arrive(*self.world.pages[which])

    # --- what people do

    @rule(handle=HANDLE, text=RULE, asks=st.sampled_from(("", "", "{} AND segments CONTAINS '{}'", "{} OR segments NOT CONTAINS '{}'")), hours=st.booleans())
    def edit(self, handle: str, text: str, asks: str, hours: bool) -> None:
        """Somebody makes a segment or edits its rule; it may ask about the one before it."""
        self.happened()
        before = {"b": "a", "c": "b"}.get(handle, "")
        if asks and Segment.objects.filter(shop=self.world.shop, handle=before).exists():
            text = asks.format(f"({text})", before)
        self.world.write(handle, text)
        if hours:
            self.world.work()

    @rule(text=RULE, asks=st.sampled_from(("segments IS NULL", "segments IS NOT NULL AND ({})")))
    def edit_the_rest(self, text: str, asks: str) -> None:
        """Somebody makes or edits a segment of whoever is in no other, or in any."""
        self.happened()
        self.world.write("rest", asks.format(text))

    @rule(handle=HANDLE, on=st.booleans())
    def switch(self, handle: str, on: bool) -> None:
        """Somebody pauses a segment or turns it on again."""
        self.happened()
        if Segment.objects.filter(shop=self.world.shop, handle=handle).exists():
            self.world.switch(handle, Segment.State.ON if on else Segment.State.PAUSED)

    @rule(nth=st.integers(1, 6), handle=HANDLE, text=RULE, who=WHO, edits=st.booleans())
    def meanwhile(self, nth: int, handle: str, text: str, who: str, edits: bool) -> None:
        """Something happens in the middle of the next evaluation of everybody."""
        self.happened()
        if edits:
            self.world.meanwhile(nth, lambda: self.world.write(handle, text))
        else:
            row = self.person(who, order_count=2, tags=("vip",))
            self.world.meanwhile(nth, lambda: self.world.store(STORE, (row,)))

    # --- time and trouble

    @rule(time=SPAN)
    def wait(self, time: timedelta) -> None:
        self.happened()
        self.world.until(self.world.now + time)

    @rule(down=st.booleans())
    def stop_or_start(self, down: bool) -> None:
        """Nobody decides from now on, or somebody does again."""
        self.happened()
        self.world.down = down
        self.world.work()

    @rule(where=st.sampled_from(PLACES_TO_DIE), nth=st.sampled_from((1, 1, 2)), after=st.booleans(), who=WHO, everybody=st.booleans())
    def die(self, where: tuple[Any, str], nth: int, after: bool, who: str, everybody: bool) -> None:
        """A process dies at this call while somebody, or everybody, is judged; if it makes none, a later one does."""
        self.world.down = False
        self.world.doom = (f"{where[0].__name__}.{where[1]}", nth, after)
        if everybody:
            judge.ask_whole(self.world.shop, "rule", self.world.now)
        self.tell(STORE, self.person(who, language="en" if self.busy % 2 else "fr"), now=True)
        self.world.until(self.world.now + due.SWEEP_EVERY)

    @precondition(lambda self: self.busy >= 5)
    @rule()
    def rest(self) -> None:
        """Nobody dies any more, everything runs, and all is as it must be."""
        world = self.world
        world.doom, world.down = None, False
        world.settle()
        self.busy = 0
        MACHINES.rests += 1
        if found := faults(world.shop, world.now):
            raise Difference("\n".join(found))

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                for later in AT_LAST:
                    self.world.until(self.world.now + later)
                    self.rest()
        finally:
            self.patch.undo()
            transaction.savepoint_rollback(self.savepoint)
