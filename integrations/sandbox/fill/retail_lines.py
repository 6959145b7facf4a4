"""Reading a file of invoice lines: what columns it must have, and which lines become orders, returns, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
_BATCH = 20_000

# A line is a sale, a return, or left out for the reason named here.
_READ = """
CREATE TABLE line AS SELECT *, CASE
     WHEN coalesce(quantity, 0) = 0 OR invoice IS NULL OR stock_code IS NULL OR sold_at IS NULL OR price IS NULL THEN 'incomplete lines'
     WHEN stock_code = 'B' OR price < 0 THEN 'bookkeeping adjustments'
     WHEN quantity > 0 AND NOT starts_with(invoice, 'C') THEN 'sale'
     WHEN NOT starts_with(invoice, 'C') THEN 'stock corrections (negative quantity, no credit note)'
     WHEN quantity > 0 THEN 'positive lines on credit notes'
     WHEN customer IS NULL THEN 'returns without a customer'
     ELSE 'return' END AS kind
FROM (
    SELECT file_row_number AS place, trim(CAST(InvoiceNo AS VARCHAR)) AS invoice, upper(trim(CAST(StockCode AS VARCHAR))) AS stock_code,
           nullif(trim(CAST(Description AS VARCHAR)), '') AS description, CAST(Quantity AS BIGINT) AS quantity,
           CAST(InvoiceDate AS TIMESTAMP) AS sold_at, CAST(UnitPrice AS DOUBLE) AS price,
           CAST(CustomerID AS BIGINT) AS customer, CAST(Country AS VARCHAR) AS country
    FROM read_parquet(?, file_row_number = true))
"""


class UnreadableData(ValueError):
    """The data file is missing, no Parquet file, or lacks what is needed; the message names the file and what is expected."""


@dataclass(slots=True)
class Account:
    """What became of the lines of a file."""

    lines: int = 0
    sold: int = 0
    returned: int = 0
    left_out: dict[str, int] = field(default_factory=dict)  # reason -> lines

    def leave_out(self, reason: str, lines: int = 1) -> None:
        """Count `lines` more that were left out for `reason`."""
        self.left_out[reason] = self.left_out.get(reason, 0) + lines

    def summary(self) -> str:
        """One sentence for people."""
        out = "; ".join(f"{count:,} {reason}" for reason, count in sorted(self.left_out.items(), key=lambda item: -item[1]))
        return f"{self.lines:,} lines read: {self.sold:,} sold, {self.returned:,} taken back" + (f"; left out: {out}." if out else ".")


class SaleLine(NamedTuple):
    """A sold line, lines of one invoice together, invoices in order of time (local, naive)."""

    invoice: str
    at: datetime
    stock_code: str
    description: str | None
    quantity: int
    unit_minor: int
    total_minor: int
    customer: int | None
    country: str | None


class ReturnLine(NamedTuple):
    """Units that a customer brought back, in order of time (local, naive)."""

    invoice: str
    at: datetime
    stock_code: str
    quantity: int
    customer: int


class StockRow(NamedTuple):
    """What the file says of one stock code: its most frequent description, usual price and first sale."""

    stock_code: str
    title: str | None
    price_minor: int
    first_at: datetime


class CustomerRow(NamedTuple):
    """What the file says of one customer."""

    customer: int
    country: str | None
    first_at: datetime


def _unreadable(path: Path, why: str) -> UnreadableData:
    return UnreadableData(f"{path}: {why} Give a Parquet file of invoice lines with the columns {', '.join(COLUMNS)} (Online Retail II).")


class InvoiceFile:
    """A Parquet file of invoice lines. Raises UnreadableData when it is opened or when a value cannot be what its column says."""

    def __init__(self, path: str | Path, account: Account) -> None:
        self._path = Path(path)
        if not self._path.is_file():
            raise _unreadable(self._path, "there is no such file.")
        self._con = duckdb.connect(config={"threads": 2, "memory_limit": "500MB"})
        try:
            found = {row[0].casefold() for row in self._con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(self._path)]).fetchall()}
            missing = [name for name in COLUMNS if name.casefold() not in found]
            if missing:
                raise _unreadable(self._path, f"the column {missing[0]} is missing." if len(missing) == 1 else f"the columns {', '.join(missing)} are missing.")
            self._con.execute(_READ, [str(self._path)])
        except duckdb.Error as error:
            self._con.close()
            raise _unreadable(self._path, f"it cannot be read ({str(error).splitlines()[0]}).") from error
        for kind, lines in self._rows("SELECT kind, count(*) FROM line GROUP BY kind ORDER BY kind"):
            account.lines += lines
            if kind not in ("sale", "return"):
                account.leave_out(kind, lines)
        last = self._con.execute("SELECT max(sold_at) FROM line WHERE kind = 'sale'").fetchone()
        if last is None or last[0] is None:
            self._con.close()
            raise _unreadable(self._path, "it holds no sale.")
        self.last_sale: datetime = last[0]

    def close(self) -> None:
        """Free what the file was read into."""
        self._con.close()

    def _rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        cursor = self._con.execute(query)
        while batch := cursor.fetchmany(_BATCH):
            yield from batch

    def stock(self) -> Iterator[StockRow]:
        """Every stock code that was sold, in order of code."""
        query = """
            SELECT stock_code, coalesce(mode(description) FILTER (price > 0), mode(description)), CAST(round(100 * median(price)) AS BIGINT), min(sold_at)
            FROM line WHERE kind = 'sale' GROUP BY stock_code ORDER BY stock_code
        """
        return (StockRow._make(row) for row in self._rows(query))

    def customers(self) -> Iterator[CustomerRow]:
        """Everybody who bought or brought back, in order of number."""
        query = """
            SELECT customer, mode(country), min(sold_at) FROM line WHERE customer IS NOT NULL AND sold_at IS NOT NULL
            GROUP BY customer ORDER BY customer
        """
        return (CustomerRow._make(row) for row in self._rows(query))

    def sales(self) -> Iterator[SaleLine]:
        """Every sold line; an invoice has the time of its first line."""
        query = """
            SELECT line.invoice, head.sold_at, stock_code, description, quantity, CAST(round(100 * price) AS BIGINT),
                   CAST(round(100 * price * quantity) AS BIGINT), head.customer, head.country
            FROM line JOIN (
                SELECT invoice, min(sold_at) AS sold_at, max(customer) AS customer, min(country) AS country
                FROM line WHERE kind = 'sale' GROUP BY invoice
            ) AS head ON line.invoice = head.invoice
            WHERE kind = 'sale' ORDER BY head.sold_at, line.invoice, place
        """
        return (SaleLine._make(row) for row in self._rows(query))

    def returns(self) -> Iterator[ReturnLine]:
        """Every returned line, as a positive number of units."""
        query = "SELECT invoice, sold_at, stock_code, -quantity, customer FROM line WHERE kind = 'return' ORDER BY sold_at, invoice, place"
        return (ReturnLine._make(row) for row in self._rows(query))
