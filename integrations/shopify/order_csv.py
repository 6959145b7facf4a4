"""The orders that the Shopify admin exports as CSV (Orders > Export), as records, one order at a time.

One row is one line of an order; what is said of the order itself stands on its first row only (help.shopify.com, "Exporting
orders"). The export names neither customers' ids nor products' ids, and says how much was refunded but not when.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from integrations.records import Order
from integrations.shopify.order_rows import BadOrder, Group, Row, order_of

REQUIRED = ("Name", "Email", "Financial Status", "Currency", "Total", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price")
OPTIONAL = (
    "Paid at",
    "Fulfilled at",
    "Cancelled at",
    "Subtotal",
    "Discount Code",
    "Discount Amount",
    "Refunded Amount",
    "Id",
    "Tags",
    "Source",
    "Vendor",
    "Billing Country",
    "Shipping Country",
    "Shipping Method",
    "Lineitem sku",
    "Lineitem discount",
)
MAX_ROWS_OF_ONE_ORDER = 10_000


class NotAnOrderExport(ValueError):
    """The file's first row is not the header of an order export; the message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class ExportedOrder:
    """An order and where it stood: `row` is its first row as a spreadsheet counts, `rows` how many it took.

    `has_id` says that `order.external_id` is Shopify's own id; else it is the order's name.
    """

    order: Order
    row: int
    rows: int
    has_id: bool


@dataclass(frozen=True, slots=True)
class SkippedRows:
    """Rows that could not be read, and with them their order; `row` is the one at fault, `reason` a sentence without personal data."""

    row: int
    rows: int
    reason: str


def read_orders(lines: Iterable[str], currency: str) -> Iterator[ExportedOrder | SkippedRows]:
    """Every order of an export, in the order of the file, in memory one at a time; amounts in minor units of `currency`.

    `lines` are the file's lines with their ends, decoded as UTF-8 with `surrogateescape`; a byte order mark is skipped. Raises
    NotAnOrderExport before the first order when the header lacks a column. An order in another currency is skipped.
    """
    rows = csv.reader(lines, strict=True)
    header = _header(rows)
    columns = _columns(header)
    for group in _groups(rows, header, columns):
        if isinstance(group, SkippedRows):
            yield group
            continue
        try:
            order, has_id = order_of(group, currency)
        except BadOrder as error:
            yield SkippedRows(error.row, group.size, str(error))
        else:
            yield ExportedOrder(order, group.rows[0].number, group.size, has_id)


def _header(rows: Iterator[list[str]]) -> list[str]:
    try:
        first = next(rows, [])
    except csv.Error as error:
        raise NotAnOrderExport("The first row cannot be read as CSV; export the orders again from the Shopify admin (Orders > Export).") from error
    header = [name.removeprefix("\ufeff").strip() for name in first]
    if not _readable(header):
        raise NotAnOrderExport("The file is not UTF-8 text; export the orders again from the Shopify admin (Orders > Export) and leave the file as it comes.")
    return header


def _columns(header: Sequence[str]) -> Mapping[str, int]:
    """Where each column that is read stands. Raises NotAnOrderExport."""
    places = {name.casefold(): place for place, name in reversed(list(enumerate(header)))}
    missing = [name for name in REQUIRED if name.casefold() not in places]
    if not missing:
        return {name: places[name.casefold()] for name in (*REQUIRED, *OPTIONAL) if name.casefold() in places}
    advice = "choose a file that the Shopify admin wrote (Orders > Export, CSV)."
    if len(header) == 1 and (mark := next((mark for mark in ";\t|" if mark in header[0]), None)):
        name = {";": "semicolons", "\t": "tabs", "|": "bars"}[mark]
        raise NotAnOrderExport(f"The columns are separated by {name} instead of commas, as a spreadsheet program saves them; {advice}")
    raise NotAnOrderExport(f"This is not an order export: the header has no column {_listed(missing)}; {advice}")


def _listed(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _groups(rows: Iterator[list[str]], header: Sequence[str], columns: Mapping[str, int]) -> Iterator[Group | SkippedRows]:
    """The rows of each order, by their name. A row that cannot be read spoils the order that it stands in, and no other."""
    group: Group | None = None
    name_at, id_at = columns["Name"], columns.get("Id")
    for number, row in _numbered(rows):
        fault = _fault(row, len(header))
        if isinstance(row, str) or len(row) <= name_at:
            # Whose row it is cannot be known: it may be a line of the order before it.
            if group is None:
                yield SkippedRows(number, 1, fault)
            else:
                group.spoil(number, fault)
            continue
        name, id_ = row[name_at].strip(), row[id_at].strip() if id_at is not None and len(row) > id_at else ""
        if group is None or name != group.name or (id_ and id_ != group.id_):
            if not fault and [field.strip() for field in row] == header:
                continue  # two exports, one after the other in one file
            if group is not None:
                yield group
            group = Group(name, id_, columns)
        if fault or len(group.rows) == MAX_ROWS_OF_ONE_ORDER:
            group.spoil(number, fault or f"Order {name} has more than {MAX_ROWS_OF_ONE_ORDER:,} rows; no order has so many lines.")
        else:
            group.rows.append(Row(number, row))
    if group is not None:
        yield group


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | str]]:
    """Rows with their numbers, the header being 1; a text in place of a row that is no CSV. Blank rows count and are left out."""
    number = 1
    while True:
        number += 1
        try:
            row: list[str] | str = next(rows)
        except StopIteration:
            return
        except csv.Error:
            row = "The row is not CSV: a quotation mark in it is open or stands alone; export the file again."
        if row:
            yield number, row


def _fault(row: Sequence[str] | str, width: int) -> str:
    """Why a row cannot be read; "" when it can."""
    if isinstance(row, str):
        return row
    if len(row) != width:
        return f"The row has {len(row)} columns where the header has {width}; export the file again."
    return "" if _readable(row) else "The row holds characters that are not UTF-8 text or cannot be stored; export the file again."


def _readable(fields: Iterable[str]) -> bool:
    text = "".join(chain(fields))
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text))
