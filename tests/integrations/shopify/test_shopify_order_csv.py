"""Reading the order export of the Shopify admin."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.shopify.order_csv import ExportedOrder, NotAnOrderExport, SkippedRows, read_orders
from integrations.shopify.order_rows import spread
from tests.retail_csv import HEADER

FIRST = {
    "Name": "#1001",
    "Email": "ann@example.com",
    "Financial Status": "paid",
    "Paid at": "2026-05-01 10:00:00 +0200",
    "Fulfilled at": "2026-05-02 09:00:00 +0200",
    "Currency": "GBP",
    "Subtotal": "40.00",
    "Shipping": "5.00",
    "Taxes": "0.00",
    "Total": "45.00",
    "Discount Amount": "0.00",
    "Created at": "2026-05-01 09:58:12 +0200",
    "Lineitem quantity": "2",
    "Lineitem name": "Boots - Black",
    "Lineitem price": "15.00",
    "Lineitem sku": "BOOT-B",
    "Lineitem discount": "0.00",
    "Shipping Country": "GB",
    "Refunded Amount": "0.00",
    "Vendor": "Maker",
    "Id": "5001",
    "Tags": "gift, first",
    "Source": "web",
}
SECOND = {"Name": "#1001", "Email": "ann@example.com", "Lineitem quantity": "1", "Lineitem name": "Laces", "Lineitem price": "10.00", "Lineitem sku": "LACE"}


def file(*rows: dict[str, str], header: list[str] = HEADER, end: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(header)
    writer.writerows([row.get(name, "") for name in header] for row in rows)
    return out.getvalue()


def read(text: str, currency: str = "GBP") -> list[ExportedOrder | SkippedRows]:
    return list(read_orders(io.StringIO(text, newline=""), currency))


def one(*rows: dict[str, str], currency: str = "GBP") -> ExportedOrder:
    (told,) = read(file(*rows), currency)
    assert isinstance(told, ExportedOrder), told
    return told


def refusal(*rows: dict[str, str], currency: str = "GBP") -> SkippedRows:
    (told,) = read(file(*rows), currency)
    assert isinstance(told, SkippedRows), told
    return told


def test_an_order_is_read_from_all_of_its_rows() -> None:
    told = one(FIRST, SECOND)
    order = told.order
    assert (told.row, told.rows, told.has_id) == (2, 2, True)
    assert (order.external_id, order.name, order.number, order.email, order.customer_id) == ("5001", "#1001", 1001, "ann@example.com", "")
    assert (order.total_minor, order.gross_minor, order.refunded_minor, order.refunds) == (4500, 4500, 0, ())
    assert order.placed_at == datetime(2026, 5, 1, 7, 58, 12, tzinfo=UTC)
    assert (order.country, order.channel, order.tags, order.voided, order.cancelled_at) == ("GB", "web", ("gift", "first"), False, None)
    assert order.lines is not None
    boots, laces = order.lines
    assert (boots.sku, boots.title, boots.vendor, boots.quantity, boots.price_minor, boots.amount_minor) == ("BOOT-B", "Boots - Black", "Maker", 2, 1500, 3000)
    assert (laces.amount_minor, laces.product_id, laces.discounted) == (1000, "", False)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_either_line_end_make_no_difference(mark: str, end: str) -> None:
    assert read(mark + file(FIRST, SECOND, end=end)) == read(file(FIRST, SECOND))


def test_a_line_break_in_a_note_is_part_of_the_note() -> None:
    noted = FIRST | {"Notes": 'ring twice,\nthen "knock"\r\n'}
    told = read(file(noted, SECOND, FIRST | {"Name": "#1002", "Id": "5002", "Total": "x"}))
    assert [(each.row, each.rows) for each in told] == [(2, 2), (4, 1)]


def test_without_an_id_an_order_goes_by_its_name() -> None:
    told = one(FIRST | {"Id": ""})
    assert (told.order.external_id, told.has_id) == ("#1001", False)


def test_a_discount_on_the_order_is_spread_over_its_lines_to_the_penny() -> None:
    order = one(FIRST | {"Discount Amount": "10.01", "Discount Code": "SPRING", "Subtotal": "29.99", "Total": "34.99"}, SECOND).order
    assert order.lines is not None
    assert [line.amount_minor for line in order.lines] == [2249, 750]  # 30.00 and 10.00 less three quarters and a quarter of 10.01
    assert all(line.discounted for line in order.lines)
    assert (order.discount_minor, order.discount_codes) == (1001, ("SPRING",))


def test_a_discount_on_shipping_lowers_no_line() -> None:
    order = one(FIRST | {"Discount Amount": "5.00", "Subtotal": "40.00", "Total": "40.00"}, SECOND).order
    assert order.lines is not None
    assert [line.amount_minor for line in order.lines] == [3000, 1000]
    assert order.discount_minor == 500


def test_a_discount_on_a_line_is_that_lines_alone() -> None:
    order = one(FIRST | {"Lineitem discount": "6.00", "Discount Amount": "6.00", "Subtotal": "34.00", "Total": "39.00"}, SECOND).order
    assert order.lines is not None
    assert [(line.amount_minor, line.discounted) for line in order.lines] == [(2400, True), (1000, False)]


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**7), max_size=30))
def test_what_is_spread_adds_up_and_follows_the_weights(amount: int, weights: list[int]) -> None:
    amount = min(amount, sum(weights))
    shares = spread(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))
    assert all(abs(share * sum(weights) - amount * weight) < sum(weights) for share, weight in zip(shares, weights, strict=True) if sum(weights))


def test_what_was_refunded_is_one_refund_at_the_time_of_payment_or_of_cancelling() -> None:
    order = one(FIRST | {"Refunded Amount": "15.00", "Financial Status": "partially_refunded"}).order
    assert (order.total_minor, order.gross_minor, order.refunded_minor) == (3000, 4500, 1500)
    assert [(refund.at, refund.amount_minor) for refund in order.refunds] == [(datetime(2026, 5, 1, 8, tzinfo=UTC), 1500)]
    cancelled = one(FIRST | {"Refunded Amount": "45.00", "Cancelled at": "2026-05-03 00:00:00 +0000"}).order
    assert cancelled.refunds[0].at == cancelled.cancelled_at == datetime(2026, 5, 3, tzinfo=UTC)


def test_a_later_export_of_an_order_is_newer_and_every_pull_is_newer_still() -> None:
    stages = [
        {"Fulfilled at": "", "Paid at": "", "Financial Status": "pending"},
        {"Fulfilled at": ""},
        {},
        {"Refunded Amount": "0.01"},
        {"Refunded Amount": "15.00"},
        {"Refunded Amount": "45.00"},
        {"Refunded Amount": "45.00", "Financial Status": "voided"},
        {"Refunded Amount": "45.00", "Cancelled at": "2026-05-02 09:00:02 +0200"},
    ]
    versions = [one(FIRST | stage).order.version for stage in stages]
    assert versions == sorted(set(versions))
    updated_at = datetime(2026, 5, 2, 7, 0, 0, tzinfo=UTC)  # Shopify touched it last when it was fulfilled
    assert versions[6] < updated_at
    assert updated_at - versions[2] <= timedelta(seconds=100)
    assert one(FIRST).order.version < one(FIRST, SECOND).order.version < versions[3]  # more lines are newer, a penny given back newer still


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"Total": "forty"}, 'Total is "forty" where an amount'),
        ({"Total": "1e308"}, "Total is"),
        ({"Total": "-1.00"}, "Total is"),
        ({"Total": "NaN"}, "Total is"),
        ({"Total": "9" * 30}, "Total is"),
        ({"Lineitem price": "99999999999999", "Lineitem quantity": "2147483647"}, "more than can be stored"),
        ({"Lineitem quantity": "1.5"}, 'Lineitem quantity is "1.5"'),
        ({"Lineitem quantity": ""}, "Lineitem quantity is empty"),
        ({"Lineitem price": ""}, "Lineitem price is empty"),
        ({"Created at": "31/01/2026 16:00"}, 'Created at is "31/01/2026 16:00"'),
        ({"Created at": "2026-02-30 10:00:00 +0000"}, "Created at is"),
        ({"Created at": "2026-01-31 10:00:00"}, "Created at is"),
        ({"Cancelled at": "yesterday"}, "Cancelled at is"),
        ({"Created at": ""}, "has no Created at on its first row"),
        ({"Currency": ""}, "has no Currency on its first row"),
        ({"Currency": "EUR"}, 'is in "EUR", but the shop\'s amounts are in GBP'),
        ({"Name": ""}, "Name is empty"),
        ({"Name": "x" * 65}, "Name is empty or longer"),
        ({"Id": "5.0E+12"}, "a spreadsheet may have rounded it"),
        ({"Email": "a\x00b@example.com"}, "cannot be stored"),
        ({"Email": "a\udcffb@example.com"}, "not UTF-8"),
    ],
)
def test_an_order_that_cannot_be_read_is_left_out_with_its_row_and_why(change: dict[str, str], part: str) -> None:
    skipped = refusal(FIRST | change, SECOND | ({"Name": change["Name"]} if "Name" in change else {}))
    assert (skipped.row, skipped.rows) == (2, 2)
    assert part in skipped.reason
    assert "ann@" not in skipped.reason


def test_a_bad_line_takes_its_order_along_and_no_other() -> None:
    after = FIRST | {"Name": "#1002", "Id": "5002"}
    bad, good = read(file(FIRST, SECOND | {"Lineitem quantity": "many"}, after))
    assert isinstance(bad, SkippedRows)
    assert (bad.row, bad.rows) == (3, 2)
    assert isinstance(good, ExportedOrder)
    assert good.order.name == "#1002"


def test_a_row_that_is_too_short_is_named_and_only_its_own_order_goes() -> None:
    text = file(FIRST, SECOND) + "#1002,ben@example.com,paid\r\n" + file(FIRST | {"Name": "#1003", "Id": "5003"}).partition("\r\n")[2]
    good, bad, after = read(text)
    assert isinstance(good, ExportedOrder)
    assert isinstance(after, ExportedOrder)
    assert isinstance(bad, SkippedRows)
    assert (bad.row, bad.rows) == (4, 1)
    assert "3 columns where the header has" in bad.reason


def test_a_stray_quotation_mark_is_named_and_reading_goes_on() -> None:
    text = file(FIRST) + '#1002,"ben"@example.com,paid\r\n' + file(FIRST | {"Name": "#1003", "Id": "5003"}).partition("\r\n")[2]
    bad, good = read(text)
    assert isinstance(bad, SkippedRows)
    assert (bad.row, "quotation mark" in bad.reason) == (3, True)
    assert isinstance(good, ExportedOrder)
    assert good.row == 4


def test_rows_of_an_order_that_stand_apart_from_it_are_left_out() -> None:
    told = read(file(FIRST, FIRST | {"Name": "#1002", "Id": "5002"}, SECOND))
    assert isinstance(told[2], SkippedRows)
    assert "keep the rows of an order together" in told[2].reason


def test_two_exports_in_one_file_and_blank_rows_are_read_through() -> None:
    text = file(FIRST, SECOND) + "\r\n" + file(FIRST | {"Name": "#1002", "Id": "5002"})
    assert [(type(each), each.row) for each in read(text)] == [(ExportedOrder, 2), (ExportedOrder, 6)]


def test_columns_may_stand_in_any_order_and_optional_ones_may_be_missing() -> None:
    header = [name for name in reversed(HEADER) if name not in ("Id", "Refunded Amount", "Subtotal", "Lineitem sku", "Shipping Country")]
    (told,) = read(file(FIRST, SECOND, header=header))
    assert isinstance(told, ExportedOrder)
    assert (told.order.external_id, told.order.total_minor, told.order.country) == ("#1001", 4500, "")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", 'no column "Name", "Email"'),
        ("Handle,Title,Vendor\r\n", "This is not an order export"),
        ("Name,Email,Financial Status,Currency,Total,Lineitem quantity,Lineitem name,Lineitem price\n", 'no column "Created at";'),
        (";".join(HEADER), "separated by semicolons"),
        ("\t".join(HEADER), "separated by tabs"),
        ("PAR1\x15\x00\x15", "not UTF-8 text"),
        ("\udcff\udcfeN\x00a\x00", "not UTF-8 text"),
        ('"Name,Email', "cannot be read as CSV"),
    ],
)
def test_a_file_that_is_no_order_export_is_refused_whole(text: str, part: str) -> None:
    with pytest.raises(NotAnOrderExport, match=part):
        read(text)


def test_amounts_of_a_currency_without_decimals() -> None:
    order = one(FIRST | {"Currency": "JPY", "Total": "4500", "Subtotal": "4000", "Lineitem price": "2000"}, currency="JPY").order
    assert order.total_minor == 4500
    assert order.lines is not None
    assert order.lines[0].amount_minor == 4000


@given(st.text(max_size=300))
def test_any_text_after_the_header_is_read_or_reported(text: str) -> None:
    for told in read(file(FIRST) + text):
        assert told.rows >= 1
