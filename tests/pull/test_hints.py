"""Webhooks are hints: what they point at is asked for again, and nothing in them is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.models import Connection, Delivery, Shop
from segsync import pipeline
from segsync.pull import hints, named, run
from segsync.pull.models import Stream
from segsync.store.models import Order
from tests.line import Line


@pytest.fixture
def pulled(line: Line) -> Line:
    """Everything pulled, nothing due for some time."""
    line.pull()
    return line


def due(line: Line) -> set[str]:
    """The streams that somebody would be sent to now."""
    return set(Stream.objects.filter(shop=line.shop, due_at__lte=line.now()).values_list("name", flat=True))


def outcomes() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("outcome", flat=True))


def test_invariant_3_a_webhook_acts_only_as_a_hint_and_the_object_is_fetched_again(pulled: Line) -> None:
    pulled.wait(5)
    pulled.order(2001, 104)
    pulled.told("orders/create", "one")  # its body is empty: there is nothing in it to believe
    assert due(pulled) == set()
    pulled.wait(1)
    assert hints.look(pulled.now()).heeded == 1
    assert due(pulled) == {"orders"}
    pulled.pull("orders")
    assert Order.objects.get(external_id="2001").total_minor == 1_250
    assert outcomes() == ["done"]


def test_fault_15_a_stale_webhook_changes_nothing(pulled: Line) -> None:
    late = pulled.told("orders/updated", "late")
    late.triggered_at = pulled.now() - timedelta(hours=4)
    late.body = b'{"id": 1001, "current_total_price": "0.01"}'
    late.save()
    before = list(Order.objects.order_by("pk").values())
    hints.look(pulled.now())
    pulled.pull("orders")
    assert list(Order.objects.order_by("pk").values()) == before


def test_fault_13_the_same_hint_many_times_asks_once(pulled: Line) -> None:
    for number in range(20):
        pulled.told("orders/updated", f"again-{number}")
    assert hints.look(pulled.now()).heeded == 20
    assert hints.look(pulled.now()).heeded == 0
    asked = pulled.calls("OrdersPage")
    pulled.wait(1)
    assert run.pull(pulled.stream("orders").pk, pulled.now) is True
    assert run.pull(pulled.stream("orders").pk, pulled.now) is False
    assert pulled.calls("OrdersPage") == asked + 1


def test_a_hint_that_comes_while_a_window_is_read_has_it_read_again(pulled: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    close = run._close_window

    def told_meanwhile(*args: object) -> bool:
        pulled.wait(1)
        pulled.told("orders/create", "meanwhile")
        hints.look(pulled.now())
        return close(*args)  # type: ignore[arg-type]

    pulled.wait(60)
    with monkeypatch.context() as patch:
        patch.setattr(run, "_close_window", told_meanwhile)
        assert run.pull(pulled.stream("orders").pk, pulled.now) is True
    pulled.wait(2)
    assert "orders" in due(pulled)


def test_a_hint_received_after_the_tick_began_is_not_taken_for_older_than_the_window(pulled: Line) -> None:
    began = pulled.now()
    pulled.wait(3)
    received = pulled.told("orders/create", "just now").received_at
    hints.look(began)
    assert pulled.stream("orders").hinted_at == received


def test_a_stream_that_is_backing_off_keeps_its_wait(pulled: Line) -> None:
    later = pulled.now() + timedelta(minutes=5)
    Stream.objects.filter(name="orders").update(failures=3, due_at=later)
    pulled.told("orders/create", "one")
    hints.look(pulled.now())
    assert pulled.stream("orders").due_at == later


def test_the_end_of_a_bulk_operation_wakes_who_waits_for_it(line: Line) -> None:
    run.pull(line.stream("orders").pk, line.now)  # started; to be asked for again in a moment
    line.server.world.faults.clear()
    Stream.objects.filter(name="orders").update(due_at=line.now() + timedelta(minutes=5))
    line.told("bulk_operations/finish", "one")
    hints.look(line.now())
    assert "orders" in due(line)


def test_fault_48_a_topic_of_a_later_version_is_kept(pulled: Line) -> None:
    pulled.told("planets/align", "one")
    hints.look(pulled.now())
    assert outcomes() == ["later"]


def test_hints_of_an_account_that_is_not_connected_are_ignored(pulled: Line) -> None:
    pulled.told("contact.creation", "one", vendor="hubspot")
    Connection.objects.filter(vendor="shopify").update(status=Connection.Status.NEEDS_RECONNECT)
    pulled.told("orders/create", "two")
    hints.look(pulled.now())
    assert outcomes() == ["ignored", "ignored"]


def test_deletions_that_cannot_be_looked_into_yet_keep_no_other_webhook_waiting(pulled: Line, other: Line) -> None:
    other.pull()
    Stream.objects.filter(shop=pulled.shop, name="products").update(window_until=pulled.now())  # being read
    for number in range(5):
        pulled.told("products/delete", f"gone-{number}")
    pulled.told("orders/updated", "of the same shop")
    other.told("orders/updated", "of another shop")
    assert hints.look(pulled.now(), limit=3).heeded == 2
    assert outcomes() == ["waiting"] * 5 + ["done", "done"]


def test_one_shops_many_webhooks_keep_nobody_elses_waiting(pulled: Line, other: Line) -> None:
    other.pull()
    for number in range(5):
        pulled.told("orders/updated", f"one of many {number}")
    other.told("orders/updated", "the only one")
    assert hints.look(pulled.now(), limit=3).heeded == 4
    assert outcomes() == ["done"] * 3 + ["waiting"] * 2 + ["done"]


@pytest.mark.parametrize("status", [Connection.Status.NEEDS_RECONNECT, Connection.Status.PAUSED])
def test_deletions_of_an_account_that_is_to_be_connected_again_wait_for_that(pulled: Line, status: str) -> None:
    Connection.objects.filter(vendor="shopify").update(status=status)
    told = pulled.told("orders/delete", "gone")
    told.body = b'{"id": 1001}'
    told.save()
    with pulled.server.world.lock:
        del pulled.store.orders[1001]
    assert hints.look(pulled.now()).heeded == 0
    assert outcomes() == ["waiting"]
    Connection.objects.filter(vendor="shopify").update(status=Connection.Status.CONNECTED)
    for stream_id in hints.look(pulled.now()).to_fetch:
        named.fetch(stream_id, pulled.now)
    assert Order.objects.get(external_id="1001").deleted_at is not None
    assert outcomes() == ["done"]


def test_deletions_of_an_account_that_was_disconnected_are_given_up(pulled: Line) -> None:
    pulled.told("orders/delete", "gone")
    Connection.objects.filter(vendor="shopify").update(status=Connection.Status.DISCONNECTED)
    hints.look(pulled.now())
    assert outcomes() == ["ignored"]


def test_a_shop_is_at_rest_while_deletions_wait_for_somebody_to_connect_it_again(pulled: Line) -> None:
    pulled.segment()
    pulled.settle()
    Connection.objects.filter(vendor="shopify").update(status=Connection.Status.NEEDS_RECONNECT)
    pulled.told("orders/delete", "gone")
    assert pipeline.settled(pulled.shop, pulled.now())


def test_fault_48_what_a_version_did_not_know_is_looked_at_by_one_that_does(pulled: Line) -> None:
    pulled.segment()
    pulled.settle()
    for topic in ("orders/create", "planets/align"):
        pulled.told(topic, topic)
    Delivery.objects.update(outcome=Delivery.Outcome.LATER, handled_at=pulled.now())  # as the version before left them
    pulled.wait(86_400)  # past midnight, when everybody is judged
    pulled.decide()
    assert sorted(Delivery.objects.values_list("topic", "outcome")) == [("orders/create", "waiting"), ("planets/align", "later")]


def test_uninstalling_stops_reading_writing_and_judging(both: Line) -> None:
    both.segment()
    both.decide()
    both.server.shopify.uninstall(both.domain)
    both.wait(1)
    both.told("app/uninstalled", "bye")
    both.told("orders/create", "too late")
    hints.look(both.now())
    assert outcomes() == ["done", "ignored"]
    assert both.shopify.status == Connection.Status.DISCONNECTED
    assert both.shop.status == Shop.Status.UNINSTALLED
    asked = both.calls()
    both.wait(7_200)
    both.tick()
    both.push("shopify")
    both.push("hubspot")
    assert both.calls() == asked
    assert pipeline.shops_to_decide(both.now()) == []


def test_fault_42_a_late_farewell_does_not_undo_a_reinstallation(pulled: Line) -> None:
    bye = pulled.told("app/uninstalled", "bye")
    pulled.wait(60)
    pulled.connect_store()
    hints.look(pulled.now())
    bye.refresh_from_db()
    assert bye.outcome == Delivery.Outcome.DONE
    assert pulled.shopify.status == Connection.Status.CONNECTED
    assert due(pulled) == {"metafields", "products", "customers", "orders", "checkouts"}
