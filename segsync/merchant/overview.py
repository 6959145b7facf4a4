"""The state of a store's connections, in words for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from integrations.models import Connection, Shop
from segsync.merchant.connect import HUBSPOT, SHOPIFY


@dataclass(frozen=True, slots=True)
class Card:
    """One platform on the connect page. `tone` is good, bad or idle; `action` is what the button says ("" for none)."""

    platform: str
    account: str
    state: str
    tone: str
    text: str
    action: str
    address: str
    primary: bool


def overview(shop: Shop, now: datetime) -> list[Card]:
    """Return the cards of the connect page, the store's own first."""
    connections = {connection.vendor: connection for connection in Connection.objects.filter(shop=shop)}
    install = f"{reverse('merchant:shopify-install')}?shop={shop.domain}"
    return [
        _card("Shopify", connections.get(SHOPIFY), install, "customers, orders, products and abandoned checkouts", "customer tags", now),
        _card(
            "HubSpot",
            connections.get(HUBSPOT),
            f"{reverse('merchant:hubspot-connect')}?shop={shop.domain}",
            "contacts and e-mail engagement",
            "contact lists",
            now,
        ),
    ]


def next_step(cards: list[Card]) -> str:
    """Return what the owner should do next, in one sentence; "" when nothing is left."""
    open_cards = [card for card in cards if card.action]
    if not open_cards:
        return ""
    return f"{'one step is' if len(open_cards) == 1 else f'{len(open_cards)} steps are'} left: {open_cards[0].action[0].lower()}{open_cards[0].action[1:]}."


def _card(platform: str, connection: Connection | None, address: str, reads: str, writes: str, now: datetime) -> Card:
    if connection is None or connection.status == Connection.Status.DISCONNECTED:
        text = f"SegSync reads {reads}, and writes {writes}."
        return Card(platform, "", "not connected", "idle", text, f"Connect {platform}", address, True)
    if connection.status == Connection.Status.NEEDS_RECONNECT:
        text = connection.reason or f"{platform} no longer accepts our key."
        return Card(platform, connection.account, "needs reconnecting", "bad", text, f"Connect {platform} again", address, True)
    if connection.status == Connection.Status.PAUSED:
        return Card(platform, connection.account, "paused", "idle", connection.reason or "Nothing is read or written while it is paused.", "", "", False)
    text = f"SegSync reads {reads}, and writes {writes}."
    if connection.wait_until and connection.wait_until > now:
        text += f" {platform} asked us to slow down; it goes on by itself."
    return Card(platform, connection.account, "connected", "good", text, "", "", False)
