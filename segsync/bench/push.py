"""How long telling the platforms takes beside what their limits force, and how many calls it costs.

Both platforms are the sandbox, in this process, with the real limits. Time is made up: a wait costs nothing and moves the one clock that
the limits, the sandbox and SegSync go by; work (ours, the database's within this process, and the sandbox's) counts as the seconds of the
processor that it takes. A bulk operation takes LINE seconds for each of its lines, which is an assumption: Shopify tells no figure.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import requests
from django.conf import settings
from django.db.models import F
from django.test.utils import override_settings

from config.processes import free_port
from integrations import throttle, tokens, waiting
from integrations.hubspot import oauth as hubspot_oauth
from integrations.models import Connection, Shop
from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.hubspot.contacts import create_contact
from integrations.sandbox.hubspot.limits import BURST, BURST_WINDOW
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.cost import BUCKET_SECONDS, MUTATION_COST, RESTORE_RATES
from integrations.sandbox.shopify.state import Customer as Buyer
from integrations.sandbox.shopify.state import Store
from integrations.sandbox.world import SandboxConfig, World
from integrations.shopify import oauth as shopify_oauth
from segsync.bench.stored import scratch_database
from segsync.diff.models import LedgerEntry, Target
from segsync.push.models import Channel
from segsync.push.push import push
from segsync.store.models import Customer, Profile

DOMAIN, PORTAL = "bench.myshopify.com", 515151
LISTS = 12
LINE = 0.02  # seconds that a bulk operation takes for a line
AT_ONCE = {"shopify direct": 150, "shopify bulk": 5_000, "hubspot": 1_000}  # changes that come in together
PAGE = 1_000


class WorkClock(SandboxClock):
    """Time that only work and made-up waits move forward."""

    def __init__(self) -> None:
        super().__init__()
        self._began, self._spent = datetime.now(UTC), time.process_time()

    def now(self) -> datetime:
        """The present instant."""
        return self._began + timedelta(seconds=time.process_time() - self._spent) + self.offset


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of telling: `seconds` of made-up time, `floor` of them forced by the limits for the calls that these changes take."""

    way: str
    changes: int
    calls: int
    throttled: int
    seconds: float
    floor: float

    @property
    def ratio(self) -> float | None:
        """Time over the floor; None where the limits force no wait at all."""
        return round(self.seconds / self.floor, 3) if self.floor else None

    @property
    def calls_per_thousand(self) -> float:
        """Calls for 1,000 changes."""
        return round(1_000 * self.calls / self.changes, 2)

    def told(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self) | {"ratio": self.ratio, "calls_per_thousand": self.calls_per_thousand}


def measure(changes: int) -> list[Measured]:
    """Half of the changes set marks, the other half takes them away again: `changes` in each of the three ways."""
    found = []
    with scratch_database():
        for way in AT_ONCE:
            with _platforms(changes, way) as (server, connection, clock):
                found.append(_measured(way, changes, server, connection, clock))
            Shop.objects.all().delete()
    return found


@contextmanager
def _platforms(changes: int, way: str) -> Iterator[tuple[SandboxServer, Connection, WorkClock]]:
    """A store or a portal with enough people, connected."""
    clock = WorkClock()
    world = World(SandboxConfig(port=free_port()), clock=clock)
    people = -(-changes // 2) if way != "hubspot" else -(-changes // (2 * LISTS))
    now = clock.now()
    world.stores[DOMAIN] = Store(1, DOMAIN, "Bench", "EUR", "UTC", "standard")
    world.portals[PORTAL] = Portal(PORTAL, "bench.example")
    for number in range(1, people + 1):
        if way == "hubspot":
            create_contact(world.portals[PORTAL], {"email": f"person{number}@example.test"}, now)
        else:
            world.stores[DOMAIN].customers[number] = Buyer(number, f"person{number}@example.test", now, now)
    server = SandboxServer(world)
    server.shopify.bulk.run_seconds, server.shopify.bulk.line_seconds = 0.0, LINE
    config = world.config
    own = {
        "SHOPIFY_SHOP_URL": f"{server.base_url}/shopify/{{shop}}",
        "SHOPIFY_FILE_HOSTS": [server.base_url.removeprefix("http://")],
        "SHOPIFY_CLIENT_ID": config.shopify_client_id,
        "SHOPIFY_CLIENT_SECRETS": [config.shopify_client_secret],
        "HUBSPOT_API_URL": f"{server.base_url}/hubspot",
        "HUBSPOT_APP_URL": f"{server.base_url}/hubspot",
        "HUBSPOT_CLIENT_ID": config.hubspot_client_id,
        "HUBSPOT_CLIENT_SECRET": config.hubspot_client_secret,
    }

    def skip(seconds: float) -> None:
        until = clock.now() + timedelta(seconds=seconds)
        while server.shopify.bulk.working:  # what works takes its time
            time.sleep(0.001)
        clock.advance(max(timedelta(), until - clock.now()))

    server.start()
    try:
        with override_settings(**own), waiting.made_up(skip, lambda: clock.now().timestamp()):
            throttle._pacers.clear()
            yield server, _connected(server, way), clock
    finally:
        throttle._pacers.clear()
        server.stop()


def _connected(server: SandboxServer, way: str) -> Connection:
    shop = Shop.objects.create(domain=DOMAIN, status=Shop.Status.INSTALLED, currency="EUR")
    if way == "hubspot":
        back = f"{settings.PUBLIC_URL}/hubspot/callback"
        address, _, query = hubspot_oauth.authorize_url("state", back).partition("?")
        asked = dict(parse_qsl(query))
        answer = requests.post(address, data=asked | {"decision": "approve", "portal": str(PORTAL)}, allow_redirects=False, timeout=10)
        code = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]
        account, granted = hubspot_oauth.exchange_code(code, back)
    else:
        account, granted = DOMAIN, shopify_oauth.exchange_session_token(DOMAIN, server.shopify.issue_session_token(DOMAIN))
    vendor = "hubspot" if way == "hubspot" else "shopify"
    connection = Connection.objects.create(shop=shop, vendor=vendor, account=account, connected_at=server.world.clock.now())
    tokens.store(connection, granted)
    Channel.objects.create(shop=shop, connection=connection)
    return connection


def _measured(way: str, changes: int, server: SandboxServer, connection: Connection, clock: WorkClock) -> Measured:
    profiles = _profiles(connection, server, clock.now())
    kind = Target.Kind.LIST if way == "hubspot" else Target.Kind.TAG
    targets = [
        Target.objects.create(shop=connection.shop, connection=connection, kind=kind, name=f"bench {n}", label=f"bench {n}", due_at=clock.now())
        for n in range(LISTS if way == "hubspot" else 1)
    ]
    _tell(connection, clock)  # the places are made
    wanted = [(profile, target) for profile in profiles for target in targets][: changes // 2]
    before, throttled = _calls(server)
    began, seconds = clock.now(), 0.0
    floor_calls = operations = 0
    for wants in (True, False):
        for start in range(0, len(wanted), AT_ONCE[way]):
            some = wanted[start : start + AT_ONCE[way]]
            paused = clock.now()
            _want(connection, some, wants, clock.now())  # what others do: not part of telling
            began += clock.now() - paused
            _tell(connection, clock)
            floor_calls += len({target.pk for _, target in some}) if way == "hubspot" else len(some)
            operations += 1
    seconds = (clock.now() - began).total_seconds()
    after, throttled_after = _calls(server)
    if LedgerEntry.objects.exclude(outcome=LedgerEntry.Outcome.DONE).exists():
        raise RuntimeError(f"{way}: not everything was told and taken")
    return Measured(way, 2 * len(wanted), after - before, throttled_after - throttled, round(seconds, 1), round(_floor(way, floor_calls), 1))


def _floor(way: str, calls: int) -> float:
    """Seconds that the limits force for so many calls (for bulk: so many lines)."""
    if way == "hubspot":
        return (calls - 1) // BURST * BURST_WINDOW.total_seconds()
    if way == "shopify bulk":
        return calls * LINE
    rate = RESTORE_RATES["standard"]
    return max(0.0, (calls * MUTATION_COST - rate * BUCKET_SECONDS) / rate)


def _profiles(connection: Connection, server: SandboxServer, now: datetime) -> list[Profile]:
    held = server.world.portals[PORTAL].contacts if connection.vendor == "hubspot" else server.world.stores[DOMAIN].customers
    ids = sorted(held)
    made: list[Profile] = []
    for start in range(0, len(ids), PAGE):
        some = ids[start : start + PAGE]
        people = Customer.objects.bulk_create([Customer(shop=connection.shop, changed_at=now, created_at=now) for _ in some])
        made += Profile.objects.bulk_create(
            [
                Profile(shop=connection.shop, customer=person, source=connection.vendor, external_id=str(number), version=now)
                for person, number in zip(people, some, strict=True)
            ]
        )
    return made


def _want(connection: Connection, some: list[tuple[Profile, Target]], wants: bool, now: datetime) -> None:
    if wants:
        LedgerEntry.objects.bulk_create(
            [
                LedgerEntry(shop=connection.shop, connection=connection, target=target, profile=profile, wanted=True, wanted_at=now, next_attempt_at=now)
                for profile, target in some
            ],
            batch_size=PAGE,
        )
        return
    for start in range(0, len(some), PAGE):
        people = {profile.pk for profile, _ in some[start : start + PAGE]}
        marks = LedgerEntry.objects.filter(connection=connection, wanted=True, profile_id__in=people)
        marks.update(wanted=False, wanted_at=now, generation=F("generation") + 1, next_attempt_at=now)


def _tell(connection: Connection, clock: WorkClock) -> None:
    """As the schedule does: whenever something is due and may be told."""
    channel = Channel.objects.get(connection=connection)
    untold = LedgerEntry.objects.filter(connection=connection, generation__gt=F("acked_generation"), parked_at__isnull=True)
    due = Target.objects.filter(connection=connection, ready_at__isnull=True)
    while untold.exists() or due.exists():
        push(channel.pk, clock.now)
        channel.refresh_from_db()
        connection.refresh_from_db()
        later = max((at for at in (channel.due_at, connection.wait_until) if at), default=clock.now())
        clock.advance(max(timedelta(), later - clock.now()))


def _calls(server: SandboxServer) -> tuple[int, int]:
    totals = server.world.calls.totals()
    return sum(totals.values()), sum(number for (*_, throttled), number in totals.items() if throttled)
