"""Shops and connections to try the connectors on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integrations import tokens
from integrations.models import Connection, Shop
from integrations.tokens import TokenSet

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def make_tokens(name: str = "first", *, now: datetime = NOW, lifetime: timedelta = timedelta(hours=1)) -> TokenSet:
    """A pair as Shopify grants it, told apart by `name`."""
    return TokenSet(f"access-{name}", now + lifetime, f"refresh-{name}", now + timedelta(days=90), ("write_customers", "read_orders", "read_products"))


def make_connection(domain: str = "amber.myshopify.com", vendor: str = "shopify", *, with_tokens: TokenSet | None = None) -> Connection:
    """A connected account of a shop made on the way."""
    shop, _ = Shop.objects.get_or_create(domain=domain, defaults={"status": Shop.Status.INSTALLED})
    connection = Connection.objects.create(shop=shop, vendor=vendor, account=domain, connected_at=NOW)
    tokens.store(connection, with_tokens or make_tokens())
    return connection
