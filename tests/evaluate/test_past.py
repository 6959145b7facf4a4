"""Facts as of an instant that has passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from integrations import records
from integrations.models import Shop
from segsync.evaluate.facts import FactsReader
from segsync.rules.facts import CustomerFacts
from segsync.store.models import Identity
from tests.factories import NOON, checkout, customer, opened, order, tell

EVERYTHING = ["profile", "orders", "lines", "refunds", "checkouts", "checkout_lines", "activities"]
DAY = timedelta(days=1)


def then(shop: Shop, at: datetime | None, email: str = "a@example.com") -> CustomerFacts | None:
    owner = Identity.objects.get(shop=shop, kind="email", value=email).customer_id
    return FactsReader(shop, EVERYTHING, as_of=at).read([owner]).get(owner)


def known(shop: Shop, at: datetime | None) -> CustomerFacts:
    facts = then(shop, at)
    assert facts is not None
    return facts


@pytest.fixture
def ann(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "a@example.com"))


@pytest.mark.usefixtures("ann")
def test_what_came_later_is_left_out(shop: Shop) -> None:
    tell(shop, "shopify", order("500", "1", placed_at=NOON - 10 * DAY), order("501", "1", placed_at=NOON - DAY))
    tell(shop, "shopify", checkout("70", "1", NOON - 10 * DAY), checkout("71", "1", NOON - DAY))
    tell(shop, "hubspot", opened("e1", "a@example.com", NOON - 10 * DAY), opened("e2", "a@example.com", NOON - DAY))
    before = known(shop, NOON - 5 * DAY)
    assert ([row.id for row in before.orders], [row.id for row in before.checkouts], len(before.activities)) == (["500"], ["70"], 1)
    assert known(shop, NOON) == known(shop, None)
    assert len(known(shop, NOON - DAY).orders) == 2  # at the very instant it was so


@pytest.mark.usefixtures("ann")
def test_refunds_given_later_are_put_back(shop: Shop) -> None:
    refunds = (records.Refund("r1", NOON - 8 * DAY, 500), records.Refund("r2", NOON - 2 * DAY, 1500))
    told = order("500", "1", placed_at=NOON - 10 * DAY, refunds=refunds)
    tell(shop, "shopify", replace(told, total_minor=3000, gross_minor=5000))
    for at, amount, refunded in ((NOON, 3000, 2000), (NOON - 5 * DAY, 4500, 500), (NOON - 9 * DAY, 5000, 0)):
        (row,) = known(shop, at).orders
        assert (row.amount_minor, row.refunded_minor, sum(refund.amount_minor for refund in row.refunds)) == (amount, refunded, refunded)


@pytest.mark.usefixtures("ann")
def test_an_order_counts_until_it_is_cancelled_or_deleted(shop: Shop) -> None:
    tell(
        shop,
        "shopify",
        order("500", "1", placed_at=NOON - 10 * DAY, cancelled_at=NOON - 2 * DAY),
        order("501", "1", placed_at=NOON - 10 * DAY),
        order("502", "1", placed_at=NOON - 10 * DAY, test=True, cancelled_at=NOON - 2 * DAY),
        replace(order("503", "1", placed_at=NOON - 10 * DAY), voided=True),
    )
    tell(shop, "shopify", records.Tombstone("order", "501", NOON - 3 * DAY))
    assert {row.id: row.counted for row in known(shop, NOON).orders} == {"500": False, "502": False, "503": False}
    assert {row.id: row.counted for row in known(shop, NOON - 5 * DAY).orders} == {"500": True, "501": True, "502": False, "503": False}


@pytest.mark.usefixtures("ann")
def test_a_checkout_is_open_until_it_is_recovered(shop: Shop) -> None:
    tell(shop, "shopify", checkout("70", "1", NOON - 10 * DAY, recovered_at=NOON - 2 * DAY))
    assert [known(shop, at).checkouts[0].recovered_at for at in (NOON - 5 * DAY, NOON)] == [None, NOON - 2 * DAY]


def test_a_record_made_later_says_nothing_yet(shop: Shop) -> None:
    tell(shop, "shopify", replace(customer("1", "a@example.com", tags=("late",)), created_at=NOON - DAY))
    tell(shop, "hubspot", replace(customer("9", "a@example.com"), created_at=NOON - 20 * DAY))
    assert (known(shop, NOON - 5 * DAY).tags, known(shop, NOON).tags) == ((), ("late",))


def test_somebody_who_came_later_is_nobody_yet(shop: Shop) -> None:
    tell(shop, "shopify", replace(customer("1", "a@example.com"), created_at=NOON - DAY))
    assert then(shop, NOON - 5 * DAY) is None
    assert then(shop, NOON) is not None
    tell(shop, "hubspot", opened("e1", "a@example.com", NOON - 9 * DAY))
    assert then(shop, NOON - 5 * DAY) is not None


def test_somebody_of_whom_nothing_is_dated_is_always_there(shop: Shop) -> None:
    tell(shop, "import", replace(customer("x", "a@example.com"), created_at=None))
    assert then(shop, NOON - 5000 * DAY) is not None
