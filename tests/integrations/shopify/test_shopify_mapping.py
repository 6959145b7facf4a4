"""Shopify's objects as records, to the last minor unit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.records import Address, Checkout, CheckoutLine, Customer, Order, OrderLine, Product, ProductCollection
from integrations.shopify import mapping


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def order_node(**changes: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Order/7",
        "name": "#1007",
        "number": 1007,
        "processedAt": "2026-11-20T12:00:00+01:00",
        "updatedAt": "2026-11-21T08:00:00Z",
        "cancelledAt": None,
        "test": False,
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "sourceName": "web",
        "tags": ["gift"],
        "discountCodes": ["WELCOME"],
        "customer": {"id": "gid://shopify/Customer/3"},
        "shippingAddress": {"countryCodeV2": "GB"},
        "shippingLine": {"title": "Express"},
        "app": {"id": "gid://shopify/App/580111"},
        "retailLocation": {"id": "gid://shopify/Location/66"},
        "totalDiscountsSet": money("5.00"),
        "totalPriceSet": money("100.0"),
        "currentTotalPriceSet": money("74.99"),
        "totalRefundedSet": money("25.01"),
        "refunds": [{"id": "gid://shopify/Refund/9", "createdAt": "2026-11-21T07:00:00Z", "totalRefundedSet": money("25.01")}],
        **changes,
    }


def line_node(**changes: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/LineItem/70",
        "quantity": 3,
        "currentQuantity": 2,
        "sku": "MUG",
        "title": "Mug",
        "vendor": "Kiln",
        "product": {"id": "gid://shopify/Product/11"},
        "variant": None,
        "originalUnitPriceSet": money("10.00"),
        "discountedTotalSet": money("27.50"),
        **changes,
    }


def customer_node(**changes: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Customer/3",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-11-01T00:00:00Z",
        "state": "ENABLED",
        "locale": "en",
        "tags": ["vip"],
        "numberOfOrders": "12",
        "amountSpent": {"amount": "1234.50", "currencyCode": "USD"},
        "defaultEmailAddress": {"emailAddress": "Ann@Example.com", "marketingState": "SUBSCRIBED"},
        "defaultAddress": {"countryCodeV2": "GB", "provinceCode": "ENG", "city": "Leeds"},
        "productSubscriberStatus": "NEVER_SUBSCRIBED",
        "statistics": {"predictedSpendTier": "HIGH", "rfmGroup": "CHAMPIONS"},
        **changes,
    }


def test_an_order_with_its_lines_left_to_follow() -> None:
    order = mapping.record(order_node())
    assert isinstance(order, Order)
    assert (order.external_id, order.customer_id, order.number) == ("7", "3", 1007)
    assert order.placed_at == datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
    assert (order.gross_minor, order.total_minor, order.refunded_minor, order.discount_minor) == (10000, 7499, 2501, 500)
    assert order.refunds[0].amount_minor == 2501
    assert order.lines is None
    assert not order.voided
    assert (order.shipping, order.app_id, order.location_id) == ("Express", "580111", "66")


def test_an_order_without_shipping_app_or_a_location_asked_for() -> None:
    node = order_node(shippingLine=None, app=None)
    del node["retailLocation"]
    order = mapping.record(node)
    assert isinstance(order, Order)
    assert (order.shipping, order.app_id, order.location_id) == ("", "", "")


def test_every_address_of_a_customer_the_default_one_first() -> None:
    told = [
        {"id": "gid://shopify/MailingAddress/1?model_name=CustomerAddress", "countryCodeV2": "GB", "provinceCode": "ENG", "city": "Leeds"},
        {"id": "gid://shopify/MailingAddress/2?model_name=CustomerAddress", "countryCodeV2": "SG", "provinceCode": None, "city": "Singapore"},
    ]
    customer = mapping.record(customer_node(children=told))
    assert isinstance(customer, Customer)
    assert customer.addresses == (Address("3", "GB", "ENG", "Leeds"), Address("3", "SG", "", "Singapore"))
    assert mapping.record({**told[1], "__parentId": "gid://shopify/Customer/3"}) == Address("3", "SG", "", "Singapore")
    assert customer.companies is None


def test_companies_are_known_only_where_they_were_asked_for() -> None:
    profiles = [{"company": {"id": f"gid://shopify/Company/{number}"}} for number in (5, 5, 6)]
    customer = mapping.record(customer_node(companyContactProfiles=profiles))
    assert isinstance(customer, Customer)
    assert customer.companies == ("5", "6")
    none = mapping.record(customer_node(companyContactProfiles=[]))
    assert isinstance(none, Customer)
    assert none.companies == ()


def test_an_order_with_its_lines_inside() -> None:
    order = mapping.record(order_node(children=[line_node(), line_node(id="gid://shopify/LineItem/71", discountedTotalSet=money("30.00"))]))
    assert isinstance(order, Order)
    assert order.lines is not None
    assert [(line.external_id, line.order_id, line.amount_minor, line.discounted) for line in order.lines] == [
        ("70", "7", 2750, True),
        ("71", "7", 3000, False),
    ]


def test_a_line_of_a_bulk_file_names_its_order() -> None:
    line = mapping.record(line_node(__parentId="gid://shopify/Order/7", product=None))
    assert isinstance(line, OrderLine)
    assert (line.order_id, line.product_id, line.price_minor, line.quantity, line.current_quantity) == ("7", "", 1000, 3, 2)


def test_a_guests_voided_order_has_nobody_and_does_not_count() -> None:
    order = mapping.record(order_node(customer=None, shippingAddress=None, displayFinancialStatus="VOIDED", cancelledAt="2026-11-21T08:00:00Z"))
    assert isinstance(order, Order)
    assert (order.customer_id, order.country, order.voided) == ("", "", True)
    assert order.cancelled_at is not None


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("1234", "JPY", 1234), ("1.234", "KWD", 1234), ("12.34", "EUR", 1234), ("0.005", "USD", 1), ("-3.10", "USD", -310)]
)
def test_amounts_are_kept_in_the_currencys_own_minor_units(amount: str, currency: str, minor: int) -> None:
    order = mapping.record(order_node(currentTotalPriceSet=money(amount, currency)))
    assert isinstance(order, Order)
    assert (order.total_minor, order.currency) == (minor, currency)


def test_a_customer_with_counts_that_come_as_text() -> None:
    customer = mapping.record(customer_node())
    assert isinstance(customer, Customer)
    assert (customer.external_id, customer.order_count, customer.amount_spent_minor) == ("3", 12, 123450)
    assert (customer.emails, customer.email_subscription, customer.rfm_group) == (("Ann@Example.com",), "SUBSCRIBED", "CHAMPIONS")


def test_fault_36_what_shopify_withholds_is_not_known_rather_than_none() -> None:
    withheld = dict.fromkeys(
        ("numberOfOrders", "amountSpent", "tags", "defaultEmailAddress", "defaultAddress", "statistics", "locale", "productSubscriberStatus")
    )
    customer = mapping.record(customer_node(**withheld))
    assert isinstance(customer, Customer)
    assert (customer.order_count, customer.amount_spent_minor, customer.tags, customer.addresses, customer.email_subscription) == (None,) * 5
    assert customer.emails == ()


def test_products_and_checkouts_with_and_without_what_belongs_to_them() -> None:
    node = {
        "id": "gid://shopify/Product/11",
        "title": "Mug",
        "productType": "Mugs",
        "vendor": "Kiln",
        "tags": [],
        "updatedAt": "2026-11-01T00:00:00Z",
        "category": None,
    }
    product = mapping.record({**node, "children": [{"id": "gid://shopify/Collection/5", "title": "Kitchen"}]})
    assert isinstance(product, Product)
    assert product.collections == (ProductCollection("11", "5", "Kitchen"),)
    bare = mapping.record(node)
    assert isinstance(bare, Product)
    assert bare.collections is None
    assert mapping.record({"id": "gid://shopify/Collection/5", "title": "Kitchen", "__parentId": node["id"]}) == ProductCollection("11", "5", "Kitchen")
    checkout = mapping.record(
        {
            "id": "gid://shopify/AbandonedCheckout/8",
            "createdAt": "2026-11-20T12:00:00Z",
            "updatedAt": "2026-11-20T13:00:00Z",
            "completedAt": "2026-11-20T14:00:00Z",
            "customer": None,
            "totalPriceSet": money("9.99"),
        }
    )
    assert isinstance(checkout, Checkout)
    assert checkout.recovered_at is not None
    line = mapping.record(
        {
            "id": "gid://shopify/AbandonedCheckoutLineItem/abc-1?checkout=8",
            "quantity": 1,
            "sku": None,
            "title": None,
            "product": None,
            "variant": None,
            "__parentId": "gid://shopify/AbandonedCheckout/8",
        }
    )
    assert line == CheckoutLine("abc-1", "8", "", "", "", "", 1)


@pytest.mark.parametrize(
    "broken",
    [
        order_node(updatedAt="yesterday"),
        order_node(updatedAt="2026-11-21T08:00:00"),
        order_node(totalPriceSet=None),
        order_node(currentTotalPriceSet=money("a lot")),
        order_node(currentTotalPriceSet=money("NaN")),
        {"id": "gid://shopify/Giraffe/1"},
        {"id": None},
        {},
    ],
)
def test_an_object_that_cannot_be_read_is_named_without_its_content(broken: dict[str, Any]) -> None:
    with pytest.raises(mapping.Unreadable) as raised:
        mapping.record(broken)
    assert "a lot" not in str(raised.value)


@pytest.mark.parametrize(
    ("country", "province", "region"),
    [
        ("MX", "CHIS", "CHP"),
        ("MX", "Q ROO", "ROO"),
        ("MX", "DF", "CMX"),
        ("MX", "JAL", "JAL"),
        ("ZA", "NL", "KZN"),
        ("CA", "NL", "NL"),
        ("MY", "JHR", "01"),
        ("GT", "GUA", "GU"),
        ("CN", "YZ", "XZ"),
        ("PE", "PE-LIM", "PE-LIM"),
        ("IN", "TS", "TS"),
        ("SG", None, ""),
    ],
)
def test_a_region_is_told_by_its_iso_code(country: str, province: str | None, region: str) -> None:
    node = {"id": "gid://shopify/MailingAddress/1", "__parentId": "gid://shopify/Customer/7", "countryCodeV2": country, "provinceCode": province, "city": "A"}
    assert mapping.record(node) == Address("7", country, region, "A")
