"""A little later life: what happens is written with the present time, told to subscribers, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from integrations.sandbox.fill.activity import Change, simulate
from integrations.sandbox.fill.generator import generate
from integrations.sandbox.shopify.state import Store
from integrations.sandbox.world import SandboxConfig, World


def make_world(customers: int = 200) -> World:
    """A world with one small shop."""
    world = World(SandboxConfig())
    store, portal = generate(5, world.clock.now(), customers)
    world.stores[store.domain], world.portals[portal.hub_id] = store, portal
    return world


def test_people_order_return_leave_and_read() -> None:
    world = make_world()
    store = next(iter(world.stores.values()))
    newcomers = {c.id for c in store.customers.values() if not c.order_ids}
    orders_before = len(store.orders)
    changes = simulate(world, 1, 40)
    kinds = Counter(change.kind for change in changes)
    assert set(kinds) == {"order.placed", "order.refunded", "order.cancelled", "checkout.abandoned", "checkout.recovered", "email.opened"}
    placed = [change for change in changes if change.kind == "order.placed"]
    assert len(store.orders) == orders_before + len(placed)
    assert any(change.customer_id in newcomers for change in placed)
    assert any(len(store.customers[change.customer_id or 0].order_ids) > 5 for change in placed)


def test_what_happened_counts_as_changed_now() -> None:
    world = make_world()
    store, portal = next(iter(world.stores.values())), next(iter(world.portals.values()))
    before = world.clock.now().replace(microsecond=0)
    for change in simulate(world, 1, 20):
        if change.customer_id is not None:
            assert store.customers[change.customer_id].updated_at >= before
        if change.kind.startswith("order."):
            order = store.orders[int(change.object_id)]
            assert order.updated_at >= before
            assert order.total_minor - order.current_total_minor == sum(r.amount_minor for r in order.refunds)
        if change.kind.startswith("checkout."):
            checkout = store.checkouts[int(change.object_id)]
            assert checkout.updated_at >= before
            assert (checkout.completed_at is not None) == (change.kind == "checkout.recovered")
        if change.contact_id is not None:
            assert portal.contacts[change.contact_id].updated_at >= before


def test_the_same_seed_gives_the_same_life_and_ids_never_clash() -> None:
    one, other = make_world(), make_world()
    assert _kinds(simulate(one, 9, 30)) == _kinds(simulate(other, 9, 30))
    simulate(one, 10, 30)
    store = next(iter(one.stores.values()))
    lines = [line.id for order in store.orders.values() for line in order.lines]
    refunds = [refund.id for order in store.orders.values() for refund in order.refunds]
    assert len(lines) == len(set(lines))
    assert len(refunds) == len(set(refunds))
    numbers = [order.number for order in store.orders.values()]
    assert len(numbers) == len(set(numbers))


def _kinds(changes: list[Change]) -> list[tuple[str, int | None]]:
    return [(change.kind, change.customer_id) for change in changes]


def test_shopify_changes_are_announced_and_opens_are_hubspots_own() -> None:
    world = make_world()
    told: list[Change] = []

    def announce(_store: Store, change: Change) -> None:
        told.append(change)

    changes = simulate(world, 1, 20, announce=announce)
    assert told == [change for change in changes if change.kind != "email.opened"]
    assert {change.topic for change in told} == {"orders/create", "orders/updated", "orders/cancelled", "checkouts/create", "checkouts/update"}


def test_a_tiny_store_lives_too_and_what_cannot_be_is_refused() -> None:
    world = make_world(1)
    assert simulate(world, 1, 50)
    with pytest.raises(ValueError, match="At least 1 customer"):
        simulate(world, 1, 0)
    with pytest.raises(KeyError):
        simulate(world, 1, 5, domain="nobody.myshopify.com")
    next(iter(world.stores.values())).products.clear()
    with pytest.raises(ValueError, match="nothing to sell"):
        simulate(world, 1, 5)
