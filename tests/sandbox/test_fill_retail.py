"""Real transactions as a store: what becomes an order, what a refund, and what is left out and said so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.retail import Account, UnreadableData, load
from integrations.sandbox.fill.retail_products import product_type
from integrations.sandbox.shopify.state import Order, Store

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "online_retail_ii_lines.parquet"
ROWS = """
('1001', '85123A', 'WHITE HANGING HEART T-LIGHT HOLDER', 6, '2011-05-03 10:00:00', 2.55, 7, 'United Kingdom'),
('1001', 'POST', 'POSTAGE', 1, '2011-05-03 10:01:00', 18.00, 7, 'United Kingdom'),
('1002', '85123a', 'WHITE HANGING HEART T-LIGHT HOLDER', 4, '2011-06-01 10:00:00', 2.00, 7, 'United Kingdom'),
('1003', '22423', 'REGENCY CAKESTAND 3 TIER', 1, '2011-06-02 09:00:00', 12.75, NULL, 'EIRE'),
('1004', '22423', 'REGENCY CAKESTAND 3 TIER', 1, '2011-06-03 09:00:00', 0.0, 8, 'Unspecified'),
('C1005', '85123A', 'WHITE HANGING HEART T-LIGHT HOLDER', -5, '2011-06-05 12:00:00', 2.00, 7, 'United Kingdom'),
('C1006', '85123A', 'WHITE HANGING HEART T-LIGHT HOLDER', -9, '2011-06-06 12:00:00', 2.00, 7, 'United Kingdom'),
('C1007', '22423', 'REGENCY CAKESTAND 3 TIER', -1, '2011-05-01 12:00:00', 12.75, 8, 'United Kingdom'),
('C1008', '22423', 'REGENCY CAKESTAND 3 TIER', -1, '2011-06-06 12:00:00', 12.75, NULL, 'EIRE'),
('A1009', 'B', 'Adjust bad debt', 1, '2011-06-06 12:00:00', -100.00, NULL, 'United Kingdom'),
('1010', '22423', 'damaged', -3, '2011-06-06 12:00:00', 0.0, NULL, 'United Kingdom'),
('1011', '22423', NULL, 2, '2011-06-10 17:30:00', 12.75, 8, 'Germany')
"""


def write(path: Path, rows: str = ROWS, columns: str = "InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country") -> Path:
    """A Parquet file of invoice lines."""
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t AS SELECT * FROM (VALUES {rows}) AS v({columns})")
        if "InvoiceDate" in columns:
            con.execute("ALTER TABLE t ALTER InvoiceDate TYPE TIMESTAMP")
        con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def order(store: Store, number: int) -> Order:
    """The order of that invoice number."""
    return next(o for o in store.orders.values() if o.number == number)


@pytest.fixture
def small(tmp_path: Path) -> tuple[Store, Account]:
    """The rows above, as a store."""
    account = Account()
    store, _ = load(write(tmp_path / "lines.parquet"), NOW, account)
    return store, account


def test_invoices_become_orders_and_lines_without_a_customer_guests(small: tuple[Store, Account]) -> None:
    store, _ = small
    assert [o.number for o in store.orders.values()] == [1001, 1002, 1003, 1004, 1011]
    assert order(store, 1001).total_minor == 6 * 255 + 1800
    assert order(store, 1003).customer_id is None
    assert order(store, 1003).country == "IE"
    assert order(store, 1004).total_minor == 0  # a sample, given away
    assert [o.number for o in (store.orders[i] for i in store.customers[ids.CUSTOMER + 7].order_ids)] == [1001, 1002]
    assert store.customers[ids.CUSTOMER + 7].email == "customer-7@example.com"


def test_postage_is_a_line_without_a_product_and_codes_differ_by_no_case(small: tuple[Store, Account]) -> None:
    store, _ = small
    goods, postage = order(store, 1001).lines
    assert (postage.product_id, postage.title, postage.discounted_total_minor) == (None, "POSTAGE", 1800)
    assert goods.product_id == order(store, 1002).lines[0].product_id
    product = store.products[goods.product_id or 0]
    assert (product.title, product.product_type, product.category) == ("WHITE HANGING HEART T-LIGHT HOLDER", "Candles", "Home & Garden > Candles")
    assert store.collections[product.collection_ids[0]].title == "Candles"
    assert len(store.products) == 2


def test_returns_lower_the_latest_orders_first_and_never_below_nothing(small: tuple[Store, Account]) -> None:
    store, account = small
    earlier, later = order(store, 1001), order(store, 1002)
    # five back: four of the later order, one of the earlier; then nine back of which five are left to take
    assert [(r.amount_minor) for r in later.refunds] == [4 * 200]
    assert [(r.amount_minor) for r in earlier.refunds] == [255, 5 * 255]
    assert later.lines[0].current_quantity == 0
    assert (later.financial_status, later.current_total_minor) == ("REFUNDED", 0)
    assert (earlier.lines[0].current_quantity, earlier.financial_status, earlier.current_total_minor) == (0, "PARTIALLY_REFUNDED", 1800)
    assert earlier.updated_at == earlier.refunds[-1].created_at
    assert account.returned == 2


def test_what_is_left_out_is_counted_by_reason(small: tuple[Store, Account]) -> None:
    _, account = small
    assert account.left_out == {
        "bookkeeping adjustments": 1,
        "returns of more than the customer's earlier orders hold": 1,
        "returns without a customer": 1,
        "returns without an earlier order": 1,  # brought back before anything was bought
        "stock corrections (negative quantity, no credit note)": 1,
    }
    assert (account.lines, account.sold) == (12, 6)
    assert account.summary().startswith("12 lines read: 6 sold, 2 taken back; left out: ")


def test_times_move_by_whole_weeks_and_keep_the_local_hour(small: tuple[Store, Account]) -> None:
    store, _ = small
    first, last = order(store, 1001).created_at, order(store, 1011).created_at
    assert NOW - timedelta(days=7) < last <= NOW
    assert last == datetime(2026, 11, 13, 17, 30, tzinfo=UTC)  # a Friday as before; winter time now
    assert first == datetime(2026, 10, 6, 9, 0, tzinfo=UTC)  # a Tuesday as before; summer time then


def test_hours_that_do_not_exist_or_exist_twice_are_still_instants(tmp_path: Path) -> None:
    rows = """('1', '22423', 'X', 1, '2025-03-30 01:30:00', 1.0, 1, 'France'), ('2', '22423', 'X', 1, '2025-10-26 01:30:00', 1.0, 1, 'France')"""
    store, _ = load(write(tmp_path / "dst.parquet", rows), datetime(2025, 10, 27, tzinfo=UTC))
    gap, twice = (o.created_at for o in store.orders.values())
    assert gap == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)
    assert twice == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


def test_half_of_the_customers_are_contacts_and_some_people_never_bought(small: tuple[Store, Account], tmp_path: Path) -> None:
    _, portal = load(write(tmp_path / "again.parquet"), NOW)
    readers = [c for c in portal.contacts.values() if c.properties["lifecyclestage"] == "subscriber"]
    assert len(portal.contacts) == 1 + 50
    assert len(readers) == 50
    assert {e.recipient for e in portal.email_events} <= {c.properties["email"] for c in readers}
    assert any(e.type == "OPEN" for e in portal.email_events)


def test_a_title_tells_the_kind_of_goods() -> None:
    titles = ["JUMBO BAG RED RETROSPOT", "PACK OF 72 RETROSPOT CAKE CASES", "ALARM CLOCK BAKELIKE PINK", "PAPER CHAIN KIT 50'S CHRISTMAS", "DOGGY RUBBER"]
    assert [product_type(title) for title in titles] == ["Bags", "Kitchen", "Clocks", "Christmas", "Other"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.parquet", None, "there is no such file"),
        ("text.parquet", b"InvoiceNo,StockCode\n1,2\n", "it cannot be read"),
        ("empty.parquet", b"", "it cannot be read"),
    ],
)
def test_a_file_that_is_none_is_named_with_what_is_expected(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableData, match=sentence) as caught:
        load(path, NOW)
    assert str(path) in str(caught.value)
    assert "InvoiceNo, StockCode, Description" in str(caught.value)


def test_missing_columns_wrong_values_and_files_without_sales_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableData, match="the columns UnitPrice, CustomerID, Country are missing"):
        load(write(tmp_path / "few.parquet", "('1', '22423', 'X', 1, '2025-03-30 01:30:00')", "InvoiceNo, StockCode, Description, Quantity, InvoiceDate"), NOW)
    with pytest.raises(UnreadableData, match="it cannot be read"):
        load(write(tmp_path / "words.parquet", "('1', '22423', 'X', 'many', '2025-03-30 01:30:00', 1.0, 1, 'France')"), NOW)
    with pytest.raises(UnreadableData, match="no sale"):
        load(write(tmp_path / "returns.parquet", "('C1', '22423', 'X', -1, '2025-03-30 01:30:00', 1.0, 1, 'France')"), NOW)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason="the real data set is not there")
def test_the_whole_data_set_becomes_a_store() -> None:
    account = Account()
    store, portal = load(REAL, NOW, account)
    assert (account.lines, len(store.customers), len(store.orders)) == (1_044_847, 5_942, 41_937)
    assert sum(len(o.lines) for o in store.orders.values()) == account.sold == 1_022_283
    partly = account.left_out["returns of more than the customer's earlier orders hold"]
    assert account.sold + account.returned + sum(account.left_out.values()) - partly == account.lines
    assert all(o.total_minor - o.current_total_minor == sum(r.amount_minor for r in o.refunds) for o in store.orders.values())
    assert all(o.current_total_minor >= 0 for o in store.orders.values())
    assert NOW - timedelta(days=7) < max(o.created_at for o in store.orders.values()) <= NOW
    assert len(portal.contacts) == 5_942 // 2 + 50
