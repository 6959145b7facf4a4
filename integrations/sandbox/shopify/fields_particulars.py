"""The fields of what few customers and orders have: companies, metafields, retail locations, the app and the shipping of an order."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import orjson

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.readers import Args, Reader, Table, attr, gid, of
from integrations.sandbox.shopify.state import Company, Customer

# Shopify's own apps by their numbers.
APPS = {580_111: "Online Store", 129_785: "Point of Sale", 1_354_745: "Draft Orders", 5_806_031: "Shop"}


@dataclass(frozen=True, slots=True)
class App:
    """The app that took an order."""

    id: int


@dataclass(frozen=True, slots=True)
class Shipping:
    """An order's one shipping line."""

    id: int
    title: str


@dataclass(frozen=True, slots=True)
class Validation:
    """One rule that values of a metafield keep to."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer's part in a company."""

    id: int
    customer: Customer
    company: Company


def company_contacts(access: Access, customer: Customer) -> list[Contact]:
    """The customer's parts in companies."""
    companies = access.store.companies
    return [Contact(customer.id * 1_000 + place, customer, companies[id_]) for place, id_ in enumerate(customer.company_ids)]


@dataclass(frozen=True, slots=True)
class Metafield:
    """A customer's value for one definition."""

    id: int
    namespace: str
    key: str
    type: str
    value: str


def metafield(access: Access, args: Args) -> Reader:
    """A value without a definition is a text, as an API client would have written it."""
    namespace, key = args.get("namespace") or "", args["key"]
    name = f"{namespace}.{key}"
    defined = next((d for d in access.store.metafield_definitions.values() if (d.namespace, d.key) == (namespace, key)), None)
    kind = defined.type if defined else "single_line_text_field"
    serial = defined.id if defined else crc32(name.encode())

    def read(customer: Customer) -> Metafield | None:
        value = customer.metafields.get(name)
        return None if value is None else Metafield(customer.id * 10_000 + serial % 10_000, namespace, key, kind, value)

    return read


PARTICULARS: dict[str, Table] = {
    "CompanyContact": {"id": gid("CompanyContact"), "company": attr("company"), "customer": attr("customer")},
    "Company": {"id": gid("Company"), "name": attr("name")},
    "Location": {"id": gid("Location"), "name": attr("name")},
    "OrderApp": {"id": gid("App"), "name": of(lambda app: APPS.get(app.id, f"App {app.id}"))},
    "ShippingLine": {"id": gid("ShippingLine"), "title": attr("title")},
    "Metafield": {
        "id": gid("Metafield"),
        "namespace": attr("namespace"),
        "key": attr("key"),
        "type": attr("type"),
        "value": attr("value"),
    },
    "MetafieldDefinition": {
        "id": gid("MetafieldDefinition"),
        "namespace": attr("namespace"),
        "key": attr("key"),
        "name": attr("name"),
        "ownerType": of(lambda _: "CUSTOMER"),
        "type": of(lambda d: d),
        "validations": of(lambda d: [Validation("choices", d.type, orjson.dumps(d.choices).decode())] if d.choices else []),
    },
    "MetafieldDefinitionType": {"name": attr("type"), "category": of(lambda d: "DATE_TIME" if d.type.startswith("date") else "TEXT")},
    "MetafieldDefinitionValidation": {"name": attr("name"), "type": attr("type"), "value": attr("value")},
}
