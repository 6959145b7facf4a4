"""What merchants and marketers do with their own hands, past the app and its limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from integrations.sandbox.fill.activity import Change, checkout_left, order_now, simulate
from integrations.sandbox.hubspot.lists import change_members, find_list
from integrations.sandbox.hubspot.refusals import Refusal
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.shopify import tags
from integrations.sandbox.shopify.state import Customer, Store
from integrations.sandbox.world import World

if TYPE_CHECKING:
    from integrations.sandbox.server import SandboxServer


class Refused(Exception):
    """The sandbox's own API does not do that; the text says why, `status` is the HTTP status."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def change_tags(world: World, server: SandboxServer, store: Store, customer_id: int, add: list[str], remove: list[str]) -> list[str]:
    """The customer's tags after the merchant removed and added some; subscribers are told.

    Raises Refused for an unknown customer and for what Shopify refuses (too long, too many); nothing changes then.
    """
    with world.lock:
        customer = store.customers.get(customer_id)
        if customer is None:
            raise Refused(f"Store {store.domain} has no customer {customer_id}.", 404)
        removal = tags.remove(customer.tags, remove)
        addition = tags.add(removal.tags, add)
        if addition.error is not None:
            raise Refused(f"{addition.error}.")
        if addition.changed or removal.changed:
            customer.tags = addition.tags
            customer.updated_at = world.clock.now()
            _tell_of_tags(world, server, store, customer, addition.changed, removal.changed)
        return list(customer.tags)


def _tell_of_tags(world: World, server: SandboxServer, store: Store, customer: Customer, added: list[str], removed: list[str]) -> None:
    for topic, changed in (("customer.tags_added", added), ("customer.tags_removed", removed)):
        if changed:
            facts = {"customerId": f"gid://shopify/Customer/{customer.id}", "tags": changed, "occurredAt": world.clock.now().isoformat()}
            server.shopify.webhooks.send(store, topic, facts)
    server.shopify.webhooks.emit(store, "customers/update", customer.id)


def change_list_members(world: World, portal: Portal, list_id: int, add: list[int], remove: list[int]) -> list[int]:
    """The contact ids on the list after a marketer added and removed some, sorted.

    Raises Refused for an unknown list or contact, and for an active (DYNAMIC) list: its filters alone decide.
    """
    with world.lock:
        unknown = [one for one in (*add, *remove) if one not in portal.contacts or portal.contacts[one].archived]
        if unknown:
            raise Refused(f"Portal {portal.hub_id} has no contact {unknown[0]}.", 404)
        try:
            one = find_list(portal, list_id)
            change_members(portal, one, add, remove, world.clock.now())
        except Refusal as refusal:
            raise Refused(str(refusal), refusal.status) from None
        return sorted(one.members)


def simulate_life(world: World, server: SandboxServer, store: Store, seed: int, customers: int) -> list[Change]:
    """Let people of the store do something now, and tell subscribers; see `fill.activity.simulate`. Raises Refused where it raises ValueError."""

    try:
        return simulate(world, seed, customers, domain=store.domain, announce=_announcer(server))
    except ValueError as error:
        raise Refused(str(error)) from None


def order(world: World, server: SandboxServer, store: Store, customer_id: int) -> tuple[Change, datetime]:
    """Let the customer order something, and tell subscribers; with it the instant at which they were told. Raises Refused for nobody we know."""
    return _told(world, server, store, lambda: order_now(world, store, customer_id))


def leave_checkout(world: World, server: SandboxServer, store: Store, customer_id: int, seconds_ago: int) -> tuple[Change, datetime]:
    """Let the customer have left a checkout so long ago, and tell subscribers now; returns and raises as `order` does."""
    return _told(world, server, store, lambda: checkout_left(world, store, customer_id, world.clock.now() - timedelta(seconds=seconds_ago)))


def _told(world: World, server: SandboxServer, store: Store, happen: Callable[[], Change]) -> tuple[Change, datetime]:
    try:
        change = happen()
    except KeyError as error:
        raise Refused(f"Store {store.domain} has no customer {error}.", 404) from None
    at = world.clock.now()
    _announcer(server)(store, change)
    return change, at


def _announcer(server: SandboxServer) -> Callable[[Store, Change], None]:
    def announce(store: Store, change: Change) -> None:
        server.shopify.webhooks.emit(store, change.topic, int(change.object_id))
        if change.customer_id is not None and change.topic.startswith("orders/"):
            server.shopify.webhooks.emit(store, "customers/update", change.customer_id)

    return announce


def uninstall(server: SandboxServer, store: Store) -> None:
    """Remove the app from the store as the merchant would. Raises Refused when it is not installed there."""
    shop = server.shopify.shop(store.domain)
    if shop is None or shop.installed_at is None:
        raise Refused(f"The app is not installed in {store.domain}.", 409)
    server.shopify.uninstall(store.domain)
