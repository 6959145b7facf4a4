"""The made-up shop: always the same for a seed, true to itself, and with enough of everything to segment."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from integrations.sandbox.fill.generator import HAND_MADE_TAG, generate
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.shopify.state import Customer, Order, Store

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
Shop = tuple[Store, Portal]


@pytest.fixture(scope="module")
def shop() -> Shop:
    """The shop that the demo shows."""
    return generate(7, NOW)


def counted(store: Store, customer: Customer) -> list[Order]:
    """The customer's orders that rules count."""
    orders = (store.orders[order_id] for order_id in customer.order_ids)
    return [o for o in orders if not o.test and o.cancelled_at is None and o.financial_status != "VOIDED"]


def test_the_same_seed_and_instant_give_the_same_shop() -> None:
    assert generate(3, NOW, 60) == generate(3, NOW, 60)
    assert generate(3, NOW, 60) != generate(4, NOW, 60)


def test_the_shop_is_as_large_as_promised(shop: Shop) -> None:
    store, portal = shop
    assert len(store.customers) == 2000
    assert len(store.products) == 120
    assert {len(p.variants) > 0 for p in store.products.values()} == {True}
    assert len(portal.campaigns) == 60
    assert 0.7 * 2000 < len(portal.contacts) < 0.95 * 2000
    assert min(o.created_at for o in store.orders.values()) < NOW - timedelta(days=530)


def test_money_adds_up_to_the_penny(shop: Shop) -> None:
    store, _ = shop
    for order in store.orders.values():
        assert order.subtotal_minor == sum(line.discounted_total_minor for line in order.lines)
        assert order.subtotal_minor + order.discounts_minor == sum(line.quantity * line.unit_minor for line in order.lines)
        assert order.total_minor - order.current_total_minor == sum(refund.amount_minor for refund in order.refunds)
        assert order.current_total_minor >= 0
        assert all(0 <= line.current_quantity <= line.quantity for line in order.lines)
        assert (order.total_minor - order.subtotal_minor) in (0, 395)


def test_nothing_lies_in_the_future_and_orders_are_numbered_as_they_came(shop: Shop) -> None:
    store, portal = shop
    for order in store.orders.values():
        assert order.created_at <= order.updated_at <= NOW
        assert all(order.created_at <= refund.created_at <= NOW for refund in order.refunds)
    for checkout in store.checkouts.values():
        assert checkout.created_at <= checkout.updated_at <= NOW
    assert all(c.created_at <= c.updated_at <= NOW for c in store.customers.values())
    assert all(c.created_at <= c.updated_at <= NOW for c in portal.contacts.values())
    assert max(e.created for e in portal.email_events) < NOW
    placed = [order.created_at for order in store.orders.values()]
    assert placed == sorted(placed)
    assert [event.created for event in portal.email_events] == sorted(event.created for event in portal.email_events)


def test_no_checkout_crosses_the_24_hour_mark_while_a_demo_runs(shop: Shop) -> None:
    store, _ = shop
    mark = NOW - timedelta(hours=24)
    assert not [c for c in store.checkouts.values() if mark - timedelta(minutes=3) < c.created_at < mark + timedelta(minutes=15)]


@pytest.mark.parametrize("seed", [7, 8])
def test_every_segment_has_a_believable_share(seed: int) -> None:
    store, portal = generate(seed, NOW)
    day = {days: NOW - timedelta(days=days) for days in (1, 30, 60, 90, 180, 365)}
    orders = {c.id: counted(store, c) for c in store.customers.values()}
    share = Counter[str]()
    for own in orders.values():
        share["first-time"] += len(own) == 1
        share["repeat"] += len(own) > 1
        lately = sum(o.processed_at >= day[365] for o in own)
        share["champions"] += lately >= 5 and own[-1].processed_at >= day[60] and sum(o.current_total_minor for o in own) >= 50_000
        share["at risk"] += len(own) >= 3 and day[180] <= own[-1].processed_at <= day[90]
        share["lapsed"] += bool(own) and own[-1].processed_at < day[180]
        spent = Counter[str]()
        for order in own:
            if order.processed_at >= day[365]:
                for line in order.lines:
                    spent[store.products[line.product_id or 0].category] += line.discounted_total_minor
        share["one category"] += max((total for name, total in spent.items() if name), default=0) >= 30_000
    share["abandoned"] = len({c.customer_id for c in store.checkouts.values() if c.created_at >= day[1] and not c.completed_at})
    opens = Counter(e.recipient.lower() for e in portal.email_events if e.type == "OPEN" and not e.filtered and e.created >= day[30])
    owner = {c.email: c.id for c in store.customers.values() if c.email}
    share["engaged non-buyers"] = sum(n >= 3 and mail in owner and not orders[owner[mail]] for mail, n in opens.items())
    assert sum(n >= 3 and mail not in owner for mail, n in opens.items()) >= 10  # known to HubSpot alone
    least = {"first-time": 400, "repeat": 700, "champions": 150, "at risk": 80, "lapsed": 200, "one category": 150, "abandoned": 35, "engaged non-buyers": 20}
    assert {name: share[name] for name in least if not least[name] <= share[name] <= 1300} == {}


def test_the_awkward_cases_are_there(shop: Shop) -> None:
    store, portal = shop
    orders = list(store.orders.values())
    assert sum(o.customer_id is None for o in orders) > 100
    assert sum(o.test for o in orders) > 5
    assert sum(o.cancelled_at is not None for o in orders) > 50
    assert {"PAID", "REFUNDED", "PARTIALLY_REFUNDED", "VOIDED"} <= {o.financial_status for o in orders}
    assert sum(bool(o.discount_codes) for o in orders) > 500
    assert any(o.created_at.date() == NOW.date() for o in orders)
    assert 20 <= sum(c.email is None for c in store.customers.values()) <= 60
    assert any(c.completed_at for c in store.checkouts.values() if c.created_at > NOW - timedelta(hours=24))
    events = Counter(e.type for e in portal.email_events)
    assert all(events[kind] for kind in ("SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "STATUSCHANGE"))
    assert any(e.filtered for e in portal.email_events)
    assert any(c.properties.get("hs_email_optout") == "true" for c in portal.contacts.values())


def test_one_person_may_have_two_identities(shop: Shop) -> None:
    store, portal = shop
    addresses = {c.email for c in store.customers.values()}
    second = [c.properties["hs_additional_emails"].strip().lower() for c in portal.contacts.values() if "hs_additional_emails" in c.properties]
    assert len(second) == 10
    assert set(second) <= addresses
    typed = [c.properties["email"] for c in portal.contacts.values()]
    clean = Counter(email.strip().lower() for email in typed)
    assert sum(email != email.strip().lower() for email in typed) > 30
    assert 3 <= sum(n == 2 for n in clean.values()) <= 10
    assert max(clean.values()) == 2


def test_addresses_are_in_the_example_domains(shop: Shop) -> None:
    store, portal = shop
    addresses = [c.email for c in store.customers.values() if c.email] + [c.properties["email"].strip().lower() for c in portal.contacts.values()]
    assert {address.partition("@")[2] for address in addresses} == {"example.com", "example.org", "example.net"}
    shop_addresses = [c.email for c in store.customers.values() if c.email]
    assert len(shop_addresses) == len(set(shop_addresses))


def test_the_merchants_own_mark_is_on_a_regular_and_on_somebody_who_bought_once(shop: Shop) -> None:
    store, _ = shop
    marked = [c for c in store.customers.values() if HAND_MADE_TAG in c.tags]
    assert sorted(len(counted(store, c)) >= 5 for c in marked) == [False, True]
    assert all(c.tags == sorted(c.tags, key=str.casefold) for c in store.customers.values())


def test_a_shop_in_summer_and_at_midnight_is_sound() -> None:
    for now in (datetime(2026, 7, 1, 23, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)):
        store, _ = generate(1, now, 150)
        assert all(o.created_at < now for o in store.orders.values())


def test_a_tiny_shop_is_possible_and_an_empty_one_is_refused() -> None:
    assert len(generate(1, NOW, 1)[0].customers) == 1
    with pytest.raises(ValueError, match="at least 1 customer"):
        generate(1, NOW, 0)
    with pytest.raises(ValueError, match="time zone"):
        generate(1, NOW.replace(tzinfo=None), 5)
