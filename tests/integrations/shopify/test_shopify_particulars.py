"""Addresses, companies, apps, places and shipping of a store, in bulk and page by page, and what a store withholds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from integrations import throttle
from integrations.base import Page, Window
from integrations.errors import Restart
from integrations.models import Connection
from integrations.records import Address, Customer, Order, Record
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.state import Address as Mailing
from integrations.sandbox.shopify.state import Store
from integrations.shopify import documents
from integrations.shopify.pull import ShopifySource

BULK = Window(None, datetime.now(UTC))
PAGES = Window(datetime.now(UTC) - timedelta(days=900), datetime.now(UTC) + timedelta(days=1))
WINDOWS = {"bulk": BULK, "pages": PAGES}


@pytest.fixture(autouse=True)
def nothing_learned() -> Iterator[None]:
    """What one test's store denied is not known to the next."""
    throttle._pacers.clear()
    yield
    throttle._pacers.clear()


def read(connection: Connection, stream: str, window: Window) -> tuple[list[Record], list[Page]]:
    pages = list(ShopifySource(connection).pages(stream, window, ""))
    return [record for page in pages for record in page.records], pages


def withheld(pages: list[Page]) -> list[str] | None:
    """What was last told to be withheld; None when nothing was told."""
    told = [list(page.withheld) for page in pages if page.withheld is not None]
    return told[-1] if told else None


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_every_address_and_company_of_a_customer_is_told(connection: Connection, store: Store, window: Window) -> None:
    told, pages = read(connection, "customers", window)
    addresses: dict[str, set[Address]] = {}
    for record in told:
        for address in (record.addresses or ()) if isinstance(record, Customer) else (record,) if isinstance(record, Address) else ():
            addresses.setdefault(address.customer_id, set()).add(address)
    held = {str(c.id): {Address(str(c.id), a.country, a.province, a.city) for a in c.every_address} for c in store.customers.values() if c.every_address}
    assert addresses == held
    assert any(len(each) > 1 for each in held.values())
    companies = {record.external_id: record.companies for record in told if isinstance(record, Customer)}
    assert companies == {str(c.id): tuple(map(str, c.company_ids)) for c in store.customers.values()}
    assert any(companies.values())
    assert withheld(pages) == []


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_an_orders_app_place_and_shipping_are_told(connection: Connection, store: Store, window: Window) -> None:
    told, pages = read(connection, "orders", window)
    found = {o.external_id: (o.app_id, o.location_id, o.shipping) for o in told if isinstance(o, Order)}
    assert found == {str(o.id): (str(o.app_id), str(o.location_id or ""), o.shipping) for o in store.orders.values()}
    assert len({location for _, location, _ in found.values()}) == 3
    assert withheld(pages) == []


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_a_store_without_b2b_gives_everything_but_companies_and_says_so(connection: Connection, store: Store, sandbox: SandboxServer, window: Window) -> None:
    store.b2b = False
    told, pages = read(connection, "customers", window)
    assert {record.companies for record in told if isinstance(record, Customer)} == {None}
    assert len([record for record in told if isinstance(record, Customer)]) == len(store.customers)
    assert withheld(pages) == ["companies"]
    before = len(sandbox.world.calls.recent(datetime.min.replace(tzinfo=UTC)))
    read(connection, "customers", PAGES)
    calls = sandbox.world.calls.recent(datetime.min.replace(tzinfo=UTC))[before:]
    assert [call.operation for call in calls] == ["CustomersPage"]  # what was denied is not asked for again at once


def test_what_a_bulk_reading_was_not_given_is_told_alike_whoever_goes_on_with_it(connection: Connection, store: Store) -> None:
    store.b2b = False
    begun = next(iter(ShopifySource(connection).pages("customers", BULK, "")))
    assert list(begun.withheld or {}) == ["companies"]
    throttle._pacers.clear()  # as in another process, which was denied nothing yet
    assert withheld(list(ShopifySource(connection).pages("customers", BULK, begun.cursor))) is None


def test_what_another_process_was_given_is_asked_for_by_all(connection: Connection, store: Store) -> None:
    store.b2b = False
    read(connection, "customers", PAGES)  # denied, and remembered
    store.b2b = True
    connection.withheld = {"customers": {}}  # as told by another process
    assert withheld(read(connection, "customers", PAGES)[1]) == []


def test_a_bulk_reading_that_another_version_began_is_begun_again(connection: Connection, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = next(iter(ShopifySource(connection).pages("customers", BULK, ""))).cursor
    assert list(ShopifySource(connection).pages("customers", BULK, begun))
    earlier = "bulk:" + begun.split(":", 2)[2]  # as versions wrote it that told no document
    with pytest.raises(Restart, match="Another version"):
        list(ShopifySource(connection).pages("customers", BULK, earlier))
    written = documents._written
    monkeypatch.setattr(documents, "_written", lambda name: written(name).replace("provinceCode ", ""))
    documents.text.cache_clear()
    with pytest.raises(Restart, match="Another version"):
        list(ShopifySource(connection).pages("customers", BULK, begun))
    documents.text.cache_clear()


def test_only_so_many_texts_are_kept(connection: Connection) -> None:
    for number in range(1_000):
        documents.text("bulk_customers", frozenset(), f"metafield0: {number}")
    assert documents.text.cache_info().currsize < 1_000


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("instead", ["", "read_inventory"])
def test_locations_are_asked_for_only_where_a_scope_allows_it(
    connection: Connection, store: Store, sandbox: SandboxServer, window: Window, instead: str
) -> None:
    kept = [scope for scope in connection.scopes if scope != "read_locations"]
    connection.scopes = [*kept, instead] if instead else kept
    for token in sandbox.shopify.tokens.access.values():
        token.scopes = frozenset(connection.scopes)
    told, pages = read(connection, "orders", window)
    locations = {o.location_id for o in told if isinstance(o, Order)}
    assert (locations == {""}) == (not instead)
    assert withheld(pages) == ([] if instead else ["orders_placed.location_id"])


def test_a_customer_with_hundreds_of_addresses_takes_two_calls(connection: Connection, store: Store, sandbox: SandboxServer) -> None:
    customer = next(iter(store.customers.values()))
    customer.addresses = [Mailing(number, "US", "NY", f"Town {number}") for number in range(1, 400)]
    told, _ = read(connection, "customers", PAGES)
    found = next(record for record in told if isinstance(record, Customer) and record.external_id == str(customer.id))
    assert len(found.addresses or ()) == 250
    calls = sandbox.world.calls.recent(datetime.min.replace(tzinfo=UTC))
    assert sum(call.operation == "CustomerChildren" for call in calls) == 1
