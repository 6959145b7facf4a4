"""One app's access to one store during one request or bulk operation, and the errors it answers with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from integrations.sandbox.shopify.state import Product, Store, Variant

if TYPE_CHECKING:
    from integrations.sandbox.shopify.bulk import BulkDesk
    from integrations.sandbox.shopify.shop import Shop
    from integrations.sandbox.shopify.webhooks import Webhooks

ORDER_WINDOW = timedelta(days=60)  # shopify.dev, "Access scopes", read_all_orders
_GID = re.compile(r"gid://shopify/(\w+)/([\w-]+)(?:\?.*)?\Z")

# shopify.dev, "Access scopes": the scope that a field of this type needs
READ_SCOPES = {
    "Customer": "read_customers",
    "CustomerConnection": "read_customers",
    "Segment": "read_customers",
    "SegmentConnection": "read_customers",
    "CustomerSegmentMemberConnection": "read_customers",
    "Order": "read_orders",
    "OrderConnection": "read_orders",
    "AbandonedCheckout": "read_orders",
    "AbandonedCheckoutConnection": "read_orders",
    "Product": "read_products",
    "ProductConnection": "read_products",
    "ProductVariant": "read_products",
    "ProductVariantConnection": "read_products",
    "Location": "read_locations",
    "MetafieldDefinitionConnection": "read_customers",
    "Collection": "read_products",
    "CollectionConnection": "read_products",
}
# A location's id may also be read with this one (shopify.dev/changelog, "Location ID queryable with inventory scopes").
LOCATION_SCOPES = ("read_locations", "read_inventory")
COUNT_SCOPES = {
    "customersCount": "read_customers",
    "segmentsCount": "read_customers",
    "ordersCount": "read_orders",
    "abandonedCheckoutsCount": "read_orders",
    "productsCount": "read_products",
}


@dataclass
class Access:
    """What resolvers need to know: the store, what the app may do, and the time; `warnings` collects search warnings."""

    store: Store
    shop: Shop
    scopes: frozenset[str]
    now: datetime
    webhooks: Webhooks
    bulk: BulkDesk
    base_url: str
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def may(self, scope: str) -> bool:
        """Whether the scope is granted; a write scope implies reading."""
        return scope in self.scopes or (scope.startswith("read_") and "write_" + scope[5:] in self.scopes)

    def refusal(self, field_name: str, kind: str) -> GraphQLError | None:
        """Why a field of this type may not be read; None when it may."""
        scope = READ_SCOPES.get(kind)
        if kind == "Location" and any(self.may(one) for one in LOCATION_SCOPES):
            scope = None
        if scope is not None and not self.may(scope):
            return denied(field_name, scope)
        if kind == "CompanyContact" and not self.store.b2b:
            return denied(field_name, "read_customers", " Also: The API client must be installed on a Shopify Plus store.")
        return None

    @cached_property
    def orders_since(self) -> datetime | None:
        """Orders and checkouts before this instant are out of sight; None: all are seen."""
        return None if "read_all_orders" in self.scopes else self.now - ORDER_WINDOW

    @cached_property
    def digits(self) -> int:
        """Decimal digits of the store's currency (ISO 4217)."""
        zero = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
        return 0 if self.store.currency in zero else 3 if self.store.currency in {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"} else 2

    @cached_property
    def variants(self) -> dict[int, Variant]:
        """Every variant by id."""
        return {variant.id: variant for product in self.store.products.values() for variant in product.variants}

    @cached_property
    def product_of_variant(self) -> dict[int, Product]:
        """The product of each variant id."""
        return {variant.id: product for product in self.store.products.values() for variant in product.variants}


def denied(field_name: str, scope: str, besides: str = "") -> GraphQLError:
    """The error of a field whose scope was not granted (shopify.dev, "GraphQL Admin API status codes", ACCESS_DENIED)."""
    needed = f"`{scope}` access scope.{besides}"
    return GraphQLError(
        f"Access denied for {field_name} field. Required access: {needed}",
        extensions={"code": "ACCESS_DENIED", "documentation": "https://shopify.dev/api/usage/access-scopes", "requiredAccess": needed},
    )


def not_found(gid: str) -> GraphQLError:
    """The error of an id that is of the wrong kind for the field."""
    return GraphQLError("invalid id", extensions={"code": "RESOURCE_NOT_FOUND", "value": gid})


def split_gid(gid: str) -> tuple[str, str]:
    """(kind, id) of a global id; raises GraphQLError when it is none."""
    found = _GID.match(gid)
    if found is None:
        raise GraphQLError(f"Invalid global id '{gid}'", extensions={"code": "argumentLiteralsIncompatible", "typeName": "CoercionError"})
    return found[1], found[2]


def number_of(gid: str, kind: str) -> int:
    """The numeric id of a global id of `kind`; raises GraphQLError for another kind."""
    found, rest = split_gid(gid)
    if found != kind or not rest.isdigit():
        raise not_found(gid)
    return int(rest)
