"""Neutral records: what a source says about people, in nobody's vocabulary.

Instants are aware UTC. Money is an integer in the shop currency's minor units. `external_id` is the platform's own id as
text. `version` is the platform's time of last change of that object and decides which of two tellings is newer.
`None` always means "not known", never "no".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back on an order at one time."""

    external_id: str
    at: datetime
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order. `amount_minor` is the line's discounted total; `quantity` what was ordered."""

    external_id: str
    order_id: str
    product_id: str
    variant_id: str
    sku: str
    title: str
    vendor: str
    quantity: int
    current_quantity: int
    price_minor: int
    amount_minor: int
    discounted: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `lines` is None when the lines follow as records of their own (bulk files).

    `email` is the address it was placed with, for sources that tell no customer id.
    """

    external_id: str
    version: datetime
    customer_id: str
    name: str
    number: int | None
    placed_at: datetime
    cancelled_at: datetime | None
    test: bool
    voided: bool
    currency: str
    total_minor: int  # current: after refunds and edits
    gross_minor: int  # as first placed
    refunded_minor: int
    discount_minor: int
    channel: str
    country: str
    discount_codes: tuple[str, ...]
    tags: tuple[str, ...]
    refunds: tuple[Refund, ...]
    lines: tuple[OrderLine, ...] | None
    email: str = ""
    location_id: str = ""  # of the shop's own place where it was sold; "" also where the platform does not say
    app_id: str = ""  # of the program that took it
    shipping: str = ""  # the name of its shipping method


@dataclass(frozen=True, slots=True)
class Address:
    """One of a customer's addresses, as far as rules ask about it: told within the customer or after it.

    `country` is ISO 3166-1 alpha-2, `region` what ISO 3166-2 has after the country; "" where the address has none.
    """

    customer_id: str
    country: str
    region: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """One platform's record of a person: a store customer or a CRM contact.

    Where `addresses_follow`, those told here are not all: others may follow as records of their own, and add to them.
    """

    external_id: str
    version: datetime
    created_at: datetime | None
    emails: tuple[str, ...]  # as typed; the first is the main one
    order_count: int | None = None
    amount_spent_minor: int | None = None
    tags: tuple[str, ...] | None = None
    addresses: tuple[Address, ...] | None = None
    companies: tuple[str, ...] | None = None  # ids of the companies that the person buys for
    language: str | None = None
    account_status: str | None = None
    email_subscription: str | None = None
    sms_subscription: str | None = None
    product_subscription: str | None = None
    rfm_group: str | None = None
    predicted_spend_tier: str | None = None
    properties: dict[str, str] | None = None  # typed by the portal's definitions, as text
    merged_ids: tuple[str, ...] = ()  # ids that this record has swallowed
    addresses_follow: bool = False


@dataclass(frozen=True, slots=True)
class ProductCollection:
    """A product's place in a collection, told after the product."""

    product_id: str
    external_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `collections` is None when they follow as records of their own."""

    external_id: str
    version: datetime
    title: str
    product_type: str
    vendor: str
    category: str
    tags: tuple[str, ...]
    collections: tuple[ProductCollection, ...] | None


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line of an abandoned checkout, told within it or after it."""

    external_id: str
    checkout_id: str
    product_id: str
    variant_id: str
    sku: str
    title: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Checkout:
    """An abandoned checkout; recovered once it has a time of completion."""

    external_id: str
    version: datetime
    customer_id: str
    created_at: datetime
    recovered_at: datetime | None
    total_minor: int
    lines: tuple[CheckoutLine, ...] | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Something a person did or was sent. `subject` is the e-mail address it is known by, as given; or `contact_id`."""

    external_id: str
    kind: str  # a rule-language activity name, "emails.opened"
    at: datetime
    subject: str
    contact_id: str = ""
    campaign_id: str = ""
    campaign: str = ""
    url: str = ""
    title: str = ""
    form: str = ""
    page: str = ""  # the address of the page that a form stood on
    survey: str = ""  # NPS, CSAT, CES or CUSTOM
    rating: int | None = None
    sentiment: str = ""
    network: str = ""
    about: str = ""  # the platform's id of what it was about


@dataclass(frozen=True, slots=True)
class PropertyDefinition:
    """One property of people as its platform defines it. `name` is the platform's own.

    `options` are the values of an enumeration, as they are stored; `multiple` says that a value may hold several with `;` between.
    """

    name: str
    type: Literal["number", "date", "datetime", "bool", "enumeration", "string"]
    options: tuple[str, ...] = ()
    multiple: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class PropertyDefinitions:
    """All properties that a source has for people now; what it told before and does not tell here is gone."""

    definitions: tuple[PropertyDefinition, ...]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The platform no longer has this object. `kind` is "customer", "order", "product" or "checkout"."""

    kind: str
    external_id: str
    at: datetime


Record = Customer | Address | Order | OrderLine | Product | ProductCollection | Checkout | CheckoutLine | Activity | PropertyDefinitions | Tombstone
