"""Webhooks are hints: what they point at is asked for again, and nothing in them is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.models import Connection, Delivery, Shop
from segsync import pipeline
from segsync.pull import hints, run
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
    assert hints.heed(pulled.now()) == 1
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
    hints.heed(pulled.now())
    pulled.pull("orders")
    assert list(Order.objects.order_by("pk").values()) == before


def test_fault_13_the_same_hint_many_times_asks_once(pulled: Line) -> None:
    for number in range(20):
        pulled.told("orders/updated", f"again-{number}")
    assert hints.heed(pulled.now()) == 20
    assert hints.heed(pulled.now()) == 0
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
        hints.heed(pulled.now())
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
    hints.heed(began)
    assert pulled.stream("orders").hinted_at == received


def test_a_stream_that_is_backing_off_keeps_its_wait(pulled: Line) -> None:
    later = pulled.now() + timedelta(minutes=5)
    Stream.objects.filter(name="orders").update(failures=3, due_at=later)
    pulled.told("orders/create", "one")
    hints.heed(pulled.now())
    assert pulled.stream("orders").due_at == later


def test_the_end_of_a_bulk_operation_wakes_who_waits_for_it(line: Line) -> None:
    run.pull(line.stream("orders").pk, line.now)  # started; to be asked for again in a moment
    line.server.world.faults.clear()
    Stream.objects.filter(name="orders").update(due_at=line.now() + timedelta(minutes=5))
    line.told("bulk_operations/finish", "one")
    hints.heed(line.now())
    assert "orders" in due(line)


def test_fault_48_a_topic_of_a_later_version_is_kept(pulled: Line) -> None:
    pulled.told("planets/align", "one")
    hints.heed(pulled.now())
    assert outcomes() == ["later"]


def test_hints_of_an_account_that_is_not_connected_are_ignored(pulled: Line) -> None:
    pulled.told("contact.creation", "one", vendor="hubspot")
    Connection.objects.filter(vendor="shopify").update(status=Connection.Status.NEEDS_RECONNECT)
    pulled.told("orders/create", "two")
    hints.heed(pulled.now())
    assert outcomes() == ["ignored", "ignored"]


def test_uninstalling_stops_reading_writing_and_judging(both: Line) -> None:
    both.segment()
    both.decide()
    both.server.shopify.uninstall(both.domain)
    both.wait(1)
    both.told("app/uninstalled", "bye")
    both.told("orders/create", "too late")
    hints.heed(both.now())
    assert outcomes() == ["done", "ignored"]
    assert both.shopify.status == Connection.Status.DISCONNECTED
    assert both.shop.status == Shop.Status.UNINSTALLED
    asked = both.calls()
    both.wait(7_200)
    both.tick()
    both.push("shopify")
    both.push("hubspot")
    assert both.calls() == asked
    assert pipeline.shops_to_decide(both.now()) == set()


def test_fault_42_a_late_farewell_does_not_undo_a_reinstallation(pulled: Line) -> None:
    bye = pulled.told("app/uninstalled", "bye")
    pulled.wait(60)
    pulled.connect_store()
    hints.heed(pulled.now())
    bye.refresh_from_db()
    assert bye.outcome == Delivery.Outcome.DONE
    assert pulled.shopify.status == Connection.Status.CONNECTED
    assert due(pulled) == {"metafields", "products", "customers", "orders", "checkouts"}
