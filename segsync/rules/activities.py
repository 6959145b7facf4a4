"""What customers do in the shop (orders, lines, refunds, checkouts) and what MATCHES may ask of it.

The rows of `products_purchased` are lines of counted orders, and its `count` counts orders; the rows of `orders_refunded` are the
refunds of counted orders. Where a row has several lines (a checkout), the parameters about products must all fit one line of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from segsync.rules import readers, rows
from segsync.rules.attributes import COUNTRY
from segsync.rules.entries import Activity, Kind, Parameter, Type, by_name
from segsync.rules.facts import LineFacts


def row_parameter(name: str, kind: Type, label: str, help_: str, read: Callable[[Any], Any] | None, **more: Any) -> Parameter:
    """Something asked of each row."""
    return Parameter(name=name, type=kind, label=label, help=help_, read=read, **more)


def total_parameter(name: str, kind: Type, label: str, help_: str, read: Callable[[Sequence[Any]], Any] | None, **more: Any) -> Parameter:
    """Something asked of all chosen rows together."""
    return Parameter(name=name, type=kind, label=label, help=help_, read=read, scope="aggregate", **more)


def date_parameter(read: Callable[[Any], datetime]) -> Parameter:
    """When a row happened; every activity has it, and sequences go by it."""
    return row_parameter("date", Type.DATE, "date", "When it happened.", read)


def count_parameter(what: str, read: Callable[[Sequence[Any]], int] = len) -> Parameter:
    """How many rows were chosen."""
    return total_parameter("count", Type.INTEGER, "count", f"How many {what}.", read)


def product_parameters(line: Callable[[Any], LineFacts], **more: Any) -> tuple[Parameter, ...]:
    """What can be asked of the product in a line."""
    return (
        row_parameter("id", Type.ID, "product", "The product's id.", lambda row: line(row).product_id, **more),
        row_parameter("type", Type.TEXT, "product type", "The merchant's own product type.", lambda row: line(row).product_type, **more),
        row_parameter("vendor", Type.TEXT, "vendor", "The product's vendor.", lambda row: line(row).vendor, **more),
        row_parameter("tag", Type.LIST, "product tag", "A tag of the product.", lambda row: line(row).tags, **more),
        row_parameter("collection", Type.LIST, "collection", "A collection that holds the product.", lambda row: line(row).collections, **more),
        row_parameter(
            "category",
            Type.TEXT,
            "category",
            "The product's category by its full name or any level of it: 'Shoes' fits Apparel > Shoes > Boots.",
            lambda row: readers.category_names(line(row).category),
            many=True,
            **more,
        ),
    )


ORDERS_PLACED = Activity(
    name="orders_placed",
    help="Counted orders of the customer.",
    source="Shopify orders and imported orders",
    did="placed",
    did_not="did not place",
    one="an order",
    many="orders",
    needs=frozenset({"orders"}),
    rows=readers.counted,
    describe=rows.describe_order,
    parameters=by_name(
        date_parameter(lambda order: order.placed_at),
        row_parameter("amount", Type.MONEY, "amount", "The order's current total.", lambda order: order.amount_minor),
        row_parameter("item_count", Type.INTEGER, "number of items", "The sum of the order's quantities.", lambda order: order.item_count),
        row_parameter("channel", Type.TEXT, "sales channel", "Where the order was placed.", lambda order: order.channel),
        row_parameter("location_id", Type.ID, "location", "The location at which the order was placed.", lambda order: order.location_id),
        row_parameter("app_id", Type.ID, "app", "The app that took the order.", lambda order: order.app_id),
        row_parameter("discount_code", Type.LIST, "discount code", "A discount code used.", lambda order: order.discount_codes),
        row_parameter("discounted", Type.FLAG, "discounted", "Whether a discount lowered the order.", lambda order: order.discounted),
        row_parameter(
            "country",
            Type.TEXT,
            "country",
            "Where the order was sent, as two capital letters.",
            lambda order: order.country,
            exact_case=True,
            pattern=COUNTRY,
            example="'CA'",
        ),
        row_parameter("tag", Type.LIST, "order tag", "A tag of the order.", lambda order: order.tags),
        row_parameter("order_number", Type.INTEGER, "order number", "The order's number.", lambda order: order.number),
        count_parameter("orders"),
        total_parameter("sum_amount", Type.MONEY, "total", "What the orders come to.", lambda chosen: sum(order.amount_minor for order in chosen)),
        total_parameter(
            "average_amount",
            Type.MONEY,
            "average",
            "The exact mean of the orders; missing without one.",
            lambda chosen: rows.mean([order.amount_minor for order in chosen]),
        ),
    ),
)

PRODUCTS_PURCHASED = Activity(
    name="products_purchased",
    help="Lines of the customer's counted orders.",
    source="Shopify orders and imported orders",
    did="bought",
    did_not="did not buy",
    one="a product",
    many="products",
    counts=("order", "orders"),
    needs=frozenset({"orders", "lines"}),
    rows=rows.purchases,
    describe=rows.describe_purchase,
    parameters=by_name(
        *product_parameters(lambda row: row.line),
        row_parameter("variant_id", Type.ID, "variant", "The variant's id.", lambda row: row.line.variant_id),
        row_parameter("sku", Type.TEXT, "SKU", "The variant's SKU.", lambda row: row.line.sku),
        row_parameter("title", Type.TEXT, "title", "The product's title.", lambda row: row.line.title),
        row_parameter("price", Type.MONEY, "price", "The price of one piece before discount.", lambda row: row.line.price_minor),
        row_parameter("discounted", Type.FLAG, "discounted", "Whether a discount lowered the line.", lambda row: row.line.discounted),
        date_parameter(lambda row: row.order.placed_at),
        row_parameter("quantity", Type.INTEGER, "quantity", "How many pieces the line has.", lambda row: row.line.quantity),
        row_parameter("line_amount", Type.MONEY, "line amount", "The line's total after discount.", lambda row: row.line.amount_minor),
        count_parameter("orders hold such a line", lambda chosen: len({row.order.id for row in chosen})),
        total_parameter(
            "sum_quantity",
            Type.INTEGER,
            "number of pieces",
            "How many pieces in all.",
            lambda chosen: sum(row.line.quantity for row in chosen),
        ),
        total_parameter("sum_amount", Type.MONEY, "total", "What the lines come to.", lambda chosen: sum(row.line.amount_minor for row in chosen)),
        total_parameter(
            "distinct_products",
            Type.INTEGER,
            "number of different products",
            "How many different products.",
            lambda chosen: len({rows.product(row.line) for row in chosen}),
        ),
    ),
)

ORDERS_REFUNDED = Activity(
    name="orders_refunded",
    help="Refunds of the customer's counted orders.",
    source="Shopify refunds",
    did="had",
    did_not="did not have",
    one="a refund",
    many="refunds",
    needs=frozenset({"orders", "refunds"}),
    rows=rows.refunds,
    describe=rows.describe_refund,
    parameters=by_name(
        date_parameter(lambda row: row.refund.at),
        row_parameter("amount", Type.MONEY, "amount", "The amount refunded.", lambda row: row.refund.amount_minor),
        count_parameter("refunds"),
        total_parameter("sum_amount", Type.MONEY, "total", "What the refunds come to.", lambda chosen: sum(row.refund.amount_minor for row in chosen)),
    ),
)

CHECKOUTS_ABANDONED = Activity(
    name="checkouts_abandoned",
    help="Checkouts that the customer left, recovered since or not.",
    source="Shopify abandoned checkouts",
    did="abandoned",
    did_not="did not abandon",
    one="a checkout",
    many="checkouts",
    needs=frozenset({"checkouts"}),
    rows=lambda facts: facts.checkouts,
    lines=lambda row: row.lines,
    describe=rows.describe_checkout,
    parameters=by_name(
        date_parameter(lambda row: row.created_at),
        row_parameter("amount", Type.MONEY, "amount", "What the checkout comes to.", lambda row: row.amount_minor),
        row_parameter("recovered", Type.FLAG, "recovered", "Whether an order came of it.", lambda row: row.recovered_at is not None),
        *product_parameters(lambda line: line, scope="line", needs=frozenset[Kind]({"checkout_lines"})),
        count_parameter("checkouts"),
        total_parameter("sum_amount", Type.MONEY, "total", "What the checkouts come to.", lambda chosen: sum(row.amount_minor or 0 for row in chosen)),
    ),
)

ACTIVITIES: tuple[Activity, ...] = (ORDERS_PLACED, PRODUCTS_PURCHASED, ORDERS_REFUNDED, CHECKOUTS_ABANDONED)
