"""What a store says about itself."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.shopify.client import Admin


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """`currency` is the store's own (ISO 4217), `timezone` an IANA name, `domain` its lasting myshopify.com domain."""

    name: str
    domain: str
    currency: str
    timezone: str


def shop_facts(shop_domain: str, access_token: str) -> ShopFacts:
    """Ask the store with a token that need not be stored yet. Raises the errors of `integrations.errors`."""
    shop = Admin(shop_domain, access_token).execute("shop")["shop"]
    return ShopFacts(shop["name"], shop["myshopifyDomain"], shop["currencyCode"], shop["ianaTimezone"])
