"""What the columns of an exported order mean: its rows to one record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from integrations.money import minor
from integrations.records import Order, OrderLine, Refund

MAX_MINOR = 2**63 - 1  # what a database's big integer holds
MAX_QUANTITY = 2**31 - 1
_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,10}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})? ?(?:Z|UTC|[+-]\d\d:?\d\d)", re.ASCII)
_ID = re.compile(r"(?:gid://shopify/Order/)?'?(\d{1,20})", re.ASCII)
_STEPS = 9_999
_BEFORE = timedelta(microseconds=(_STEPS + 1) ** 2)


class BadOrder(ValueError):
    """An order that cannot be taken over; `row` is where it fails, the text one sentence about the column, without personal data."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


class Row(NamedTuple):
    """One row and its number as a spreadsheet counts."""

    number: int
    fields: Sequence[str]


@dataclass(slots=True)
class Group:
    """The rows of one order; `fault` is the first row that could not be read, and why."""

    name: str
    id_: str
    columns: Mapping[str, int]
    rows: list[Row] = field(default_factory=list)
    unread: int = 0
    fault: tuple[int, str] | None = None

    @property
    def size(self) -> int:
        """How many rows it took, those that could not be read among them."""
        return len(self.rows) + self.unread

    def spoil(self, number: int, reason: str) -> None:
        """A row of this order cannot be read, so the order cannot be taken over."""
        self.unread += 1
        self.fault = self.fault or (number, reason)

    def text(self, column: str, row: Row | None = None) -> str:
        """A column of one row (the first, where what is said of the order stands), blanks around it dropped; "" without the column."""
        place = self.columns.get(column)
        return "" if place is None else (row or self.rows[0]).fields[place].strip()

    def amount(self, column: str, currency: str, row: Row | None = None, default: int | None = None) -> int:
        """An amount in minor units; `default` where the field is empty. Raises BadOrder."""
        row = row or self.rows[0]
        text = self.text(column, row)
        if not text and default is not None:
            return default
        if not _AMOUNT.fullmatch(text) or (value := _minor(text, currency)) > MAX_MINOR:
            raise BadOrder(row.number, f"{column} is {_shown(text)} where an amount such as 49.99 should be.")
        return value

    def instant(self, column: str) -> datetime | None:
        """An instant in UTC, None where the field is empty. Raises BadOrder."""
        text = self.text(column)
        if not text:
            return None
        if _TIME.fullmatch(text):
            try:
                return _instant(text)
            except (ValueError, OverflowError):
                pass
        raise BadOrder(self.rows[0].number, f"{column} is {_shown(text)} where a time such as 2026-01-31 16:00:00 +0000 should be.")


def order_of(group: Group, currency: str) -> tuple[Order, bool]:
    """The order, and whether it has Shopify's id. Raises BadOrder.

    Voided and cancelled orders do not count. `total_minor` is Total less Refunded Amount; what was refunded is one refund at
    the time of cancelling, else of payment, else of the order itself, for the export does not tell the time. `version` is just
    before the latest time on the order, so that whatever Shopify's API tells of it is newer.
    """
    if group.fault:
        raise BadOrder(*group.fault)
    head = group.rows[0]
    if not group.name or len(group.name) > 64:
        raise BadOrder(head.number, "Name is empty or longer than 64 characters, so the row belongs to no order.")
    _require_own_fields(group, currency)
    created = group.instant("Created at")
    assert created is not None  # noqa: S101 (required above)
    cancelled, paid = group.instant("Cancelled at"), group.instant("Paid at")
    total = group.amount("Total", currency)
    refunded = min(group.amount("Refunded Amount", currency, default=0), total)
    voided = group.text("Financial Status").casefold() == "voided"
    id_ = _id(group)
    external_id = id_ or group.name
    lines, line_discounts = _lines(group, external_id, currency)
    order = Order(
        external_id=external_id,
        version=_version([at for at in (created, paid, cancelled, group.instant("Fulfilled at")) if at], refunded, total, voided, len(lines)),
        customer_id="",
        email=group.text("Email"),
        name=group.name,
        number=_number(group.name),
        placed_at=created,
        cancelled_at=cancelled,
        test=False,
        voided=voided,
        currency=currency,
        total_minor=total - refunded,
        gross_minor=total,
        refunded_minor=refunded,
        discount_minor=max(group.amount("Discount Amount", currency, default=0), line_discounts),
        channel=group.text("Source"),
        country=_country(group.text("Shipping Country")) or _country(group.text("Billing Country")),
        discount_codes=_listed(group.text("Discount Code")),
        tags=_listed(group.text("Tags")),
        refunds=(Refund(f"{external_id}-refund", cancelled or paid or created, refunded),) if refunded else (),
        lines=lines,
        shipping=group.text("Shipping Method"),
    )
    return order, bool(id_)


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` divided in proportion to `weights`, exactly: what rounding leaves goes to the largest remainders, earlier ones first."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % whole), place))
    for place in by_remainder[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def _require_own_fields(group: Group, currency: str) -> None:
    """The order's own fields are there, and its currency is the shop's."""
    head = group.rows[0]
    for column in ("Currency", "Total", "Created at"):
        if not group.text(column):
            raise BadOrder(head.number, f"Order {group.name} has no {column} on its first row; keep the rows of an order together and in their order.")
    told = group.text("Currency").upper()
    if told != currency:
        raise BadOrder(head.number, f"Order {group.name} is in {_shown(told)}, but the shop's amounts are in {currency}; such orders are left out.")


def _lines(group: Group, order_id: str, currency: str) -> tuple[tuple[OrderLine, ...], int]:
    """The lines with their discounted totals, and the sum of the discounts told by line.

    What was taken off the whole order is spread over the lines in proportion to what they cost: as much of Discount Amount as no
    line accounts for, and never more than Subtotal says (a discount on shipping lowers no line).
    """
    prices: list[int] = []
    quantities: list[int] = []
    amounts: list[int] = []
    own = 0
    for row in group.rows:
        quantity = group.text("Lineitem quantity", row)
        if not _WHOLE.fullmatch(quantity) or int(quantity) > MAX_QUANTITY:
            raise BadOrder(row.number, f"Lineitem quantity is {_shown(quantity)} where a whole number such as 2 should be.")
        price = group.amount("Lineitem price", currency, row)
        if price * int(quantity) > MAX_MINOR:
            raise BadOrder(row.number, "Lineitem price times Lineitem quantity is more than can be stored.")
        discount = min(group.amount("Lineitem discount", currency, row, default=0), price * int(quantity))
        prices.append(price)
        quantities.append(int(quantity))
        amounts.append(price * int(quantity) - discount)
        own += discount
    rest = min(max(group.amount("Discount Amount", currency, default=0) - own, 0), sum(amounts))
    if group.text("Subtotal"):
        rest = min(rest, max(sum(amounts) - group.amount("Subtotal", currency), 0))
    elif own:
        rest = 0
    off = spread(rest, amounts) if rest else [0] * len(amounts)
    return tuple(
        OrderLine(
            external_id=str(place + 1),
            order_id=order_id,
            product_id="",
            variant_id="",
            sku=group.text("Lineitem sku", row),
            title=group.text("Lineitem name", row),
            vendor=group.text("Vendor", row),
            quantity=quantities[place],
            current_quantity=quantities[place],
            price_minor=prices[place],
            amount_minor=amounts[place] - off[place],
            discounted=amounts[place] - off[place] < prices[place] * quantities[place],
        )
        for place, row in enumerate(group.rows)
    ), own


def _version(times: Sequence[datetime], refunded: int, total: int, voided: bool, lines: int) -> datetime:
    """A time within the hundred seconds before the latest of `times`: of two exports of an order the later or fuller one wins.

    Refunds and voiding have no time in the export, but they never go back, so each moves the version on; so does every line
    (a file may have been cut off within an order).
    """
    undone = _STEPS if voided else -(-refunded * (_STEPS - 1) // total) if total else 0
    return max(times) - _BEFORE + timedelta(microseconds=undone * (_STEPS + 1) + min(lines, _STEPS))


def _id(group: Group) -> str:
    text = group.text("Id")
    if not text:
        return ""
    found = _ID.fullmatch(text)
    if not found:
        raise BadOrder(group.rows[0].number, f"Id is {_shown(text)} where an order's number should be; a spreadsheet may have rounded it: export again.")
    return found.group(1)


def _number(name: str) -> int | None:
    """The number in an order's name: 1042 of `#1042` or of `EU-1042`; None where there is not exactly one."""
    found = re.findall(r"[0-9]+", name)
    return int(found[0]) if len(found) == 1 and len(found[0]) <= 18 else None


def _country(text: str) -> str:
    return text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else ""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item for part in text.split(",") if (item := part.strip())) if text else ()


def _shown(text: str) -> str:
    short = text if len(text) <= 30 else f"{text[:29]}…"
    return f'"{"".join(char if char.isprintable() else " " for char in short)}"' if text else "empty"


@lru_cache(maxsize=32_768)
def _minor(text: str, currency: str) -> int:
    return minor(text, currency)


def _instant(text: str) -> datetime:
    """An instant written as the export writes it: `2026-01-31 16:00:00 +0100`. Raises ValueError."""
    return datetime.fromisoformat(text[:19].replace(" ", "T") + text[19:].replace("UTC", "Z").strip()).astimezone(UTC)
