"""Online Retail II as the CSV that the Shopify admin exports: `python -m tests.retail_csv RETAIL.parquet OUT.csv [--limit INVOICES]`.

Every invoice with something sold is an order, its lines as they are. What a customer brings back within the invoices beginning
with `C` becomes the Refunded Amount of that customer's latest earlier order, as far as it goes. Addresses and ids are made up.
"""

from __future__ import annotations

import argparse
import csv
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from integrations.sandbox.fill.retail_countries import country_code

# The header of an export, as stores get it (help.shopify.com, "Exporting orders").
_COLUMNS = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
    "Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,"
    "Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,"
    "Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,Shipping Address1,"
    "Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,"
    "Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,"
    "Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,"
    "Tax 5 Value,Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,"
    "Payment References"
)
HEADER = _COLUMNS.split(",")
FIRST_ID = 5_000_000_000_000

_LINES = """
CREATE TEMP VIEW line AS
SELECT trim(InvoiceNo) AS invoice, StockCode AS sku, coalesce(trim(Description), '') AS title, Quantity AS quantity,
       InvoiceDate AS sold_at, CAST(round(UnitPrice * 100) AS BIGINT) AS price, CustomerID AS customer, Country AS country, file_row_number AS place
FROM read_parquet('{path}', file_row_number = true);
CREATE TEMP TABLE sale AS
SELECT *, min(sold_at) OVER (PARTITION BY invoice) AS placed_at FROM line WHERE quantity > 0 AND price >= 0 AND NOT starts_with(invoice, 'C');
CREATE TEMP TABLE invoice AS
SELECT invoice, any_value(customer) AS customer, min(sold_at) AS placed_at, sum(quantity * price) AS total FROM sale GROUP BY invoice;
CREATE TEMP TABLE refund AS
SELECT i.invoice, least(sum(r.amount), any_value(i.total)) AS amount
FROM (SELECT customer, sold_at, -quantity * price AS amount FROM line WHERE starts_with(invoice, 'C') AND quantity < 0 AND price > 0 AND customer IS NOT NULL) r
ASOF JOIN (SELECT * FROM invoice WHERE customer IS NOT NULL) i ON r.customer = i.customer AND r.sold_at >= i.placed_at
GROUP BY i.invoice;
"""
_READ = """
SELECT s.invoice, strftime(timezone('UTC', timezone('Europe/London', s.placed_at)), '%Y-%m-%d %H:%M:%S +0000'),
       s.customer, s.country, s.quantity, s.title, s.price, s.sku, coalesce(r.amount, 0)
FROM sale s LEFT JOIN refund r USING (invoice) ORDER BY s.placed_at, s.invoice, s.place
"""


def write(source: Path, target: Path, limit: int | None = None) -> tuple[int, int]:
    """Write the first `limit` invoices (all by default) as an order export; returns how many orders and lines."""
    orders = lines = 0
    with duckdb.connect() as database, target.open("w", newline="", encoding="utf-8") as out:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(_LINES.format(path=str(source).replace("'", "''")))
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for _, group in groupby(_rows(database), key=lambda row: row[0]):
            if limit is not None and orders == limit:
                break
            rows = list(group)
            writer.writerows(_order(rows, orders))
            orders, lines = orders + 1, lines + len(rows)
    return orders, lines


def _rows(database: duckdb.DuckDBPyConnection) -> Any:
    found = database.execute(_READ)
    while page := found.fetchmany(10_000):
        yield from page


def _order(rows: list[tuple[Any, ...]], number: int) -> list[list[str]]:
    invoice, placed_at, customer, country, *_, refunded = rows[0]
    total = sum(row[4] * row[6] for row in rows)
    status = "refunded" if refunded and refunded >= total else "partially_refunded" if refunded else "paid"
    told = {
        "Email": "" if customer is None else f"customer-{customer}@example.com",
        "Financial Status": status,
        "Paid at": placed_at,
        "Fulfillment Status": "fulfilled",
        "Accepts Marketing": "no",
        "Currency": "GBP",
        "Subtotal": _money(total),
        "Shipping": "0.00",
        "Taxes": "0.00",
        "Total": _money(total),
        "Discount Amount": "0.00",
        "Shipping Country": country_code(country),
        "Payment Method": "manual",
        "Refunded Amount": _money(int(refunded)),
        "Outstanding Balance": "0.00",
        "Id": str(FIRST_ID + number),
        "Source": "web",
    }
    out = []
    for row in rows:
        line = {
            "Name": f"#{invoice}",
            "Created at": placed_at,
            "Lineitem quantity": str(row[4]),
            "Lineitem name": row[5] or row[7],
            "Lineitem price": _money(row[6]),
            "Lineitem sku": row[7],
            "Lineitem discount": "0.00",
            "Vendor": "Gift wholesale",
        }
        fields = line | told if not out else line
        out.append([fields.get(name, "") for name in HEADER])
    return out


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    made = write(options.source, options.target, options.limit)
    print(f"{made[0]:,} orders, {made[1]:,} lines")
