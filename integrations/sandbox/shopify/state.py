"""What a sandbox Shopify store holds. Plain data: money in minor units, instants aware UTC, ids the numeric part of a GID."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Collection:
    """A manual collection of products."""

    id: int
    handle: str
    title: str


@dataclass(slots=True)
class Variant:
    """A variant of a product; the sandbox gives each product one."""

    id: int
    sku: str
    price_minor: int


@dataclass(slots=True)
class Product:
    """A product as the Admin API shows it."""

    id: int
    handle: str
    title: str
    product_type: str
    vendor: str
    tags: list[str]
    category: str  # full name in the product taxonomy, "Apparel & Accessories > Shoes"; "" when uncategorised
    collection_ids: list[int]
    variants: list[Variant]
    created_at: datetime
    updated_at: datetime
    status: str = "ACTIVE"


@dataclass(slots=True)
class Address:
    """A mailing address as far as the sandbox knows one."""

    id: int
    country: str
    province: str = ""
    city: str = ""


@dataclass(slots=True)
class Company:
    """A company that buys from the store (B2B)."""

    id: int
    name: str


@dataclass(slots=True)
class Location:
    """A place of the merchant's where things are sold."""

    id: int
    name: str


@dataclass(slots=True)
class MetafieldDefinition:
    """A definition of a customer metafield; `choices` are the values that it admits, none for any."""

    id: int
    namespace: str
    key: str
    name: str
    type: str
    choices: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Customer:
    """A customer of the store; `email` is as somebody typed it.

    `country`, `province` and `city` are of the default address, `addresses` are the others. `metafields` are values by
    "namespace.key", as the API prints them.
    """

    id: int
    email: str | None
    created_at: datetime
    updated_at: datetime
    tags: list[str] = field(default_factory=list)  # sorted, unique without regard to case
    state: str = "DISABLED"
    locale: str = "en"
    email_marketing_state: str = "NOT_SUBSCRIBED"
    country: str = ""
    province: str = ""
    city: str = ""
    addresses: list[Address] = field(default_factory=list)
    company_ids: list[int] = field(default_factory=list)
    metafields: dict[str, str] = field(default_factory=dict)
    order_ids: list[int] = field(default_factory=list)

    @property
    def every_address(self) -> list[Address]:
        """The default address first."""
        default = [Address(self.id, self.country, self.province, self.city)] if self.country or self.province or self.city else []
        return [*default, *self.addresses]


@dataclass(slots=True)
class LineItem:
    """A line of an order or checkout; money of the whole line, save `unit_minor`."""

    id: int
    product_id: int | None
    variant_id: int | None
    sku: str
    title: str
    vendor: str
    quantity: int
    current_quantity: int
    unit_minor: int
    discounted_total_minor: int  # of `quantity` units, after discounts, as discountedTotalSet(withCodeDiscounts: true)


@dataclass(slots=True)
class Refund:
    """Money given back on an order."""

    id: int
    created_at: datetime
    amount_minor: int


@dataclass(slots=True)
class Order:
    """An order; `total_minor` is what was first paid, `current_total_minor` what is left of it."""

    id: int
    number: int
    customer_id: int | None  # None: a guest
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    lines: list[LineItem]
    total_minor: int  # as first paid: subtotal after discounts + shipping + taxes
    subtotal_minor: int
    discounts_minor: int = 0
    current_total_minor: int = 0  # after refunds and edits
    refunds: list[Refund] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    test: bool = False
    financial_status: str = "PAID"
    fulfillment_status: str = "FULFILLED"
    source_name: str = "web"
    discount_codes: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    country: str = ""
    app_id: int | None = None
    location_id: int | None = None  # of a retail order
    shipping: str = ""  # title of the shipping line; "" where nothing is sent


@dataclass(slots=True)
class Checkout:
    """An abandoned checkout; recovered once `completed_at` is set."""

    id: int
    customer_id: int | None
    created_at: datetime
    updated_at: datetime
    total_minor: int
    lines: list[LineItem]
    completed_at: datetime | None = None


@dataclass(slots=True)
class NativeSegment:
    """A segment in Shopify's own segment editor."""

    id: int
    name: str
    query: str
    creation_date: datetime
    last_edit_date: datetime


@dataclass(slots=True)
class Store:
    """One store: its facts, and nothing of how they are served."""

    id: int
    domain: str
    name: str
    currency: str
    timezone: str
    plan: str = "standard"  # standard | advanced | plus | enterprise: decides the rate limit
    customers: dict[int, Customer] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    collections: dict[int, Collection] = field(default_factory=dict)
    checkouts: dict[int, Checkout] = field(default_factory=dict)
    segments: dict[int, NativeSegment] = field(default_factory=dict)
    companies: dict[int, Company] = field(default_factory=dict)
    locations: dict[int, Location] = field(default_factory=dict)
    metafield_definitions: dict[int, MetafieldDefinition] = field(default_factory=dict)
    b2b: bool = False  # whether the store has Shopify's B2B; one without denies companies

    def add_order(self, order: Order) -> None:
        """Keep `order` and list it under its customer."""
        self.orders[order.id] = order
        if order.customer_id is not None:
            self.customers[order.customer_id].order_ids.append(order.id)

    def lifetime(self, customer: Customer) -> tuple[int, int]:
        """(numberOfOrders, amountSpent in minor units): test and cancelled orders left out, refunds taken off."""
        kept = [o for i in customer.order_ids if not (o := self.orders[i]).test and o.cancelled_at is None]
        return len(kept), sum(o.current_total_minor for o in kept)
