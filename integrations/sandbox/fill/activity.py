"""A little later life: orders, refunds, checkouts and e-mail opens that happen now, in a store that already has a past."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.abandonment import open_checkout
from integrations.sandbox.fill.aftermath import cancel, refund_units, refund_whole
from integrations.sandbox.fill.baskets import draw_lines, draw_order, place_order, serve
from integrations.sandbox.fill.catalogue import Catalogue
from integrations.sandbox.fill.engagement import event_id
from integrations.sandbox.hubspot.emails import record_event
from integrations.sandbox.hubspot.state import Contact, EmailEvent, Portal
from integrations.sandbox.shopify.state import Checkout, Customer, Order, Store
from integrations.sandbox.world import World

# Of the customers asked for, how many meet each kind of change (at least one each while there are people for it).
_SHARES = (("first order", 0.2), ("repeat order", 0.25), ("checkout", 0.2), ("recovery", 0.1), ("refund", 0.1), ("cancellation", 0.05), ("opens", 0.1))
_OPENS = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened. `topic` is Shopify's webhook topic for it, "" for what HubSpot keeps to itself."""

    kind: str  # order.placed | order.refunded | order.cancelled | checkout.abandoned | checkout.recovered | email.opened
    topic: str
    object_id: str
    customer_id: int | None = None
    contact_id: int | None = None


Announce = Callable[[Store, Change], None]


class _Life:
    """One run: draws people without repeating any, and writes what they do at one instant."""

    def __init__(self, store: Store, portal: Portal | None, seed: int, now: datetime) -> None:
        self.store, self.portal, self.now = store, portal, now
        self.rng = random.Random(f"{seed}:activity")
        self.catalogue = Catalogue({}, [product for product in store.products.values() if product.variants])
        self.changes: list[Change] = []
        self._met: set[int] = set()
        self._order_id = ids.next_id(store.orders, ids.ORDER)
        self._number = 1 + max((order.number for order in store.orders.values()), default=ids.FIRST_ORDER_NUMBER - 1)
        self._checkout_id = ids.next_id(store.checkouts, ids.CHECKOUT)
        self._refund_id = 1 + max((r.id for order in store.orders.values() for r in order.refunds), default=ids.REFUND - 1)

    def people(self, candidates: list[int], wanted: int) -> list[int]:
        """Up to `wanted` of the customer ids `candidates`, nobody who was met before in this run."""
        free = sorted(set(candidates) - self._met)
        drawn = self.rng.sample(free, min(wanted, len(free)))
        self._met.update(drawn)
        return drawn

    def _touch(self, customer: Customer) -> None:
        customer.updated_at = self.now

    def _note(self, kind: str, topic: str, object_id: int | str, customer_id: int | None = None, contact_id: int | None = None) -> None:
        self.changes.append(Change(kind, topic, str(object_id), customer_id, contact_id))

    def _keep(self, order: Order, customer: Customer) -> None:
        order.customer_id, order.country, order.fulfillment_status = customer.id, customer.country, "UNFULFILLED"
        self.store.add_order(order)
        self._order_id += 1
        self._number += 1
        self._touch(customer)
        self._note("order.placed", "orders/create", order.id, customer.id)

    def order(self, customer: Customer) -> None:
        """The customer orders something."""
        line_ids = count(self._order_id * 10)  # apart from every range in `ids`, and no order has ten lines
        self._keep(draw_order(self.rng, self.catalogue, None, self.now, self._order_id, self._number, line_ids), customer)

    def abandon(self, customer: Customer) -> None:
        """The customer fills a checkout and leaves it."""
        checkout = open_checkout(self._checkout_id, None, draw_lines(self.rng, self.catalogue, None, count(self._checkout_id * 10)), self.now)
        checkout.customer_id = customer.id
        self.store.checkouts[checkout.id] = checkout
        self._checkout_id += 1
        self._touch(customer)
        self._note("checkout.abandoned", "checkouts/create", checkout.id, customer.id)

    def recover(self, checkout: Checkout, customer: Customer) -> None:
        """The customer comes back to the checkout and completes it as an order."""
        checkout.completed_at = checkout.updated_at = self.now
        lines = [replace(line, id=self._order_id * 10 + place) for place, line in enumerate(checkout.lines)]
        self._note("checkout.recovered", "checkouts/update", checkout.id, customer.id)
        order = place_order(lines, self._order_id, self._number, None, self.now)
        serve(order)
        self._keep(order, customer)

    def refund(self, order: Order, customer: Customer) -> None:
        """Something of the order comes back, or all of it."""
        held = [line for line in order.lines if line.current_quantity]
        if not held or self.rng.random() < 0.4:
            refund_whole(order, self._refund_id, self.now)
        else:
            line = self.rng.choice(held)
            refund_units(order, line, self.rng.randrange(1, line.current_quantity + 1), self._refund_id, self.now)
        self._refund_id += 1
        self._touch(customer)
        self._note("order.refunded", "orders/updated", order.id, customer.id)

    def call_off(self, order: Order, customer: Customer) -> None:
        """The order is cancelled and paid back."""
        cancel(order, self._refund_id, self.now, "CUSTOMER")
        self._refund_id += 1
        self._touch(customer)
        self._note("order.cancelled", "orders/cancelled", order.id, customer.id)

    def read_mails(self, contact: Contact, portal: Portal) -> None:
        """The contact opens the latest campaigns."""
        recipient = contact.properties["email"].strip()
        campaigns = list(portal.campaigns.values())[-_OPENS:]
        for place, campaign in enumerate(campaigns):
            at = self.now - timedelta(seconds=len(campaigns) - 1 - place)
            event = EmailEvent(event_id(self.rng), at, "OPEN", recipient, campaign.id)
            record_event(portal, event, self.now)
            self._note("email.opened", "", event.id, contact_id=contact.id)


def _of_customer(found: list[Order] | list[Checkout]) -> dict[int, int]:
    """customer id -> id of the latest of `found`."""
    return {thing.customer_id: thing.id for thing in found if thing.customer_id is not None}


def _live(life: _Life, wanted: dict[str, int]) -> None:
    store, now = life.store, life.now
    everybody = list(store.customers.values())
    prospects = [c.id for c in everybody if not c.order_ids]
    buyers = [c.id for c in everybody if c.order_ids]
    regulars = [c.id for c in everybody if len(c.order_ids) >= 5 and store.orders[c.order_ids[-1]].processed_at > now - timedelta(days=60)]
    recent = [o for o in store.orders.values() if o.processed_at > now - timedelta(days=30) and o.current_total_minor and not o.cancelled_at and not o.test]
    latest = _of_customer(recent)
    waiting = _of_customer([c for c in store.checkouts.values() if not c.completed_at and c.created_at > now - timedelta(days=3)])
    for customer_id in life.people(list(waiting), wanted["recovery"]):
        life.recover(store.checkouts[waiting[customer_id]], store.customers[customer_id])
    for customer_id in life.people(prospects, wanted["first order"]):
        life.order(store.customers[customer_id])
    for customer_id in life.people(regulars, 1) + life.people(buyers, max(0, wanted["repeat order"] - 1)):
        life.order(store.customers[customer_id])
    for customer_id in life.people(list(latest), wanted["refund"]):
        life.refund(store.orders[latest[customer_id]], store.customers[customer_id])
    for customer_id in life.people(list(latest), wanted["cancellation"]):
        life.call_off(store.orders[latest[customer_id]], store.customers[customer_id])
    for customer_id in life.people([c.id for c in everybody], wanted["checkout"]):
        life.abandon(store.customers[customer_id])
    if life.portal is not None and life.portal.campaigns:
        readers = [
            c
            for c in life.portal.contacts.values()
            if not c.archived and c.properties.get("email", "").strip() and c.properties.get("hs_email_optout") != "true"
        ]
        readers = [c for c in readers if c.properties.get("lifecyclestage") != "customer"] or readers
        for contact in life.rng.sample(readers, min(wanted["opens"], len(readers))):
            life.read_mails(contact, life.portal)


def simulate(world: World, seed: int, customers: int, *, domain: str = "", announce: Announce | None = None) -> list[Change]:
    """Let about `customers` people of a store (the only one, unless `domain` says which) do something now.

    Prospects order for the first time, buyers again (one of the most regular among them), checkouts are left and
    recovered, orders refunded and cancelled, e-mails opened. The same seed on the same facts gives the same changes;
    `announce` is called for each Shopify change once all are written. Raises ValueError for a `customers` below 1 or a
    store without products, and KeyError for an unknown store.
    """
    if customers < 1:
        raise ValueError(f"At least 1 customer must do something, not {customers}.")
    with world.lock:
        store = world.stores[domain] if domain else next(iter(world.stores.values()))
        portal = next(iter(world.portals.values()), None)
        if not any(product.variants for product in store.products.values()):
            raise ValueError(f"Store {store.domain} has nothing to sell; give it products with variants first.")
        life = _Life(store, portal, seed, world.clock.now().replace(microsecond=0))
        _live(life, {kind: max(1, round(share * customers)) for kind, share in _SHARES})
    if announce is not None:
        for change in life.changes:
            if change.topic:
                announce(store, change)
    return life.changes


def order_now(world: World, store: Store, customer_id: int) -> Change:
    """The customer orders something at this instant. Raises KeyError for an unknown customer."""
    with world.lock:
        life = _Life(store, None, customer_id, world.clock.now().replace(microsecond=0))
        life.order(store.customers[customer_id])
        return life.changes[0]


def checkout_left(world: World, store: Store, customer_id: int, at: datetime) -> Change:
    """The customer left a checkout at `at`, and the store has noticed just now. Raises KeyError for an unknown customer."""
    with world.lock:
        life = _Life(store, None, customer_id, at.replace(microsecond=0))
        customer = store.customers[customer_id]
        life.abandon(customer)
        customer.updated_at = store.checkouts[int(life.changes[0].object_id)].updated_at = world.clock.now().replace(microsecond=0)
        return life.changes[0]
