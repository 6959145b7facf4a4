"""One shop in a time of its own: what its platforms tell is stored, and what falls due is done when it falls due."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from integrations import records
from integrations.models import Shop
from segsync import clock, pipeline
from segsync.evaluate import due, judge, whole
from segsync.evaluate.models import Schedule, WholeRun
from segsync.rules import windows
from segsync.rules.check import check_rule
from segsync.rules.edit import change_rule, create_segment
from segsync.rules.models import Segment
from segsync.store.models import Activity, Checkout, Customer, Identity, Order, Profile
from segsync.store.upsert import store_page
from tests.journeys.fresh import faults

STORE, PORTAL = "shopify", "hubspot"
LONG_AGO = timedelta(days=3000)
Hook = Callable[[], None]


class World:
    """The shop, the clock, and the schedule that the clock drives. Nothing runs while `down`; what is told then is stored afterwards."""

    def __init__(self, zone: str, start: str, domain: str = "corner-shop.myshopify.com") -> None:
        self.tz = ZoneInfo(zone)
        self.now = self.at(start)
        self.shop = Shop.objects.create(domain=domain, timezone=zone, currency="GBP", status=Shop.Status.INSTALLED)
        due.make_schedule(self.shop, self.now)
        Schedule.objects.filter(shop=self.shop).update(starters_at=self.now)  # no segments but the story's own
        self.down = False
        self.pages: list[tuple[str, tuple[records.Record, ...]]] = []
        self.waiting: list[tuple[str, tuple[records.Record, ...]]] = []
        self._editions = count(1)
        self._hooks: list[tuple[int, Hook]] = []
        self._calls = 0

    # --- time

    def at(self, text: str, fold: int = 0) -> datetime:
        """What a clock on the shop's wall calls `text`, as an instant; `fold` 1 for the second of two equal times."""
        return datetime.fromisoformat(text).replace(tzinfo=self.tz, fold=fold).astimezone(UTC)

    def clock(self) -> datetime:
        """The present instant. Whoever waits for a moment inside an evaluation of everybody gets it here."""
        if self._hooks and WholeRun.objects.filter(shop=self.shop, status=WholeRun.Status.RUNNING).exists():
            self._calls += 1
            if self._calls >= self._hooks[0][0]:
                _, hook = self._hooks.pop(0)
                self._calls = 0
                hook()
        return self.now

    def meanwhile(self, nth: int, hook: Hook) -> None:
        """Call `hook` when the clock is read the nth time during the next evaluation of everybody."""
        self._hooks.append((nth, hook))

    def unmet(self) -> int:
        """How many of those who wait for a moment inside an evaluation have not had it."""
        return len(self._hooks)

    def until(self, to: datetime) -> None:
        """Let time pass, doing what falls due when it falls due."""
        assert to >= self.now, f"time does not run back from {self.now} to {to}"
        while not self.down and (step := self._next_turn(to)) is not None:
            self.now = step
            self.work()
        self.now = to
        self.work()

    def work(self) -> None:
        """Do what the scheduler finds due at this instant, until it finds nothing."""
        for _ in range(12):
            if self.down or self.shop.pk not in pipeline.shops_to_decide(self.now):
                return
            self.decide()
        raise AssertionError("the shop is due again and again at one instant")

    def decide(self) -> None:
        """One turn, as a worker would do it."""
        pipeline.decide(shop_id=self.shop.pk)

    def settle(self) -> None:
        """Wait until every sweep, turn and mark is done, and before that until the lease of whoever died has run out."""
        schedule = Schedule.objects.get(shop=self.shop)
        self.until(max(self.now, schedule.lease_until or self.now) + due.SWEEP_EVERY)
        schedule.refresh_from_db()
        while schedule.swept_until != self.now:
            assert schedule.swept_until is not None
            self.until(schedule.swept_until + due.SWEEP_EVERY)
            schedule.refresh_from_db()
        assert schedule.lease_until is None
        assert schedule.due_at is not None
        assert schedule.due_at > self.now

    def _next_turn(self, to: datetime) -> datetime | None:
        """The next instant before `to` at which a real scheduler could find something that was not there before."""
        schedule = Schedule.objects.get(shop=self.shop)
        turns = {when for when in (schedule.due_at, schedule.lease_until) if when is not None}
        turns |= {when - timedelta(seconds=1) for when in (schedule.due_at,) if when is not None}
        for offset in self._offsets():
            for stamp in self._stamps(self.now - offset - due.SWEEP_EVERY, to - offset):
                minute = (stamp + offset).replace(second=0, microsecond=0)
                turns |= {minute + due.SWEEP_EVERY, minute + 2 * due.SWEEP_EVERY}
        return min((turn for turn in turns if self.now < turn < to), default=None)

    def _offsets(self) -> set[timedelta]:
        segments = Segment.objects.filter(shop=self.shop, state=Segment.State.ON).select_related("version")
        return {window.offset for segment in segments for window in windows.hour_windows(check_rule(segment.rule).rule)}

    def _stamps(self, start: datetime, end: datetime) -> Iterable[datetime]:
        """When anything known happened, if it did between these instants."""
        for model, column in ((Order, "placed_at"), (Checkout, "created_at"), (Activity, "at"), (Profile, "added_at")):
            yield from model._base_manager.filter(shop=self.shop, **{f"{column}__range": (start, end)}).values_list(column, flat=True)
        for told in Order.objects.filter(shop=self.shop).exclude(refunds=[]).values_list("refunds", flat=True):
            yield from (at for _, when, _ in told if start <= (at := datetime.fromisoformat(when)) <= end)

    # --- what is told

    def edition(self) -> datetime:
        """A time of last change later than all others so far."""
        return self.now + timedelta(microseconds=next(self._editions))

    def tell(self, source: str, *page: records.Record) -> None:
        """A page comes in, and whoever it is about is judged at once; while nothing runs it waits. A second is over then."""
        self.pages.append((source, page))
        if self.down:
            self.waiting.append((source, page))
        else:
            self.store(source, page)
            self.work()
        self.now += timedelta(seconds=1)

    def store(self, source: str, page: tuple[records.Record, ...]) -> None:
        """Store a page; nobody is judged yet."""
        with transaction.atomic():
            store_page(self.shop.pk, source, page, self.now)

    def up(self) -> None:
        """Everything runs again: what was told meanwhile is stored, and then what is due is done."""
        self.down = False
        self.catch_up()
        self.work()

    def act(self, action: Callable[[], None]) -> None:
        """Somebody does something a second later, and what that makes due is done."""
        self.now += timedelta(seconds=1)
        action()
        self.work()

    def catch_up(self) -> None:
        """Store what was told meanwhile."""
        waiting, self.waiting = self.waiting, []
        for source, page in waiting:
            self.store(source, page)

    # --- people and segments

    def write(self, handle: str, rule: str) -> None:
        """Somebody makes a segment, or edits its rule."""
        segment = Segment.objects.filter(shop=self.shop, handle=handle).first()
        if segment is None:
            segment = create_segment(self.shop, handle=handle, name=handle.title(), description="", rule=rule, author=None, now=self.now)
            pipeline.rule_changed(segment, self.now)
        elif change_rule(segment, rule, author=None, reason="", now=self.now) is not None:
            pipeline.rule_changed(segment, self.now)

    def switch(self, handle: str, state: str) -> None:
        """Somebody pauses a segment, or turns it on again, as the page of segments does it."""
        segment = Segment.objects.get(shop=self.shop, handle=handle)
        segment.state = state
        segment.save(update_fields=["state"])
        pipeline.rule_changed(segment, self.now)

    def segment(self, handle: str) -> Segment:
        return Segment.objects.get(shop=self.shop, handle=handle)

    def who(self, name: str) -> int:
        """The customer who goes by the store's id `name`."""
        return Identity.objects.get(shop=self.shop, kind=STORE, value=name).customer_id

    def names(self, customers: Iterable[int]) -> set[str]:
        """What these customers are called: all the store's ids that they go by, as `ann+bo`; those merged away have none."""
        called: dict[int, list[str]] = {pk: [] for pk in customers}
        for pk, value in Identity.objects.filter(shop=self.shop, kind=STORE, customer__in=list(called)).order_by("value").values_list("customer_id", "value"):
            called[pk].append(value)
        return {"+".join(names) for names in called.values()}

    def check(self) -> None:
        """Come to rest, and find everything as it must be; then judge everybody again with the self-check, and find it so again."""
        self.settle()
        assert faults(self.shop, self.now) == []
        judge.ask_whole(self.shop, "rule", self.now)
        self.work()
        assert faults(self.shop, self.now) == []
        assert not Customer.objects.filter(shop=self.shop, judged_version=0).exists()
        last = WholeRun.objects.filter(shop=self.shop).first()
        assert last is not None
        assert (last.status, last.disagreements) == (WholeRun.Status.DONE, 0)


def prepare(monkeypatch: pytest.MonkeyPatch, world: World) -> World:
    """Let everything go by the world's clock, in batches so small that a story of three people has several."""
    monkeypatch.setattr(clock, "now", world.clock)
    for place, name in ((judge, "BATCH"), (whole, "BATCH"), (whole, "PAGE")):
        monkeypatch.setattr(place, name, 2)
    return world
