"""What a webhook names is fetched by itself, at once; what is gone is noticed; nothing is believed, and nothing of one second is lost."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from graphql import GraphQLError

from integrations.models import Delivery
from integrations.sandbox.shopify import resolve
from integrations.sandbox.shopify.state import Checkout as SandboxCheckout
from integrations.shopify import pull as shopify_pull
from segsync import pipeline
from segsync.evaluate.models import Membership
from segsync.pull import hints, named, run
from segsync.pull.models import Stream
from segsync.store.models import Checkout, Order, Product, Profile
from tests.line import Line


@pytest.fixture
def pulled(line: Line) -> Line:
    """Everything pulled, nothing due for some time."""
    line.pull()
    line.wait(5)
    return line


def told(line: Line, topic: str, **body: object) -> Delivery:
    """A webhook with a body has come in."""
    made = line.told(topic, f"{topic} {Delivery.objects.count()}")
    made.body = json.dumps(body).encode()
    made.save()
    return made


def fetch(line: Line) -> set[str]:
    """Do what a tick would send workers to do; the names of the streams."""
    streams = Stream.objects.filter(pk__in=hints.look(line.now()).to_fetch)
    for stream in streams:
        named.fetch(stream.pk, line.now)
    return {stream.name for stream in streams}


def outcomes() -> set[str]:
    return set(Delivery.objects.values_list("outcome", flat=True))


def test_invariant_3_what_a_webhook_names_is_fetched_by_its_id_and_nothing_in_it_is_believed(pulled: Line) -> None:
    pulled.order(2001, 104)
    told(pulled, "orders/create", id=2001, total_price="0.01")
    windows = pulled.calls("OrdersPage")
    assert fetch(pulled) == {"orders"}
    assert Order.objects.get(external_id="2001").total_minor == 1_250
    assert Order.objects.get(external_id="2001").lines.count() == 1
    assert (pulled.calls("OrdersById"), pulled.calls("OrdersPage")) == (1, windows)
    assert outcomes() == {"done"}


def test_every_kind_of_object_can_be_fetched(pulled: Line) -> None:
    now = pulled.now()
    with pulled.server.world.lock:
        pulled.store.checkouts[9001] = SandboxCheckout(9001, 101, now, now, 900, [])
        pulled.store.products[11].title = "Another tea"
        pulled.store.products[11].updated_at = now
    pulled.customer(110, "gil@example.test")
    pulled.order(2001, 110)
    for topic, body in (
        ("checkouts/create", {"id": 9001}),
        ("products/update", {"id": 11}),
        ("customers/create", {"id": 110}),
        ("orders/create", {"id": 2001}),
    ):
        told(pulled, topic, **body)
    assert fetch(pulled) == {"checkouts", "products", "customers", "orders"}
    assert Checkout.objects.get(external_id="9001").total_minor == 900
    assert Product.objects.get(external_id="11").title == "Another tea"
    assert Profile.objects.get(external_id="110").emails == ["gil@example.test"]
    assert Order.objects.get(external_id="2001").customer == Profile.objects.get(external_id="110").customer


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/updated", {"id": 1001}),
        ("refunds/create", {"id": 5, "order_id": 1001}),
        ("orders/edited", {"order_edit": {"id": 5, "order_id": 1001}}),
    ],
)
def test_the_order_is_found_in_whatever_body_names_it(pulled: Line, topic: str, body: dict[str, object]) -> None:
    told(pulled, topic, **body)
    fetch(pulled)
    assert pulled.calls("OrdersById") == 1
    assert outcomes() == {"done"}


def test_several_webhooks_about_one_object_fetch_it_once(pulled: Line) -> None:
    told(pulled, "customer.tags_added", customerId="gid://shopify/Customer/101", tags=["x"])
    told(pulled, "customers/update", id=101)
    assert fetch(pulled) == {"customers"}
    assert pulled.calls("CustomersById") == 1
    assert outcomes() == {"done"}


def test_more_than_can_be_fetched_singly_is_read_with_a_window(pulled: Line) -> None:
    for number in range(named.AT_ONCE + 1):
        told(pulled, "orders/updated", id=1000 + number)
    pulled.wait(1)
    assert fetch(pulled) == set()
    assert outcomes() == {"done"}
    assert pulled.stream("orders").due_at <= pulled.now()  # type: ignore[operator]


def test_what_changes_within_the_second_it_was_read_in_is_not_lost(pulled: Line) -> None:
    second = pulled.now().replace(microsecond=0) + timedelta(seconds=2)
    pulled.server.world.clock.advance(second - pulled.now())
    pulled.order(2001, 104)
    told(pulled, "orders/create", id=2001)
    fetch(pulled)
    with pulled.server.world.lock:
        pulled.store.orders[2001].current_total_minor = 999  # its time of change stays the same second
    told(pulled, "orders/updated", id=2001)
    fetch(pulled)
    assert Order.objects.get(external_id="2001").total_minor == 999
    with pulled.server.world.lock:
        pulled.store.orders[2001].current_total_minor = 888
    pulled.wait(61)
    pulled.pull("orders")
    assert Order.objects.get(external_id="2001").total_minor == 888


def test_versions_of_what_is_read_too_soon_rise_and_stay_below_their_second() -> None:
    from integrations.records import Product as Record

    at = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
    record = Record("1", at, "", "", "", "", (), ())
    versions = [getattr(named.provisional(record, at + timedelta(milliseconds=ms)), "version", at) for ms in (-500, 10, 400, 1_900, 2_000)]
    assert versions == sorted(versions)
    assert at - timedelta(seconds=1) < versions[0] <= versions[3] < at == versions[4]


def test_a_change_in_the_second_of_its_hint_is_read_by_the_hinted_window(pulled: Line) -> None:
    pulled.order(2001, 104)
    pulled.told("orders/create", "names nothing")
    hints.look(pulled.now())
    pulled.pull("orders")
    assert Order.objects.filter(external_id="2001").exists()


def parted(line: Line, topic: str, number: int) -> None:
    held = {"orders": line.store.orders, "products": line.store.products, "customers": line.store.customers, "checkouts": line.store.checkouts}
    with line.server.world.lock:
        del held[topic.partition("/")[0]][number]  # type: ignore[attr-defined]
    told(line, topic, id=number)


def test_what_is_deleted_is_noticed(pulled: Line) -> None:
    now = pulled.now()
    with pulled.server.world.lock:
        pulled.store.checkouts[9001] = SandboxCheckout(9001, 101, now, now, 900, [])
    pulled.customer(110, "gil@example.test")
    pulled.wait(61)
    pulled.pull()
    for topic, number in (("orders/delete", 1001), ("products/delete", 11), ("customers/delete", 110), ("checkouts/delete", 9001)):
        parted(pulled, topic, number)
    assert fetch(pulled) == {"orders", "products", "customers", "checkouts"}
    assert Order.objects.get(external_id="1001").deleted_at is not None
    assert not Order.objects.get(external_id="1001").counted
    assert Product.objects.get(external_id="11").deleted_at is not None
    assert Profile.objects.get(external_id="110").gone_at is not None
    assert Checkout.objects.get(external_id="9001").deleted_at is not None
    assert outcomes() == {"done"}


def test_a_deletion_that_is_not_true_deletes_nothing(pulled: Line) -> None:
    told(pulled, "orders/delete", id=1001)
    fetch(pulled)
    assert Order.objects.get(external_id="1001").deleted_at is None
    assert outcomes() == {"done"}


def test_what_the_platform_merely_does_not_show_is_not_gone(pulled: Line) -> None:
    with pulled.server.world.lock:
        del pulled.store.orders[1001]  # as an order older than the granted scopes let see
    told(pulled, "orders/updated", id=1001)
    fetch(pulled)
    assert Order.objects.get(external_id="1001").deleted_at is None
    assert pulled.stream("orders").hinted_at is not None  # the window is read all the same


def test_a_deletion_waits_until_the_platform_answers_while_other_hints_do_not(pulled: Line) -> None:
    parted(pulled, "orders/delete", 1001)
    told(pulled, "orders/updated", id=1002)
    pulled.fault("503", operation="OrdersById", platform="shopify")
    fetch(pulled)
    assert outcomes() == {"waiting"}
    assert pulled.stream("orders").failures == 1
    assert fetch(pulled) == set()  # backing off: the other hint is left to the window
    assert sorted(Delivery.objects.values_list("topic", "outcome")) == [("orders/delete", "waiting"), ("orders/updated", "done")]
    pulled.wait(600)
    pulled.pull("orders")
    assert fetch(pulled) == {"orders"}
    assert Order.objects.get(external_id="1001").deleted_at is not None


def test_a_request_that_is_refused_for_several_objects_is_asked_for_each_by_itself(pulled: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopify_pull, "FETCHED", 100)  # more than one request may cost
    parted(pulled, "orders/delete", 1001)
    for number in range(2000, 2040):
        told(pulled, "orders/delete", id=number)
    fetch(pulled)
    assert Order.objects.get(external_id="1001").deleted_at is not None
    assert outcomes() == {"done"}


def test_a_deletion_about_which_the_platform_refuses_to_answer_is_kept_and_asked_about_again(pulled: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    node = resolve._node

    def refuses(access: Any, gid: str) -> Any:
        if gid.endswith("/1002"):
            raise GraphQLError("Cannot be told", extensions={"code": "argumentLiteralsIncompatible"})
        return node(access, gid)

    pulled.segment()
    pulled.settle()
    parted(pulled, "orders/delete", 1001)
    parted(pulled, "orders/delete", 1002)
    with monkeypatch.context() as patch:
        patch.setattr(resolve, "_node", refuses)
        fetch(pulled)
    assert {order.external_id for order in Order.objects.filter(deleted_at__isnull=False)} == {"1001"}
    assert list(Delivery.objects.order_by("pk").values_list("outcome", flat=True)) == ["done", "later"]
    assert fetch(pulled) == set()  # not at every tick
    pulled.wait(86_400)
    pulled.decide()
    fetch(pulled)
    assert Order.objects.get(external_id="1002").deleted_at is not None
    assert outcomes() == {"done"}


def test_a_deletion_told_of_while_everything_is_read_waits_for_the_end(line: Line) -> None:
    run.pull(line.stream("orders").pk, line.now)  # begun: the file may still hold the order
    told(line, "orders/delete", id=1001)
    assert fetch(line) == set()
    assert outcomes() == {"waiting"}
    with line.server.world.lock:
        del line.store.orders[1001]
    line.pull("orders")
    assert fetch(line) == {"orders"}
    assert not Order.objects.filter(external_id="1001", deleted_at__isnull=True).exists()


def test_fault_3_a_webhook_whose_object_was_not_stored_is_looked_at_again(pulled: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled.order(2001, 104)
    told(pulled, "orders/create", id=2001)

    def dies(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(named, "store_page", dies)
        with pytest.raises(KeyboardInterrupt):
            fetch(pulled)
    assert outcomes() == {"waiting"}
    fetch(pulled)
    assert Order.objects.filter(external_id="2001").exists()


def test_the_person_is_tagged_without_any_window_being_read(pulled: Line) -> None:
    pulled.segment()
    pulled.settle()
    pages = pulled.calls("OrdersPage", "CustomersPage")
    began = pulled.now()
    pulled.customer(110, "gil@example.test")
    pulled.order(2001, 110)
    told(pulled, "orders/create", id=2001)
    told(pulled, "customers/update", id=110)
    pulled.tick()
    assert 110 in pulled.tagged()
    assert pulled.calls("OrdersPage", "CustomersPage") == pages
    assert pulled.now() - began < timedelta(seconds=10)
    assert Membership.objects.filter(until__isnull=True).exists()
    assert pipeline.settled(pulled.shop, pulled.now())


def test_a_webhook_that_comes_in_while_another_is_seen_to_is_not_left_to_the_next_tick(pulled: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    store = named._store

    def told_meanwhile(*args: object) -> int:
        if Delivery.objects.count() == 1:
            pulled.order(2002, 104)
            told(pulled, "orders/create", id=2002)
        return store(*args)  # type: ignore[arg-type]

    pulled.order(2001, 104)
    told(pulled, "orders/create", id=2001)
    with monkeypatch.context() as patch:
        patch.setattr(named, "_store", told_meanwhile)
        fetch(pulled)
    assert Order.objects.filter(external_id__in=["2001", "2002"]).count() == 2
    assert outcomes() == {"done"}


def test_invariant_11_a_webhook_of_one_shop_fetches_nothing_for_another(pulled: Line, other: Line) -> None:
    other.pull()
    told(pulled, "orders/updated", id=1001)
    fetch(other)
    assert pulled.calls("OrdersById", account=other.domain) == 0
    assert pulled.calls("OrdersById", account=pulled.domain) == 1
