"""Real transactions through the order export: Online Retail II, read in place from ../shared/data."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.core.management import call_command
from django.db.models import Count, Max, Min, Sum

from integrations.models import Shop
from segsync.store.models import Order, OrderLine
from tests.retail_csv import write

DATA = Path(__file__).parents[4] / "shared" / "data" / "online_retail_ii_lines.parquet"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data/online_retail_ii_lines.parquet is not there")
INVOICES = 300


def members(shop: Shop, rule: str, at: str) -> set[str]:
    out = io.StringIO()
    call_command("members", "--shop", shop.domain, "--rule", rule, "--at", at, stdout=out)
    return {line.partition(",")[2] for line in out.getvalue().splitlines()[1:]}


def query(sql: str) -> list[Any]:
    """Over `bought`: customer, invoice, local time and pence of the first invoices of the data."""
    view = f"""
        CREATE VIEW bought AS
        SELECT CustomerID AS customer, invoice, placed, worth FROM (
            SELECT InvoiceNo AS invoice, any_value(CustomerID) AS CustomerID, min(InvoiceDate) AS placed,
                   CAST(sum(Quantity * round(UnitPrice * 100)) AS BIGINT) AS worth, count(*) AS lines
            FROM '{DATA}' WHERE Quantity > 0 AND UnitPrice >= 0 AND NOT starts_with(InvoiceNo, 'C') GROUP BY InvoiceNo
        ) ORDER BY placed, invoice LIMIT {INVOICES}
    """
    with duckdb.connect() as database:
        database.execute(view)
        return database.execute(sql).fetchall()


@pytest.fixture
def _imported(shop: Shop, tmp_path: Path) -> str:
    orders, lines = write(DATA, tmp_path / "orders.csv", limit=INVOICES)
    out = io.StringIO()
    call_command("import_orders", "--shop", shop.domain, str(tmp_path / "orders.csv"), stdout=out)
    assert orders == INVOICES
    assert f"Read {orders} orders with {lines:,} lines" in out.getvalue()
    assert "left out" not in out.getvalue()
    return out.getvalue()


@pytest.mark.usefixtures("_imported")
def test_every_invoice_comes_through_with_its_people_times_and_amounts(shop: Shop) -> None:
    ((orders, people, worth, first, last),) = query("SELECT count(*), count(DISTINCT customer), sum(worth), min(placed), max(placed) FROM bought")
    stored = Order.objects.filter(shop=shop).aggregate(n=Count("pk"), people=Count("customer", distinct=True), a=Min("placed_at"), b=Max("placed_at"))
    assert (stored["n"], stored["people"]) == (orders, people)
    assert Order.objects.aggregate(worth=Sum("gross_minor"))["worth"] == worth == OrderLine.objects.aggregate(worth=Sum("amount_minor"))["worth"]
    assert [at.astimezone(shop.tz).replace(tzinfo=None) for at in (stored["a"], stored["b"])] == [first, last]


@pytest.mark.usefixtures("_imported")
@pytest.mark.parametrize("at", ["2009-12-01T18:00", "2009-12-02T12:00", "2009-12-03T09:30"])
def test_members_at_an_instant_are_who_the_data_says(shop: Shop, at: str) -> None:
    moment = datetime.fromisoformat(at)  # London keeps UTC in December
    repeat = query(f"SELECT customer FROM bought WHERE placed <= '{moment}' AND customer IS NOT NULL GROUP BY customer HAVING count(*) >= 2")
    assert members(shop, "number_of_orders >= 2", at) == {f"customer-{customer}@example.com" for (customer,) in repeat}
    large = query(f"SELECT DISTINCT customer FROM bought WHERE placed <= '{moment}' AND customer IS NOT NULL AND worth >= 50000")
    assert members(shop, "orders_placed MATCHES (amount >= 500)", at) <= {f"customer-{customer}@example.com" for (customer,) in large}  # less refunds
    known = query(f"SELECT DISTINCT customer FROM bought WHERE placed <= '{moment}' AND customer IS NOT NULL")
    assert members(shop, "NOT (number_of_orders = 77)", at) == {f"customer-{customer}@example.com" for (customer,) in known}
