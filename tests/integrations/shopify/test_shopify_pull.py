"""Reading a store: everything, then what changed; whole or with an error; from where it stopped."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Page, Window
from integrations.errors import Misconfigured, Restart, Transient
from integrations.models import Connection
from integrations.records import Checkout, CheckoutLine, Customer, Order, OrderLine, Product, ProductCollection, Record
from integrations.sandbox.faults import Fault
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.state import LineItem, Store
from integrations.shopify import pull
from integrations.shopify.pull import ShopifySource


def read(connection: Connection, stream: str, window: Window, cursor: str = "") -> list[Page]:
    return list(ShopifySource(connection).pages(stream, window, cursor))


def records(pages: list[Page]) -> list[Record]:
    return [record for page in pages for record in page.records]


def everything() -> Window:
    return Window(None, datetime.now(UTC))


def jobs(sandbox: SandboxServer) -> int:
    """How many bulk queries were ever started."""
    return sum(call.operation == "StartBulkQuery" for call in sandbox.world.calls.recent(datetime.min.replace(tzinfo=UTC)))


def of(kind: type[Any], found: list[Record]) -> list[Any]:
    return [record for record in found if isinstance(record, kind)]


def test_the_first_pull_brings_every_object_with_all_that_belongs_to_it(connection: Connection, store: Store) -> None:
    orders = records(read(connection, "orders", everything()))
    assert {order.external_id for order in of(Order, orders)} == {str(key) for key in store.orders}
    lines = Counter(line.order_id for line in of(OrderLine, orders))
    assert lines == {str(order.id): len(order.lines) for order in store.orders.values()}
    assert sum(order.total_minor for order in of(Order, orders)) == sum(order.current_total_minor for order in store.orders.values())
    assert sum(line.amount_minor for line in of(OrderLine, orders)) == sum(
        line.discounted_total_minor for order in store.orders.values() for line in order.lines
    )
    customers = of(Customer, records(read(connection, "customers", everything())))
    assert {customer.external_id: customer.tags for customer in customers} == {str(each.id): tuple(each.tags) for each in store.customers.values()}
    products = records(read(connection, "products", everything()))
    assert len(of(Product, products)) == len(store.products)
    assert len(of(ProductCollection, products)) == sum(len(product.collection_ids) for product in store.products.values())
    checkouts = records(read(connection, "checkouts", everything()))
    assert len(of(Checkout, checkouts)) == len(store.checkouts)
    assert len(of(CheckoutLine, checkouts)) == sum(len(checkout.lines) for checkout in store.checkouts.values())


def test_the_job_is_known_before_it_has_run_and_the_caller_is_told_when_to_come_back(connection: Connection) -> None:
    first, second = read(connection, "orders", everything())[:2]
    assert first.records == ()
    assert first.wait > 0
    assert re.fullmatch(r"bulk:[0-9a-f]{12}:gid://shopify/BulkOperation/\d+:0:0", first.cursor)
    assert second.cursor == first.cursor or second.records


def test_a_process_that_died_goes_on_after_the_last_page_it_kept(
    connection: Connection, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "PAGE", 100)
    whole = read(connection, "orders", everything())
    full = [page for page in whole if page.records]
    assert len(full) > 5
    kept = full[3].cursor
    begun = jobs(sandbox)
    rest = read(connection, "orders", everything(), kept)
    assert records(rest) == records(full[4:])
    assert jobs(sandbox) == begun
    assert records(read(connection, "orders", everything(), full[-1].cursor)) == []


def test_a_store_without_checkouts_is_empty_without_an_error(connection: Connection, store: Store) -> None:
    store.checkouts.clear()
    pages = read(connection, "checkouts", everything())
    assert records(pages) == []
    assert pages[-1].expected == 0


@pytest.mark.parametrize("kind", ["bulk_failed", "bulk_canceled"])
def test_fault_32_a_job_that_ended_badly_is_begun_again_never_taken_as_empty(connection: Connection, sandbox: SandboxServer, kind: str) -> None:
    sandbox.world.faults.add(Fault(kind, operation="bulk", remaining=1))
    with pytest.raises(Restart, match=r"FAILED|CANCELED"):
        read(connection, "orders", everything())
    assert records(read(connection, "orders", everything()))


def test_fault_33_a_file_shorter_than_counted_is_no_success(connection: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.faults.add(Fault("bulk_cut", operation="bulk", remaining=1))
    with pytest.raises(Restart):
        read(connection, "orders", everything())


def test_fault_33_a_connection_that_breaks_half_way_loses_nothing_that_was_kept(
    connection: Connection, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "PAGE", 100)
    sandbox.world.faults.add(Fault("cut_body", operation="GET /shopify-files", remaining=1))
    kept: list[Page] = []
    try:
        for page in ShopifySource(connection).pages("orders", everything(), ""):
            kept.append(page)  # noqa: PERF402 (what came before the break is kept)
        pytest.fail("a file cut in half was taken for a whole one")
    except Transient as error:
        assert not isinstance(error, Restart)  # noqa: PT017 (raised half-way through the loop)
    assert records(kept)
    rest = read(connection, "orders", everything(), kept[-1].cursor)
    found = records([*kept, *rest])
    assert len(of(Order, found)) == len(store.orders)
    assert len(found) == len(set(found))


def test_fault_35_a_file_on_another_host_is_not_fetched(connection: Connection, settings: Any) -> None:
    settings.SHOPIFY_FILE_HOSTS = ["storage.googleapis.com"]
    with pytest.raises(Misconfigured, match="SHOPIFY_FILE_HOSTS"):
        read(connection, "orders", everything())


def test_the_result_file_gone_after_a_week_means_a_new_job(connection: Connection, sandbox: SandboxServer) -> None:
    pages = read(connection, "orders", everything())
    sandbox.world.clock.advance(timedelta(days=8))
    with pytest.raises(Restart):
        read(connection, "orders", everything(), pages[0].cursor)


def test_later_only_what_changed_comes_and_it_comes_whole(connection: Connection, store: Store) -> None:
    now = datetime.now(UTC)
    window = Window(now - timedelta(days=60), now - timedelta(days=1))
    changed = {str(each.id): each for each in store.orders.values() if _second(window.since) <= each.updated_at < _second(window.until)}
    found = records(read(connection, "orders", window))
    assert {order.external_id for order in of(Order, found)} == set(changed)
    assert len(found) == len(changed) > 10
    assert all(len(order.lines or ()) == len(changed[order.external_id].lines) for order in of(Order, found))
    assert len(records(read(connection, "customers", window))) == sum(
        _second(window.since) <= each.updated_at < _second(window.until) for each in store.customers.values()
    )
    assert len(records(read(connection, "checkouts", window))) == sum(
        _second(window.since) <= each.updated_at < _second(window.until) for each in store.checkouts.values()
    )


def test_an_order_with_more_lines_than_a_page_still_comes_whole(connection: Connection, store: Store) -> None:
    order = max(store.orders.values(), key=lambda each: each.updated_at)
    pattern = order.lines[0]
    order.lines = [LineItem(9_000 + place, pattern.product_id, pattern.variant_id, "S", "Many", "V", 1, 1, 100, 100) for place in range(300)]
    now = datetime.now(UTC)
    found = of(Order, records(read(connection, "orders", Window(order.updated_at - timedelta(seconds=1), now))))
    whole = next(each for each in found if each.external_id == str(order.id))
    assert [line.external_id for line in whole.lines or ()] == [str(9_000 + place) for place in range(300)]


def test_pages_of_changes_can_be_left_and_taken_up(connection: Connection, store: Store) -> None:
    now = datetime.now(UTC)
    window = Window(now - timedelta(days=400), now)
    pages = read(connection, "orders", window)
    assert len(pages) > 3
    assert records(read(connection, "orders", window, pages[1].cursor)) == records(pages[2:])


def test_a_window_deeper_than_shopify_pages_is_begun_anew_further_up(connection: Connection, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "DEEPEST", 100)
    now = datetime.now(UTC)
    pages = read(connection, "orders", Window(now - timedelta(days=700), now + timedelta(days=1)))
    assert {order.external_id for order in of(Order, records(pages))} == {str(key) for key in store.orders}
    assert len({page.cursor.split(":")[2] for page in pages}) > 3


def test_only_streams_that_the_grant_allows_are_offered(connection: Connection) -> None:
    assert [spec.name for spec in ShopifySource(connection).streams] == ["metafields", "products", "customers", "orders", "checkouts"]
    connection.scopes = ["write_customers", "read_products"]
    assert [spec.name for spec in ShopifySource(connection).streams] == ["metafields", "products", "customers"]
    with pytest.raises(Misconfigured, match="no stream"):
        ShopifySource(connection).pages("giraffes", everything(), "")


def test_a_scope_taken_away_is_named(connection: Connection, sandbox: SandboxServer) -> None:
    for token in sandbox.shopify.tokens.access.values():
        token.scopes = frozenset({"read_products"})
    now = datetime.now(UTC)
    with pytest.raises(Misconfigured, match="read_orders"):
        read(connection, "orders", Window(now - timedelta(days=1), now))
    with pytest.raises(Restart, match="ACCESS_DENIED"):
        read(connection, "orders", everything())


def _second(instant: datetime | None) -> datetime:
    assert instant is not None
    return instant.replace(microsecond=0)
