"""One run of the kill test, from the installation to the comparison."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.models import F

from integrations.models import Delivery, Shop
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.world import SandboxConfig, World
from segsync import clock, pipeline
from segsync.demo.browser import install
from segsync.diff.models import LedgerEntry
from segsync.evaluate.facts import FactsReader, everybody
from segsync.evaluate.models import Membership
from segsync.push.models import Attempt
from segsync.rules import interpret, windows
from segsync.rules.check import check_rule
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from tests.chaos.house import BETWEEN, House
from tests.chaos.post import Post
from tests.chaos.store import DOMAIN, RULES, Shopkeeping
from tests.chaos.zygote import HANG

log = structlog.get_logger(__name__)
DRAINED = 120.0  # seconds after the last kill within which nothing may be left to do
AHEAD = 0.02  # by what share of all kills the killing may be ahead of the webhooks
REST = 600.0  # seconds that a run is watched although it took too long, so that it can be told what came of it


@dataclass(frozen=True)
class Size:
    """How much happens."""

    webhooks: int = 5_000
    kills: int = 300
    customers: int = 300
    seed: int = 1
    mode: str = "as-it-is"


@dataclass
class Told:
    """What came of it. `wrong_*`, `lost`, `foreign_touched` and `parked` must be empty, `drained_seconds` at most DRAINED."""

    mode: str
    kills: dict[str, int]
    taken: int
    refused: int
    repeated: int
    calls: int
    faulty_share: float
    attempts: int
    read_back: int
    moves: int
    seconds: float
    drained_seconds: float | None
    lost: list[str]
    wrong_tags: list[str]
    wrong_list_members: list[str]
    wrong_memberships: list[str]
    foreign_touched: list[str]
    parked: int

    @property
    def violations(self) -> list[str]:
        """One line for each kind of thing that is not as it must be."""
        lists = ("lost", "wrong_tags", "wrong_list_members", "wrong_memberships", "foreign_touched")
        found = [f"{name}: {len(getattr(self, name))}, such as {getattr(self, name)[0]}" for name in lists if getattr(self, name)]
        if self.parked:
            found.append(f"parked: {self.parked}")
        if self.drained_seconds is None or self.drained_seconds > DRAINED:
            found.append(f"drained after {self.drained_seconds} s, more than {DRAINED:.0f}")
        return found

    def as_json(self) -> dict[str, object]:
        """Everything, as plain values."""
        return asdict(self) | {"violations": self.violations}


def run(size: Size, port: int, sandbox_port: int, folder: Path, env: dict[str, str], say: Callable[[str], None]) -> Told:
    """Install, let things happen while processes are killed, let it come to rest, compare."""
    call_command("migrate", verbosity=0, interactive=False)
    world = World(SandboxConfig(port=sandbox_port))
    shopkeeping = Shopkeeping(world, size.customers, size.seed)
    server = SandboxServer(world)
    server.shopify.bulk.run_seconds = 0.3
    server.start()
    try:
        with House(port, folder, env, size.mode, size.seed) as house:
            shop = _installed(f"http://127.0.0.1:{port}", house)
            took = _until_rest(shop, house, REST)
            say(f"installed and at rest after {took:.0f} s; {LedgerEntry.objects.count()} marks told")
            before = Attempt.objects.count(), Membership.objects.count(), sum(world.calls.totals().values())
            seconds = size.kills * sum(BETWEEN) / 2
            post = Post(shopkeeping, f"http://127.0.0.1:{port}/webhooks/shopify", settings.SHOPIFY_CLIENT_SECRETS[0], size.webhooks, seconds, size.seed)
            began = time.monotonic()
            shopkeeping.misbehave(HANG)
            post.start()
            while sum(house.kills.values()) < size.kills:
                house.tend()
                if post.share < sum(house.kills.values()) / size.kills - AHEAD:  # a slow machine: what is killed must have had something to do
                    time.sleep(0.05)
                elif house.step() and sum(house.kills.values()) % 50 == 0:
                    say(f"{time.monotonic() - began:4.0f} s: {dict(house.kills)} killed, {len(post.taken)} webhooks taken")
                time.sleep(0.01)
            last_kill = time.monotonic()
            world.faults.clear()
            drained: float | None = None
            try:
                _until_rest(shop, house, REST, lambda: post.done)
                drained = round(time.monotonic() - last_kill, 1)
            except TimeoutError as error:
                say(str(error))
            time.sleep(HANG + 1)  # what hangs lands
            return _told(size, shop, shopkeeping, house, post, world, before, round(last_kill - began, 1), drained)
    finally:
        server.stop()


def _installed(url: str, house: House) -> Shop:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        house.tend()
        try:
            if requests.get(f"{url}/health", timeout=2).ok:
                break
        except requests.RequestException:
            time.sleep(0.2)
    shop = Shop.objects.create(domain=DOMAIN, name="Chaos", timezone="Europe/London", currency="GBP")
    for handle, rule in RULES.items():
        create_segment(shop, handle=handle, name=handle, description="", rule=rule, author=None, now=clock.now())
    install(url, DOMAIN, requests.Session())
    return Shop.objects.get(pk=shop.pk)


def _until_rest(shop: Shop, house: House, seconds: float, also: Callable[[], bool] = lambda: True) -> float:
    """Wait until nothing is left to pull, judge, route or tell, twice in a row; returns how long it took. Raises TimeoutError with what is left."""
    began, calm = time.monotonic(), 0
    while calm < 2:
        house.tend()
        try:
            calm = calm + 1 if also() and pipeline.settled(shop, clock.now()) else 0
        except DatabaseError:
            connection.close()
        if time.monotonic() - began > seconds:
            entries = LedgerEntry.objects.filter(generation__gt=F("acked_generation"))
            raise TimeoutError(f"not at rest after {seconds:.0f} s: {entries.count()} marks untold, such as {entries.values().first()}")
        time.sleep(0.3)
    return time.monotonic() - began


def _told(
    size: Size,
    shop: Shop,
    shopkeeping: Shopkeeping,
    house: House,
    post: Post,
    world: World,
    before: tuple[int, int, int],
    seconds: float,
    drained: float | None,
) -> Told:
    kept = dict(Delivery.objects.filter(shop=shop).values_list("delivery_id", "outcome"))
    wrong = shopkeeping.wrong()
    calls = sum(world.calls.totals().values()) - before[2]
    faulty = sum(1 for call in world.calls.recent(world.clock.now().replace(year=2000)) if call.status in (0, 429, 500))
    return Told(
        mode=size.mode,
        kills=dict(house.kills),
        taken=sum(post.taken.values()),
        refused=post.refused,
        repeated=sum(post.taken.values()) - len(post.taken),
        calls=calls,
        faulty_share=round(faulty / max(1, calls), 3),
        attempts=Attempt.objects.count() - before[0],
        read_back=LedgerEntry.objects.filter(detail="Read back.").count(),
        moves=Membership.objects.count() - before[1],
        seconds=seconds,
        drained_seconds=drained,
        lost=[name for name in post.taken if kept.get(name, "lost") in ("lost", Delivery.Outcome.WAITING)],
        wrong_memberships=_wrong_memberships(shop, shopkeeping),
        parked=LedgerEntry.objects.filter(parked_at__isnull=False).count(),
        **wrong,
    )


def _wrong_memberships(shop: Shop, shopkeeping: Shopkeeping) -> list[str]:
    """Memberships that are not what a fresh evaluation by the interpreter says, and segments of another size than the truth's."""
    moment = Moment(clock.now(), shop.tz)
    wrong = []
    for segment in Segment.objects.filter(shop=shop):
        inside = set(Membership.objects.filter(segment=segment, until__isnull=True).values_list("customer_id", flat=True))
        checked = check_rule(RULES[segment.handle])
        belongs = interpret.compile_rule(checked.rule, moment)
        reader = FactsReader(shop, windows.needs(checked.rule), windows.activity_kinds(checked.rule))
        fresh = {id_ for ids in everybody(shop, 500) for id_, facts in reader.read(ids).items() if belongs(facts)}
        wrong += [f"{segment.handle}: person {one}" for one in sorted(inside ^ fresh)]
        if len(fresh) != len(shopkeeping.members(segment.handle)):
            wrong.append(f"{segment.handle}: {len(fresh)} people instead of {len(shopkeeping.members(segment.handle))}")
    return wrong
