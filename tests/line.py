"""The whole line in one process: a sandbox with a tiny store and portal, a shop connected to both, and one clock for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from config.celery import app
from integrations import throttle, tokens
from integrations.hubspot import oauth as hubspot_oauth
from integrations.models import Connection, Delivery, Shop
from integrations.sandbox.faults import Fault
from integrations.sandbox.hubspot.contacts import create_contact, update_contact
from integrations.sandbox.hubspot.lists import find_by_name
from integrations.sandbox.hubspot.property_catalogue import definition
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.state import Customer, LineItem, Order, Store
from integrations.sandbox.world import SandboxConfig, World
from integrations.shopify import oauth as shopify_oauth
from segsync import clock, pipeline
from segsync.diff.models import LedgerEntry
from segsync.diff.targets import make_targets
from segsync.evaluate.models import Membership, Schedule
from segsync.leases import Lease
from segsync.pull import run
from segsync.pull.models import Stream
from segsync.push.models import Channel
from segsync.push.push import push
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.store.models import Identity
from tests.integrations.hubspot.desk import REDIRECT, consent
from tests.sandbox.conftest import free_port
from tests.sandbox.shopify_store import CLIENT_ID, CLIENT_SECRET, SHOP, tiny_store

PORTAL = 123456
BUYERS = "number_of_orders >= 1"


class Killed(BaseException):
    """What a process that dies by `kill -9` looks like from within: nothing after it runs, nothing is given back."""


@dataclass
class Line:
    """One shop at work: what the platforms hold, and the stages to be run one by one or all together."""

    server: SandboxServer
    domain: str = SHOP
    hub_id: int = PORTAL

    @property
    def store(self) -> Store:
        return self.server.world.stores[self.domain]

    @property
    def portal(self) -> Portal:
        return self.server.world.portals[self.hub_id]

    @property
    def shop(self) -> Shop:
        return Shop.objects.get(domain=self.domain)

    @property
    def shopify(self) -> Connection:
        return Connection.objects.get(shop__domain=self.domain, vendor="shopify")

    @property
    def hubspot(self) -> Connection:
        return Connection.objects.get(shop__domain=self.domain, vendor="hubspot")

    # --- time and trouble

    def now(self) -> datetime:
        return self.server.world.clock.now()

    def wait(self, seconds: float) -> datetime:
        return self.server.world.clock.advance(timedelta(seconds=seconds))

    def fault(self, kind: str, operation: str = "*", times: int | None = 1, platform: str = "*", **more: float) -> None:
        account = {"shopify": self.domain, "hubspot": str(self.hub_id)}.get(platform, "*")
        self.server.world.faults.add(Fault(kind, platform=platform, account=account, operation=operation, remaining=times, **more))  # type: ignore[arg-type]

    def calls(self, *operations: str, account: str = "") -> int:
        """How often the platforms were asked for these operations (any, when none is named)."""
        totals = self.server.world.calls.totals()
        return sum(n for (_, who, name, _), n in totals.items() if (not operations or name in operations) and account in ("", who))

    # --- connecting

    def connect_store(self) -> Connection:
        granted = shopify_oauth.exchange_session_token(self.domain, self.server.shopify.issue_session_token(self.domain))
        shop, _ = Shop.objects.update_or_create(domain=self.domain, defaults={"currency": "GBP", "timezone": "Europe/London", "status": "installed"})
        return self._connected(shop, "shopify", self.domain, granted)

    def connect_portal(self, *scopes: str) -> Connection:
        hub_id, granted = hubspot_oauth.exchange_code(consent(self.portal, scopes)["code"][0], REDIRECT)
        return self._connected(self.shop, "hubspot", hub_id, granted)

    def _connected(self, shop: Shop, vendor: str, account: str, granted: tokens.TokenSet) -> Connection:
        connection, made = Connection.objects.get_or_create(shop=shop, vendor=vendor, account=account, defaults={"connected_at": self.now()})
        if not made:
            connection.connected_at, connection.generation = self.now(), connection.generation + 1
            connection.save()
        tokens.store(connection, granted)
        pipeline.connected(connection, self.now())
        return connection

    def allow(self, scope: str, *, given: bool) -> None:
        """Shopify allows this from now on, or no longer does, whatever was granted."""
        desk = self.server.shopify.tokens
        for token in (*desk.access.values(), *desk.refresh.values()):
            if token.shop == self.domain:
                token.scopes = token.scopes | {scope} if given else token.scopes - {scope}

    def forget_denials(self) -> None:
        """As after an hour, or in another process: what a store denied is asked for again."""
        throttle._pacers.clear()

    # --- what people do

    def segment(self, rule: str = BUYERS, handle: str = "buyers") -> Segment:
        made = create_segment(self.shop, handle=handle, name=handle.title(), description="", rule=rule, author=None, now=self.now())
        Schedule.objects.filter(shop=self.shop).update(starters_at=self.now())  # no others
        pipeline.rule_changed(made, self.now())
        return made

    def customer(self, number: int, email: str | None = None) -> Customer:
        """Somebody new in the store."""
        made = Customer(number, email, self.now(), self.now(), country="GB")
        with self.server.world.lock:
            self.store.customers[number] = made
        return made

    def order(self, number: int, customer: int) -> Order:
        """The customer buys something."""
        line = LineItem(number * 10, 11, 110, "SKU-11", "Tea", "Acme", 1, 1, 1_250, 1_250)
        made = Order(number, number, customer, self.now(), self.now(), self.now(), [line], total_minor=1_250, subtotal_minor=1_250, current_total_minor=1_250)
        with self.server.world.lock:
            self.store.add_order(made)
            self.store.customers[customer].updated_at = self.now()
        return made

    def cancel(self, number: int) -> None:
        """The order is called off."""
        with self.server.world.lock:
            order = self.store.orders[number]
            order.cancelled_at = order.updated_at = self.now()
            order.cancel_reason = "CUSTOMER"
            assert order.customer_id is not None
            self.store.customers[order.customer_id].updated_at = self.now()

    def tag(self, customer: int, *tags: str) -> None:
        """The merchant sets tags by hand."""
        with self.server.world.lock:
            held = self.store.customers[customer]
            held.tags = sorted({*held.tags, *tags})
            held.updated_at = self.now()

    def untag(self, customer: int, *tags: str) -> None:
        with self.server.world.lock:
            self.store.customers[customer].tags = [tag for tag in self.store.customers[customer].tags if tag not in tags]

    def contact(self, email: str) -> int:
        """Somebody new in the portal."""
        with self.server.world.lock:
            return create_contact(self.portal, {"email": email}, self.now()).id

    def defines(self, name: str, kind: str = "number", options: tuple[str, ...] = (), field_type: str = "") -> None:
        """The portal has this property from now on, of this type."""
        made = definition(name, name.replace("_", " "), kind, "contactinformation", options={one: one.title() for one in options}, field_type=field_type)
        with self.server.world.lock:
            self.portal.custom_properties[name] = made | {"hubspotDefined": False}

    def forgets(self, name: str) -> None:
        """The portal's admin deletes the property."""
        with self.server.world.lock:
            del self.portal.custom_properties[name]

    def says(self, contact: int, **properties: str) -> None:
        """A marketer fills in properties of a contact."""
        with self.server.world.lock:
            update_contact(self.portal, self.portal.contacts[contact], properties, self.now())

    def told(self, topic: str, delivery_id: str, vendor: str = "shopify") -> Delivery:
        """A webhook has come in."""
        return Delivery.objects.create(
            shop=self.shop, vendor=vendor, delivery_id=delivery_id, topic=topic, body=b"{}", received_at=self.now(), triggered_at=self.now()
        )

    # --- what is there

    def tagged(self, tag: str = "segsync:buyers") -> set[int]:
        return {number for number, customer in self.store.customers.items() if tag in customer.tags}

    def members(self, handle: str = "buyers") -> set[str]:
        """The addresses of who is in a segment."""
        stays = Membership.objects.filter(shop=self.shop, segment__handle=handle, until__isnull=True)
        return set(Identity.objects.filter(kind=Identity.EMAIL, customer__memberships__in=stays).values_list("value", flat=True))

    def listed(self, name: str = "SegSync: Buyers") -> set[str]:
        found = find_by_name(self.portal, name)
        assert found is not None
        return {self.portal.contacts[number].properties.get("email", "") for number in found.members}

    def stream(self, name: str) -> Stream:
        return Stream.objects.get(shop=self.shop, name=name)

    def channel(self, vendor: str = "shopify") -> Channel:
        return Channel.objects.get(shop=self.shop, connection__vendor=vendor)

    def mark(self, member: int | str, kind: str = "tag") -> LedgerEntry:
        return LedgerEntry.objects.select_related("target").get(shop=self.shop, target__kind=kind, profile__external_id=str(member))

    # --- the stages

    def pull(self, *names: str, limit: int = 200) -> None:
        """Pull these streams (all, when none is named) until their windows are done; waits pass at once."""
        for name in names or Stream.objects.filter(shop=self.shop).values_list("name", flat=True):
            for _ in range(limit):
                stream = self.stream(name)
                if stream.due_at and stream.due_at > self.now():
                    self.wait((stream.due_at - self.now()).total_seconds())
                if run.pull(stream.pk, self.now):
                    break
                time.sleep(0.005)
            else:
                raise AssertionError(f"{name} is never done: {self.stream(name).problem}")

    def decide(self) -> None:
        pipeline.decide(shop_id=self.shop.pk)

    def push(self, vendor: str = "shopify") -> int:
        return push(self.channel(vendor).pk, self.now)

    def look_again(self) -> None:
        """Pull what changed, judge and route it; nothing is told yet."""
        self.pull()
        self.decide()

    def tick(self) -> None:
        """Look at every stage once, and do at once whatever that sends somebody to do. Everywhere else nudges are lost."""
        app.conf.task_always_eager = app.conf.task_eager_propagates = True
        try:
            pipeline.tick()
        finally:
            app.conf.task_always_eager = False

    def settle(self, seconds: float = 300) -> None:
        """Tick until nothing is left to do, time running five seconds a tick."""
        until = self.now() + timedelta(seconds=seconds)
        while not pipeline.settled(self.shop, self.now()):
            assert self.now() < until, "does not come to rest"
            self.tick()
            self.wait(5)
            time.sleep(0.005)


@contextmanager
def killed(where: object, name: str, *, after: bool, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> Iterator[None]:
    """Within the block the process dies at the `times`-th call of `where.name`, before it is made or after it was carried out."""
    original: Callable[..., object] = getattr(where, name)
    left = [times]

    def dying(*args: object, **more: object) -> object:
        left[0] -= 1
        if left[0]:
            return original(*args, **more)
        if after:
            original(*args, **more)
        patch.setattr(Lease, "release", lambda *_args, **_more: False)  # the dead give nothing back
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(where, name, dying)
        try:
            yield
        except Killed:
            return
    raise AssertionError(f"nobody was killed: {name} was not called {times} times")


@pytest.fixture
def sandbox(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """Both platforms, empty of apps; two stores and two portals."""
    world = World(SandboxConfig(port=free_port(), shopify_client_id=CLIENT_ID, shopify_client_secret=CLIENT_SECRET))
    world.stores = {domain: tiny_store(domain, "enterprise") for domain in (SHOP, "other.myshopify.com")}
    world.portals = {hub_id: Portal(hub_id, "tiny.example", search_lag=timedelta(0), limits_scale=100) for hub_id in (PORTAL, PORTAL + 1)}
    server = SandboxServer(world)
    server.shopify.bulk.run_seconds = 0.0
    server.start()
    settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.SHOPIFY_CLIENT_ID, settings.SHOPIFY_CLIENT_SECRETS = CLIENT_ID, [CLIENT_SECRET]
    settings.SHOPIFY_SHOP_URL = f"{server.base_url}/shopify/{{shop}}"
    settings.SHOPIFY_FILE_HOSTS = [server.base_url.removeprefix("http://")]
    settings.HUBSPOT_CLIENT_ID, settings.HUBSPOT_CLIENT_SECRET = world.config.hubspot_client_id, world.config.hubspot_client_secret
    settings.HUBSPOT_API_URL = settings.HUBSPOT_APP_URL = f"{server.base_url}/hubspot"
    monkeypatch.setattr(clock, "now", world.clock.now)
    monkeypatch.setattr(throttle, "_pacers", {})  # what other tests asked for does not count here
    monkeypatch.setattr(throttle, "seconds", lambda: world.clock.now().timestamp())
    yield server
    server.stop()


@pytest.fixture
def line(sandbox: SandboxServer, db: None) -> Line:
    """The tiny store, installed; the portal is not connected yet."""
    made = Line(sandbox)
    made.connect_store()
    return made


@pytest.fixture
def both(line: Line) -> Line:
    """The tiny store and an empty portal, both connected and pulled for the first time."""
    line.connect_portal()
    line.pull()
    return line


@pytest.fixture
def other(line: Line) -> Line:
    """Another shop in the same database, with a store and a portal of its own."""
    made = replace(line, domain="other.myshopify.com", hub_id=PORTAL + 1)
    made.connect_store()
    made.connect_portal()
    return made


__all__ = ["Killed", "Line", "both", "killed", "line", "make_targets", "other", "sandbox"]
