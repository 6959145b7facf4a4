"""The activities that today's facts answer, and what MATCHES may ask of them.

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


def _row(name: str, kind: Type, label: str, help_: str, read: Callable[[Any], Any] | None, **more: Any) -> Parameter:
    return Parameter(name=name, type=kind, label=label, help=help_, read=read, **more)


def _total(name: str, kind: Type, label: str, help_: str, read: Callable[[Sequence[Any]], Any] | None, **more: Any) -> Parameter:
    return Parameter(name=name, type=kind, label=label, help=help_, read=read, scope="aggregate", **more)


def _date(read: Callable[[Any], datetime]) -> Parameter:
    return _row("date", Type.DATE, "date", "When it happened.", read)


def _count(what: str, read: Callable[[Sequence[Any]], int] = len) -> Parameter:
    return _total("count", Type.INTEGER, "count", f"How many {what}.", read)


def product_parameters(line: Callable[[Any], LineFacts], **more: Any) -> tuple[Parameter, ...]:
    """What can be asked of the product in a line."""
    return (
        _row("id", Type.ID, "product", "The product's id.", lambda row: line(row).product_id, **more),
        _row("type", Type.TEXT, "product type", "The merchant's own product type.", lambda row: line(row).product_type, **more),
        _row("vendor", Type.TEXT, "vendor", "The product's vendor.", lambda row: line(row).vendor, **more),
        _row("tag", Type.LIST, "product tag", "A tag of the product.", lambda row: line(row).tags, **more),
        _row("collection", Type.LIST, "collection", "A collection that holds the product.", lambda row: line(row).collections, **more),
        _row(
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
        _date(lambda order: order.placed_at),
        _row("amount", Type.MONEY, "amount", "The order's current total.", lambda order: order.amount_minor),
        _row("item_count", Type.INTEGER, "number of items", "The sum of the order's quantities.", lambda order: order.item_count),
        _row("channel", Type.TEXT, "sales channel", "Where the order was placed.", lambda order: order.channel),
        _row("location_id", Type.ID, "location", "The location at which the order was placed.", None),
        _row("app_id", Type.ID, "app", "The app that took the order.", None),
        _row("discount_code", Type.LIST, "discount code", "A discount code used.", lambda order: order.discount_codes),
        _row("discounted", Type.FLAG, "discounted", "Whether a discount lowered the order.", lambda order: order.discounted),
        _row(
            "country",
            Type.TEXT,
            "country",
            "Where the order was sent, as two capital letters.",
            lambda order: order.country,
            exact_case=True,
            pattern=COUNTRY,
            example="'CA'",
        ),
        _row("tag", Type.LIST, "order tag", "A tag of the order.", lambda order: order.tags),
        _row("order_number", Type.INTEGER, "order number", "The order's number.", lambda order: order.number),
        _count("orders"),
        _total("sum_amount", Type.MONEY, "total", "What the orders come to.", lambda chosen: sum(order.amount_minor for order in chosen)),
        _total(
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
        _row("variant_id", Type.ID, "variant", "The variant's id.", lambda row: row.line.variant_id),
        _row("sku", Type.TEXT, "SKU", "The variant's SKU.", lambda row: row.line.sku),
        _row("title", Type.TEXT, "title", "The product's title.", lambda row: row.line.title),
        _row("price", Type.MONEY, "price", "The price of one piece before discount.", lambda row: row.line.price_minor),
        _row("discounted", Type.FLAG, "discounted", "Whether a discount lowered the line.", lambda row: row.line.discounted),
        _date(lambda row: row.order.placed_at),
        _row("quantity", Type.INTEGER, "quantity", "How many pieces the line has.", lambda row: row.line.quantity),
        _row("line_amount", Type.MONEY, "line amount", "The line's total after discount.", lambda row: row.line.amount_minor),
        _count("orders hold such a line", lambda chosen: len({row.order.id for row in chosen})),
        _total(
            "sum_quantity",
            Type.INTEGER,
            "number of pieces",
            "How many pieces in all.",
            lambda chosen: sum(row.line.quantity for row in chosen),
        ),
        _total("sum_amount", Type.MONEY, "total", "What the lines come to.", lambda chosen: sum(row.line.amount_minor for row in chosen)),
        _total(
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
        _date(lambda row: row.refund.at),
        _row("amount", Type.MONEY, "amount", "The amount refunded.", lambda row: row.refund.amount_minor),
        _count("refunds"),
        _total("sum_amount", Type.MONEY, "total", "What the refunds come to.", lambda chosen: sum(row.refund.amount_minor for row in chosen)),
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
        _date(lambda row: row.created_at),
        _row("amount", Type.MONEY, "amount", "What the checkout comes to.", lambda row: row.amount_minor),
        _row("recovered", Type.FLAG, "recovered", "Whether an order came of it.", lambda row: row.recovered_at is not None),
        *product_parameters(lambda line: line, scope="line", needs=frozenset[Kind]({"checkout_lines"})),
        _count("checkouts"),
        _total("sum_amount", Type.MONEY, "total", "What the checkouts come to.", lambda chosen: sum(row.amount_minor or 0 for row in chosen)),
    ),
)

_EMAIL_PARAMETERS = by_name(
    _row("campaign", Type.TEXT, "campaign", "The e-mail's name.", lambda row: row.campaign),
    _row("campaign_id", Type.ID, "campaign", "The e-mail's id.", lambda row: row.campaign_id),
    _row("url", Type.TEXT, "address", "The address clicked.", lambda row: row.url),
    _date(lambda row: row.at),
    _count("times"),
    _total(
        "distinct_campaigns",
        Type.INTEGER,
        "number of different e-mails",
        "How many different e-mails.",
        lambda chosen: len({row.campaign_id or row.campaign for row in chosen} - {None}),
    ),
)


def _email(verb: str, did: str, did_not: str, one: str, many: str, help_: str) -> Activity:
    return Activity(
        name=f"emails.{verb}",
        help=help_,
        source="HubSpot marketing e-mail",
        did=did,
        did_not=did_not,
        one=one,
        many=many,
        needs=frozenset({"activities"}),
        rows=rows.of_kind(f"emails.{verb}"),
        describe=rows.describe_activity,
        parameters=_EMAIL_PARAMETERS,
    )


PAGE_VIEWED = Activity(
    name="storefront.page_viewed",
    help="Pages of the shop that the customer looked at.",
    source="HubSpot tracking code",
    did="viewed",
    did_not="did not view",
    one="a page",
    many="pages",
    needs=frozenset({"activities"}),
    rows=rows.of_kind("storefront.page_viewed"),
    describe=rows.describe_activity,
    parameters=by_name(
        _row("id", Type.ID, "page", "The page's id.", lambda row: row.id),
        _row("url", Type.TEXT, "address", "The page's address.", lambda row: row.url),
        _row("title", Type.TEXT, "title", "The page's title.", lambda row: row.title),
        _date(lambda row: row.at),
        _count("views"),
        _row("type", Type.TEXT, "product type", "The viewed product's type.", None),
        _row("vendor", Type.TEXT, "vendor", "The viewed product's vendor.", None),
        _row("tag", Type.LIST, "product tag", "A tag of the viewed product.", None),
        _row("collection", Type.LIST, "collection", "A collection that holds the viewed product.", None),
        _row("category", Type.TEXT, "category", "The viewed product's category.", None, many=True),
        _row("query", Type.TEXT, "search", "What was searched for.", None),
        _total("distinct_products", Type.INTEGER, "number of different products", "How many different products.", None),
    ),
)

ACTIVITIES: tuple[Activity, ...] = (
    ORDERS_PLACED,
    PRODUCTS_PURCHASED,
    ORDERS_REFUNDED,
    CHECKOUTS_ABANDONED,
    _email("sent", "were sent", "were not sent", "an e-mail", "e-mails", "Marketing e-mails sent to the customer."),
    _email("delivered", "received", "did not receive", "an e-mail", "e-mails", "Marketing e-mails that arrived."),
    _email("opened", "opened", "did not open", "an e-mail", "e-mails", "Marketing e-mails that the customer opened."),
    _email("clicked", "clicked in", "did not click in", "an e-mail", "e-mails", "Links clicked in marketing e-mails."),
    _email("bounced", "had", "did not have", "a bounced e-mail", "bounced e-mails", "Marketing e-mails that came back."),
    _email("unsubscribed", "had", "did not have", "an unsubscription", "unsubscriptions", "Unsubscriptions from marketing e-mail."),
    _email("marked_as_spam", "made", "did not make", "a spam report", "spam reports", "Marketing e-mails reported as spam."),
    PAGE_VIEWED,
)
