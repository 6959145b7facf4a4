"""Whether we can compute with what a store says about itself."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from integrations.errors import Rejected
from integrations.shopify.shop import ShopFacts


def require_usable(facts: ShopFacts) -> None:
    """Raise Rejected when the store's time zone or currency is none we know: days and amounts would be wrong."""
    try:
        ZoneInfo(facts.timezone)
    except (OSError, ValueError, KeyError) as error:
        raise Rejected(f"The store's time zone '{facts.timezone[:64]}' is not known here; choose another in Shopify's settings, then install again.") from error
    if len(facts.currency) != 3 or not facts.currency.isascii() or not facts.currency.isalpha():
        raise Rejected(f"The store's currency '{facts.currency[:8]}' is not an ISO 4217 code; set one in Shopify's settings, then install again.")
