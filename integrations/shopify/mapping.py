"""Shopify's GraphQL objects as records. What Shopify leaves null stays None: not known, never "no".

Ids are the numeric ends of Shopify's global ids, as Shopify's own segment language and its webhooks use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import DecimalException
from typing import Any

from integrations.money import minor
from integrations.records import Address, Checkout, CheckoutLine, Customer, Order, OrderLine, Product, ProductCollection, Refund
from integrations.shopify import metafields
from integrations.shopify.zones import iso_region

Node = Mapping[str, Any]
Told = Customer | Address | Order | OrderLine | Product | ProductCollection | Checkout | CheckoutLine


class Unreadable(ValueError):
    """An object without what it must have; the message names the object's id and nothing of its content."""


def number(gid: str) -> str:
    """The end of a global id: "42" of "gid://shopify/Order/42"."""
    return gid.rsplit("/", 1)[-1].partition("?")[0]


def kind(gid: str) -> str:
    """The type in a global id: "Order" of "gid://shopify/Order/42"."""
    parts = gid.split("/")
    return parts[3] if len(parts) > 4 else ""


def record(node: Node) -> Told:
    """The record of any object that the documents select, told apart by its id. Raises Unreadable.

    A child is one by its `__parentId`. A parent with `children` gets them; without, they are left to come by themselves.
    """
    try:
        read: Told = _READERS[kind(node["id"])](node)
        return read
    except (KeyError, TypeError, ValueError, AttributeError, DecimalException) as error:
        raise Unreadable(f"{str(node.get('id', 'an object without id'))[:80]} cannot be read ({type(error).__name__}).") from error


def _customer(node: Node) -> Customer:
    mail, address, statistics = node["defaultEmailAddress"], node["defaultAddress"], node["statistics"] or {}
    spent = node["amountSpent"]
    return Customer(
        external_id=number(node["id"]),
        version=_instant(node["updatedAt"]),
        created_at=_instant(node["createdAt"]),
        emails=(mail["emailAddress"],) if mail and mail["emailAddress"] else (),
        order_count=None if node["numberOfOrders"] is None else int(node["numberOfOrders"]),
        amount_spent_minor=None if spent is None else _minor(spent),
        tags=None if node["tags"] is None else tuple(node["tags"]),
        addresses=_addresses(node, address),
        addresses_follow=node.get("children") is None,
        companies=_companies(node),
        properties=metafields.values(node),
        language=node["locale"],
        account_status=node["state"],
        email_subscription=mail["marketingState"] if mail else None,
        product_subscription=_SUBSCRIPTION.get(node["productSubscriberStatus"], node["productSubscriberStatus"]),
        rfm_group=statistics.get("rfmGroup"),
        predicted_spend_tier=statistics.get("predictedSpendTier"),
    )


def _addresses(node: Node, main: Node | None) -> tuple[Address, ...] | None:
    """The default address first, then those told with it; None when none is told: there may be some yet to follow."""
    told = [{**main, "__parentId": node["id"]}] if main else []
    told += [{**child, "__parentId": node["id"]} for child in node.get("children") or ()]
    return tuple(dict.fromkeys(_address(each) for each in told)) or None


def _address(node: Node) -> Address:
    country = node["countryCodeV2"] or ""
    return Address(number(node["__parentId"]), country, iso_region(country, node["provinceCode"] or ""), node["city"] or "")


def _companies(node: Node) -> tuple[str, ...] | None:
    """The companies behind the customer's contact profiles; None where they were not asked for."""
    profiles = node.get("companyContactProfiles")
    return None if profiles is None else tuple(dict.fromkeys(number(profile["company"]["id"]) for profile in profiles))


def _order(node: Node) -> Order:
    order_id = number(node["id"])
    total = node["currentTotalPriceSet"]["shopMoney"]
    return Order(
        external_id=order_id,
        version=_instant(node["updatedAt"]),
        customer_id=_number_of(node["customer"]),
        name=node["name"],
        number=node["number"],
        placed_at=_instant(node["processedAt"]),
        cancelled_at=_instant_or_none(node["cancelledAt"]),
        test=bool(node["test"]),
        voided=node["displayFinancialStatus"] == "VOIDED",
        currency=total["currencyCode"],
        total_minor=_minor(total),
        gross_minor=_shop_money(node["totalPriceSet"]),
        refunded_minor=_shop_money(node["totalRefundedSet"]),
        discount_minor=_shop_money(node["totalDiscountsSet"]) if node["totalDiscountsSet"] else 0,
        channel=node["sourceName"] or "",
        country=(node["shippingAddress"] or {}).get("countryCodeV2") or "",
        discount_codes=tuple(node["discountCodes"] or ()),
        tags=tuple(node["tags"] or ()),
        refunds=tuple(
            Refund(number(refund["id"]), _instant(refund["createdAt"]), _shop_money(refund["totalRefundedSet"]))
            for refund in node["refunds"] or ()
            if refund["createdAt"]
        ),
        lines=_children(node, _order_line),
        location_id=_number_of(node.get("retailLocation")),
        app_id=_number_of(node["app"]),
        shipping=(node["shippingLine"] or {}).get("title") or "",
    )


def _order_line(node: Node) -> OrderLine:
    quantity, price, amount = int(node["quantity"]), _shop_money(node["originalUnitPriceSet"]), _shop_money(node["discountedTotalSet"])
    return OrderLine(
        external_id=number(node["id"]),
        order_id=number(node["__parentId"]),
        product_id=_number_of(node["product"]),
        variant_id=_number_of(node["variant"]),
        sku=node["sku"] or "",
        title=node["title"] or "",
        vendor=node["vendor"] or "",
        quantity=quantity,
        current_quantity=int(node["currentQuantity"]),
        price_minor=price,
        amount_minor=amount,
        discounted=amount < price * quantity,
    )


def _product(node: Node) -> Product:
    return Product(
        external_id=number(node["id"]),
        version=_instant(node["updatedAt"]),
        title=node["title"],
        product_type=node["productType"] or "",
        vendor=node["vendor"] or "",
        category=(node["category"] or {}).get("fullName") or "",
        tags=tuple(node["tags"] or ()),
        collections=_children(node, _collection),
    )


def _collection(node: Node) -> ProductCollection:
    return ProductCollection(number(node["__parentId"]), number(node["id"]), node["title"])


def _checkout(node: Node) -> Checkout:
    return Checkout(
        external_id=number(node["id"]),
        version=_instant(node["updatedAt"]),
        customer_id=_number_of(node["customer"]),
        created_at=_instant(node["createdAt"]),
        recovered_at=_instant_or_none(node["completedAt"]),
        total_minor=_shop_money(node["totalPriceSet"]),
        lines=_children(node, _checkout_line),
    )


def _checkout_line(node: Node) -> CheckoutLine:
    return CheckoutLine(
        external_id=number(node["id"]),
        checkout_id=number(node["__parentId"]),
        product_id=_number_of(node["product"]),
        variant_id=_number_of(node["variant"]),
        sku=node["sku"] or "",
        title=node["title"] or "",
        quantity=int(node["quantity"]),
    )


# The segment language spells two of the statuses in its own way (shopify.dev, Segment query language reference).
_SUBSCRIPTION = {"ACTIVE": "SUBSCRIBED", "CANCELLED": "CANCELED"}
_READERS: dict[str, Any] = {
    "Customer": _customer,
    "MailingAddress": _address,
    "Order": _order,
    "LineItem": _order_line,
    "Product": _product,
    "Collection": _collection,
    "AbandonedCheckout": _checkout,
    "AbandonedCheckoutLineItem": _checkout_line,
}


def _children(node: Node, read: Any) -> Any:
    children: Sequence[Node] | None = node.get("children")
    return None if children is None else tuple(read({**child, "__parentId": node["id"]}) for child in children)


def _number_of(node: Node | None) -> str:
    return number(node["id"]) if node else ""


def _minor(money: Node) -> int:
    return minor(money["amount"], money["currencyCode"])


def _shop_money(bag: Node) -> int:
    return _minor(bag["shopMoney"])


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without offset")
    return instant.astimezone(UTC)


def _instant_or_none(text: str | None) -> datetime | None:
    return _instant(text) if text else None
