"""How each field of the schema is read from the store's state: one table, used by direct requests and by bulk queries alike.

Money travels as integer minor units until its amount is printed, so the objects behind `MoneyBag` and `MoneyV2` are plain integers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zlib import crc32

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.fields_particulars import PARTICULARS, App, Shipping, company_contacts, metafield
from integrations.sandbox.shopify.readers import Args, Inline, Reader, Table, attr, decimal_text, from_store, gid, iso, of, time_of
from integrations.sandbox.shopify.schema import LATEST
from integrations.sandbox.shopify.state import Address, Customer, Order, Refund, Variant

_same = Inline(lambda o: o, "{}")


def _amount(access: Access, _args: Args) -> Reader:
    digits = access.digits
    if digits != 2:
        return lambda minor: decimal_text(minor, digits)

    @lru_cache(maxsize=100_000)
    def cents(minor: int) -> str:
        if minor < 0:
            return decimal_text(minor, 2)
        whole, rest = divmod(minor, 100)
        return f"{whole}.{rest // 10}" if rest % 10 == 0 else f"{whole}.{rest:02d}"

    return cents


def _currency(access: Access, _args: Args) -> Reader:
    currency = access.store.currency
    return Inline(lambda _: currency, repr(currency))


def _product(access: Access, _args: Args) -> Reader:
    products = access.store.products
    return Inline(lambda line: products.get(line.product_id), "products.get({}.product_id)", {"products": products})


def _variant(access: Access, _args: Args) -> Reader:
    variants = access.variants
    return Inline(lambda line: variants.get(line.variant_id), "variants.get({}.variant_id)", {"variants": variants})


def _customer(access: Access, _args: Args) -> Reader:
    customers = access.store.customers
    return lambda o: customers.get(o.customer_id) if o.customer_id is not None else None


def _last_order(access: Access, customer: Customer) -> Order | None:
    since = access.orders_since
    orders = (access.store.orders[i] for i in customer.order_ids)
    seen = [o for o in orders if not o.test and (since is None or o.created_at >= since)]
    return max(seen, key=lambda o: (o.created_at, o.id), default=None)


def _net_payment(order: Order) -> int:
    if order.financial_status not in ("PAID", "PARTIALLY_REFUNDED", "REFUNDED"):
        return 0
    return order.total_minor - sum(r.amount_minor for r in order.refunds)


def _refunds(_access: Access, args: Args) -> Reader:
    first = args.get("first")
    return lambda order: order.refunds if first is None else order.refunds[:first]


def _refund_order(access: Access, refund: Refund) -> Order | None:
    return next((o for o in access.store.orders.values() if any(r.id == refund.id for r in o.refunds)), None)


def _title_of_variant(access: Access, variant: Variant) -> str:
    product = access.product_of_variant.get(variant.id)
    return f"{product.title} - Default Title" if product else "Default Title"


def _customer_address(customer: Customer) -> Address | None:
    return next(iter(customer.every_address), None)


def _spent(access: Access, customer: Customer) -> int:
    return access.store.lifetime(customer)[1]


def _order_count(access: Access, customer: Customer) -> str:
    return str(access.store.lifetime(customer)[0])


def _legacy(o: Any) -> str:
    return str(o.id)


_LINE: Table = {
    "quantity": attr("quantity"),
    "sku": attr("sku"),
    "title": attr("title"),
    "variantTitle": of(Inline(lambda _: None, "None")),  # every variant of the sandbox is its product's only default one
    "product": _product,
    "variant": _variant,
}

FIELDS: dict[str, Table] = {
    **PARTICULARS,
    "MoneyBag": {"shopMoney": of(_same), "presentmentMoney": of(_same)},
    "MoneyV2": {"amount": _amount, "currencyCode": _currency},
    "Shop": {
        "id": gid("Shop"),
        "name": attr("name"),
        "myshopifyDomain": attr("domain"),
        "email": of(lambda s: f"owner@{s.domain}"),
        "contactEmail": of(lambda s: f"owner@{s.domain}"),
        "currencyCode": attr("currency"),
        "ianaTimezone": attr("timezone"),
        "plan": attr("plan"),
        "url": of(lambda s: f"https://{s.domain}"),
    },
    "ShopPlan": {
        "partnerDevelopment": of(lambda _: False),
        "publicDisplayName": of(lambda plan: {"standard": "Basic", "advanced": "Advanced"}.get(plan, "Shopify Plus")),
        "shopifyPlus": of(lambda plan: plan in ("plus", "enterprise")),
    },
    "Customer": {
        "id": gid("Customer"),
        "legacyResourceId": of(_legacy),
        "displayName": of(lambda c: (c.email or "").strip()),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "state": attr("state"),
        "locale": attr("locale"),
        "tags": of(lambda c: list(c.tags)),
        "numberOfOrders": from_store(_order_count),
        "amountSpent": from_store(_spent),
        "defaultEmailAddress": of(lambda c: c if c.email else None),
        "defaultPhoneNumber": of(lambda _: None),  # the sandbox knows no phone numbers
        "defaultAddress": of(_customer_address),
        "productSubscriberStatus": of(lambda _: "NEVER_SUBSCRIBED"),
        "statistics": of(_same),
        "lastOrder": from_store(_last_order),
        "companyContactProfiles": from_store(company_contacts),
        "metafield": metafield,
    },
    "CustomerEmailAddress": {
        "emailAddress": attr("email"),
        "marketingState": attr("email_marketing_state"),
        "marketingOptInLevel": of(lambda c: "SINGLE_OPT_IN" if c.email_marketing_state in ("SUBSCRIBED", "UNSUBSCRIBED") else None),
        "marketingUpdatedAt": of(lambda c: None if c.email_marketing_state == "NOT_SUBSCRIBED" else iso(c.created_at)),
        "validFormat": of(lambda c: "@" in c.email),
    },
    "CustomerPhoneNumber": {"phoneNumber": of(_same)},
    # Shopify predicts these for stores with enough sales; a store without predictions answers null
    "CustomerStatistics": {"predictedSpendTier": of(lambda _: None), "rfmGroup": of(lambda _: None)},
    "MailingAddress": {
        "id": gid("MailingAddress"),
        "city": of(lambda a: a.city or None),
        "provinceCode": of(lambda a: a.province or None),
        "countryCodeV2": of(lambda a: a.country or None),
    },
    "Order": {
        "id": gid("Order"),
        "legacyResourceId": of(_legacy),
        "name": of(lambda o: f"#{o.number}"),
        "number": attr("number"),
        "createdAt": time_of("created_at"),
        "processedAt": time_of("processed_at"),
        "updatedAt": time_of("updated_at"),
        "cancelledAt": time_of("cancelled_at"),
        "cancelReason": attr("cancel_reason"),
        "test": attr("test"),
        "displayFinancialStatus": attr("financial_status"),
        "displayFulfillmentStatus": attr("fulfillment_status"),
        "currencyCode": _currency,
        "presentmentCurrencyCode": _currency,
        "customer": _customer,
        "sourceName": attr("source_name"),
        "tags": of(lambda o: list(o.tags)),
        "discountCodes": of(lambda o: list(o.discount_codes)),
        "subtotalPriceSet": attr("subtotal_minor"),
        "totalDiscountsSet": attr("discounts_minor"),
        "totalPriceSet": attr("total_minor"),
        "currentTotalPriceSet": attr("current_total_minor"),
        "totalRefundedSet": of(lambda o: sum(r.amount_minor for r in o.refunds)),
        "netPaymentSet": of(_net_payment),
        "refunds": _refunds,
        "shippingAddress": of(lambda o: Address(o.id, o.country) if o.country else None),
        "shippingLine": of(lambda o: Shipping(o.id, o.shipping) if o.shipping else None),
        "app": of(lambda o: App(o.app_id) if o.app_id else None),
        "retailLocation": from_store(lambda access, o: access.store.locations.get(o.location_id)),
    },
    "Refund": {
        "id": gid("Refund"),
        "legacyResourceId": of(_legacy),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("created_at"),
        "totalRefundedSet": attr("amount_minor"),
        "order": from_store(_refund_order),
    },
    "LineItem": _LINE
    | {
        "id": gid("LineItem"),
        "name": attr("title"),
        "vendor": attr("vendor"),
        "currentQuantity": attr("current_quantity"),
        "discountedTotalSet": attr("discounted_total_minor"),
        "originalTotalSet": of(Inline(lambda line: line.unit_minor * line.quantity, "{0}.unit_minor * {0}.quantity")),
        "originalUnitPriceSet": attr("unit_minor"),
    },
    "AbandonedCheckoutLineItem": _LINE
    | {
        "id": gid("AbandonedCheckoutLineItem"),
        "discountedTotalPriceSet": attr("discounted_total_minor"),
        "originalTotalPriceSet": of(lambda line: line.unit_minor * line.quantity),
    },
    "AbandonedCheckout": {
        "id": gid("AbandonedCheckout"),
        "name": of(lambda c: f"#{c.id}"),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "completedAt": time_of("completed_at"),
        "customer": _customer,
        "totalPriceSet": attr("total_minor"),
    },
    "Product": {
        "id": gid("Product"),
        "legacyResourceId": of(_legacy),
        "handle": attr("handle"),
        "title": attr("title"),
        "productType": attr("product_type"),
        "vendor": attr("vendor"),
        "tags": of(lambda p: list(p.tags)),
        "status": attr("status"),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "category": of(lambda p: p.category or None),
    },
    "TaxonomyCategory": {
        "id": of(lambda name: f"gid://shopify/TaxonomyCategory/sb-{crc32(name.encode()) % 10_000}"),
        "fullName": of(_same),
        "name": of(lambda name: name.rsplit(" > ", 1)[-1]),
    },
    "ProductVariant": {
        "id": gid("ProductVariant"),
        "legacyResourceId": of(_legacy),
        "sku": attr("sku"),
        "price": lambda access, _args: lambda v: decimal_text(v.price_minor, access.digits),
        "title": of(lambda _: "Default Title"),
        "displayName": from_store(_title_of_variant),
        "product": from_store(lambda access, v: access.product_of_variant.get(v.id)),
    },
    "Collection": {"id": gid("Collection"), "legacyResourceId": of(_legacy), "handle": attr("handle"), "title": attr("title")},
    "Segment": {
        "id": gid("Segment"),
        "name": attr("name"),
        "query": attr("query"),
        "creationDate": time_of("creation_date"),
        "lastEditDate": time_of("last_edit_date"),
    },
    "CustomerSegmentMember": {
        "id": gid("CustomerSegmentMember"),
        "displayName": of(lambda c: (c.email or "").strip()),
        "numberOfOrders": from_store(_order_count),
        "amountSpent": from_store(_spent),
        "defaultEmailAddress": of(lambda c: c if c.email else None),
        "lastOrderId": from_store(lambda access, c: None if (o := _last_order(access, c)) is None else f"gid://shopify/Order/{o.id}"),
    },
    "WebhookSubscription": {
        "id": gid("WebhookSubscription"),
        "legacyResourceId": of(_legacy),
        "topic": attr("topic"),
        "uri": attr("uri"),
        "format": attr("format"),
        "filter": attr("filter"),
        "includeFields": attr("include_fields"),
        "name": attr("name"),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "apiVersion": of(lambda _: {"displayName": LATEST, "handle": LATEST, "supported": True}),
    },
    "BulkOperation": {
        "id": gid("BulkOperation"),
        "type": attr("type"),
        "status": attr("status"),
        "errorCode": attr("error_code"),
        "createdAt": time_of("created_at"),
        "completedAt": time_of("completed_at"),
        "objectCount": of(lambda o: str(o.object_count)),
        "rootObjectCount": of(lambda o: str(o.root_object_count)),
        "fileSize": of(lambda o: None if o.file_size is None else str(o.file_size)),
        "url": attr("url"),
        "partialDataUrl": attr("partial_data_url"),
        "query": attr("text"),
    },
}
