"""The store and the portal of the kill test: what happens there, and what must be true there by it. Nothing of SegSync is asked."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from integrations.sandbox.faults import Fault
from integrations.sandbox.hubspot.contacts import create_contact
from integrations.sandbox.hubspot.lists import change_members, create_list, find_by_name
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.shopify.state import Customer, LineItem, Order, Product, Store, Variant
from integrations.sandbox.shopify.webhooks import order_payload
from integrations.sandbox.world import World

DOMAIN, PORTAL = "chaos.myshopify.com", 880088
TIMES = {"twice": 2, "thrice": 3}  # segment: orders that are not cancelled, at least
RULES = {handle: f"orders_placed MATCHES (date >= -300d, count >= {least})" for handle, least in TIMES.items()}
OURS = frozenset(f"segsync:{handle}" for handle in TIMES)
MARKETING = "Marketing's own"
# Seven in twenty requests or so: each kind is drawn after the others did not strike.
SHARES = {"apply_then_500": 0.07, "reset": 0.05, "cut_body": 0.05, "hang": 0.06, "500": 0.04, "apply_then_reset": 0.05, "429": 0.02}


@dataclass
class Shopkeeping:
    """Orders placed and cancelled at random, and the marks that everybody must have by what is true at last."""

    world: World
    customers: int
    seed: int
    foreign: dict[int, list[str]] = field(default_factory=dict)  # tags that the merchant set before the app was installed

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        now = self.world.clock.now()
        past = now - timedelta(days=30)
        store = Store(77, DOMAIN, "Chaos", "GBP", "Europe/London", "enterprise")
        store.products[11] = Product(11, "tea", "Tea", "Drinks", "Acme", [], "Food", [], [Variant(110, "SKU-11", 1_250)], past, past)
        portal = Portal(PORTAL, "chaos.example", search_lag=timedelta(0), limits_scale=100)
        self.world.stores[DOMAIN], self.world.portals[PORTAL] = store, portal
        for number in range(1, self.customers + 1):
            tags = (["vip"] if number % 3 == 0 else []) + (["segsync:twice"] if number % 25 == 0 else [])
            self.foreign[number] = tags
            store.customers[number] = Customer(number, f"person{number}@example.test", past, past, tags=list(tags), country="GB")
            if number % 4:
                create_contact(portal, {"email": f"person{number}@example.test"}, past)
        self.marketing = set(list(portal.contacts)[::5])
        change_members(portal, create_list(portal, MARKETING, "MANUAL", past), self.marketing, [], past)
        for number in range(1, self.customers + 1):
            self._place(number)

    @property
    def store(self) -> Store:
        """What Shopify holds."""
        return self.world.stores[DOMAIN]

    @property
    def portal(self) -> Portal:
        """What HubSpot holds."""
        return self.world.portals[PORTAL]

    def happen(self) -> tuple[str, bytes]:
        """Somebody orders or cancels; the topic and the body of the webhook that tells of it."""
        with self.world.lock:
            customer = self._random.randint(1, self.customers)
            standing = self._standing(customer)
            if standing and (len(standing) >= 4 or self._random.random() < 0.5):
                order = self.store.orders[self._random.choice(standing)]
                order.cancelled_at = order.updated_at = self.world.clock.now()
                order.cancel_reason = "CUSTOMER"
                topic = "orders/cancelled"
            else:
                order, topic = self._place(customer), "orders/create"
            self.store.customers[customer].updated_at = order.updated_at
            return topic, orjson.dumps(order_payload(self.store, order))

    def misbehave(self, hang: float) -> None:
        """From now on three answers in ten are faulty."""
        for kind, share in SHARES.items():
            self.world.faults.add(Fault(kind, probability=share, seconds=hang, retry_after=1.0))

    def members(self, handle: str) -> set[int]:
        """Who belongs to a segment by what is true now."""
        return {number for number in self.store.customers if len(self._standing(number)) >= TIMES[handle]}

    def wrong(self) -> dict[str, list[str]]:
        """What is not as it must be on the other side, by kind."""
        with self.world.lock:
            members = {handle: self.members(handle) for handle in TIMES}
            found: dict[str, list[str]] = {"wrong_tags": [], "foreign_touched": [], "wrong_list_members": []}
            for number, customer in self.store.customers.items():
                held, theirs = set(customer.tags), set(self.foreign[number])
                wanted = theirs | {f"segsync:{handle}" for handle in TIMES if number in members[handle]}
                found["wrong_tags"] += [f"{number}: {tag}" for tag in sorted((held ^ wanted) & OURS - theirs)]
                found["foreign_touched"] += [f"{number}: {tag}" for tag in sorted(theirs - held | (held - OURS - theirs))]
            theirs_now = find_by_name(self.portal, MARKETING)
            found["foreign_touched"] += [f"contact {one}" for one in (set(theirs_now.members) if theirs_now else set()) ^ self.marketing]
            for handle in TIMES:
                ours = find_by_name(self.portal, f"SegSync: {handle}")
                listed = {self.portal.contacts[one].properties.get("email", "") for one in ours.members} if ours else set()
                addresses = {f"person{number}@example.test" for number in members[handle]}
                found["wrong_list_members"] += [f"{handle}: {email}" for email in sorted(listed ^ addresses)]
            return found

    def _standing(self, customer: int) -> list[int]:
        return [one for one in self.store.customers[customer].order_ids if self.store.orders[one].cancelled_at is None]

    def _place(self, customer: int) -> Order:
        number = 1_000 + len(self.store.orders)
        now = self.world.clock.now()
        line = LineItem(number * 10, 11, 110, "SKU-11", "Tea", "Acme", 1, 1, 1_250, 1_250)
        made = Order(number, number, customer, now, now, now, [line], total_minor=1_250, subtotal_minor=1_250, current_total_minor=1_250)
        self.store.add_order(made)
        return made
