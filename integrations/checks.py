"""System checks of the connectors' settings, each with an id and what to do."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

_CREDENTIALS = (
    ("001", "SHOPIFY_CLIENT_ID", "Stores cannot install the app.", "Copy the client id of the app from Shopify's Dev Dashboard."),
    ("002", "SHOPIFY_CLIENT_SECRETS", "Stores cannot install the app and its webhooks are refused.", "Copy the app's secret from Shopify's Dev Dashboard."),
    ("003", "HUBSPOT_CLIENT_ID", "HubSpot accounts cannot be connected.", "Copy the client id from the app's page in HubSpot."),
    ("004", "HUBSPOT_CLIENT_SECRET", "HubSpot accounts cannot be connected and its webhooks are refused.", "Copy the app's secret from HubSpot."),
)
_ADDRESSES = ("PUBLIC_URL", "SHOPIFY_SHOP_URL", "HUBSPOT_API_URL", "HUBSPOT_APP_URL")


def check_credentials(**_: Any) -> list[checks.CheckMessage]:
    """Each missing client id or secret: a warning in DEBUG, an error otherwise (E001-E004, W001-W004)."""
    kind, letter = (checks.Warning, "W") if settings.DEBUG else (checks.Error, "E")
    return [
        kind(f"{name} is not set. {effect}", hint=hint, id=f"segsync.{letter}{number}")
        for number, name, effect, hint in _CREDENTIALS
        if not getattr(settings, name)
    ]


def check_deployment(**_: Any) -> list[checks.CheckMessage]:
    """What only a development machine may have: unencrypted addresses (E010), loopback file hosts (E011), SQLite (W012)."""
    private = "Tokens and people's data pass there: give the https:// address."
    foreign = "Result files may only come from Shopify's storage; remove it."
    found: list[checks.CheckMessage] = [
        checks.Error(f"{name} does not begin with https://.", hint=private, id="segsync.E010")
        for name in _ADDRESSES
        if urlsplit(getattr(settings, name)).scheme != "https"
    ]
    found += [checks.Error(f"SHOPIFY_FILE_HOSTS holds '{host}'.", hint=foreign, id="segsync.E011") for host in settings.SHOPIFY_FILE_HOSTS if _inside(host)]
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "Set DATABASE_URL to a PostgreSQL database: SQLite takes one writer at a time."
        found.append(checks.Warning("The database is SQLite.", hint=hint, id="segsync.W012"))
    return found


def _inside(host: str) -> bool:
    """Whether `host` (with or without port) is this machine or a private network."""
    name = (urlsplit(f"//{host}").hostname or "").lower()
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        return name == "localhost" or name.endswith((".localhost", ".internal", ".local"))
