"""Connecting a store and a HubSpot account by OAuth.

Everything is asked of the platform first; then one transaction writes the shop, the connection and its tokens, or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from integrations import oauth, tokens
from integrations.hubspot import oauth as hubspot
from integrations.models import Connection, Shop
from integrations.shopify import oauth as shopify
from integrations.shopify.shop import ShopFacts, shop_facts
from integrations.tokens import TokenSet
from segsync import pipeline
from segsync.evaluate.due import moved_house
from segsync.merchant.refusals import Refused, told_to_people
from segsync.merchant.store_facts import require_usable

SHOPIFY = "shopify"
HUBSPOT = "hubspot"


def verify_opening(query: Mapping[str, str]) -> None:
    """Check that Shopify itself sent a browser here with `query`; raises Refused when it did not."""
    with told_to_people("Shopify", reverse("merchant:landing")):
        shopify.verify_callback(query)


def begin_shopify(domain: str, *, browser: str, now: datetime) -> str:
    """Return the address where the store's owner is asked for consent. Raises Refused when `domain` is no store's domain."""
    with told_to_people("Shopify", reverse("merchant:landing")):
        clean = shopify.clean_domain(domain)
        state = oauth.begin(SHOPIFY, clean, browser, now)
        return shopify.authorize_url(clean, state, _our_address("merchant:shopify-callback"))


def finish_shopify(answer: Mapping[str, str], *, browser: str, now: datetime) -> Shop:
    """Install SegSync into the store that sent `answer` (the callback's query); raises Refused with nothing changed."""
    start = reverse("merchant:landing")
    with told_to_people("Shopify", start):
        _refuse_denial(answer, "Shopify", start)  # before the signature is checked: a denial changes nothing
        shopify.verify_callback(answer)
        domain = oauth.finish(SHOPIFY, answer.get("state", ""), browser, now)
        if shopify.clean_domain(answer.get("shop", "")) != domain:
            raise Refused(f"Shopify answered for another store than {domain}, where you started; start again.", status=403, again=start)
        granted = shopify.exchange_code(domain, answer.get("code", ""))
        _refuse_missing(shopify.missing_scopes(granted.scopes), "Shopify", start)
        facts = shop_facts(domain, granted.access_token)
        require_usable(facts)
    return _write_store(domain, granted, facts, now)


def begin_hubspot(shop: Shop, *, browser: str, now: datetime) -> str:
    """Return the address where a HubSpot user is asked for consent. Raises Refused unless the store is installed."""
    if shop.status == Shop.Status.UNINSTALLED:
        raise Refused(f"SegSync is no longer installed in {shop.domain}; install it there first.", status=409, again=reverse("merchant:landing"))
    with told_to_people("HubSpot", reverse("merchant:connect")):
        state = oauth.begin(HUBSPOT, shop.domain, browser, now)
        return hubspot.authorize_url(state, _our_address("merchant:hubspot-callback"))


def finish_hubspot(answer: Mapping[str, str], *, browser: str, now: datetime) -> Shop:
    """Connect the HubSpot account that sent `answer` to the store it was begun for; raises Refused with nothing changed."""
    start = reverse("merchant:hubspot-connect")
    with told_to_people("HubSpot", start):
        _refuse_denial(answer, "HubSpot", start)
        domain = oauth.finish(HUBSPOT, answer.get("state", ""), browser, now)
        shop = Shop.objects.filter(domain=domain).exclude(status=Shop.Status.UNINSTALLED).first()
        if shop is None:
            raise Refused(f"SegSync is no longer installed in {domain}; install it there first.", status=409, again=reverse("merchant:landing"))
        hub_id, granted = hubspot.exchange_code(answer.get("code", ""), _our_address("merchant:hubspot-callback"))
        _refuse_missing(hubspot.missing_scopes(granted.scopes), "HubSpot", start)
    return _write_account(shop, str(hub_id), granted, now)


def _write_store(domain: str, granted: TokenSet, facts: ShopFacts, now: datetime) -> Shop:
    with transaction.atomic():
        zone = Shop.objects.filter(domain=domain).values_list("timezone", flat=True).first()
        shop, _ = Shop.objects.update_or_create(
            domain=domain,
            defaults={"name": facts.name[:255], "currency": facts.currency.upper(), "timezone": facts.timezone, "status": Shop.Status.INSTALLED},
        )
        _write_connection(shop, SHOPIFY, domain, granted, now)
        if zone is not None and zone != shop.timezone:
            moved_house(shop, now)
    return shop


def _write_account(shop: Shop, hub_id: str, granted: TokenSet, now: datetime) -> Shop:
    with transaction.atomic():
        elsewhere = Connection.objects.filter(vendor=HUBSPOT, account=hub_id).exclude(shop=shop).exclude(status=Connection.Status.DISCONNECTED)
        if elsewhere.exists():
            raise Refused(
                f"HubSpot account {hub_id} is connected to another store already; sign in to a different account and start again.",
                status=409,
                again=reverse("merchant:hubspot-connect"),
            )
        before = Connection.objects.filter(shop=shop, vendor=HUBSPOT).exclude(account=hub_id).first()
        if before is not None:
            # Its lists and contacts are known by that account's ids, which mean other people's records in a different one.
            raise Refused(
                f"This store works with HubSpot account {before.account}, but you signed in to {hub_id}; choose {before.account} and start again.",
                status=409,
                again=reverse("merchant:hubspot-connect"),
            )
        _write_connection(shop, HUBSPOT, hub_id, granted, now)
    return shop


def _write_connection(shop: Shop, vendor: str, account: str, granted: TokenSet, now: datetime) -> None:
    connection = Connection.objects.select_for_update(no_key=True).filter(shop=shop, vendor=vendor).first()
    if connection is None:
        connection = Connection.objects.create(shop=shop, vendor=vendor, account=account, connected_at=now)
    else:
        connection.account, connection.connected_at, connection.wait_until = account, now, None
        connection.generation += 1
        connection.save()
    tokens.store(connection, granted)
    pipeline.connected(connection, now)


def _refuse_denial(answer: Mapping[str, str], platform: str, again: str) -> None:
    """Stop at an answer without consent (RFC 6749, 4.1.2.1)."""
    if answer.get("error") == "access_denied":
        raise Refused(f"You did not let SegSync into {platform}, so nothing was connected; start again when you want to.", status=403, again=again)
    if answer.get("error"):
        raise Refused(f"{platform} ended the consent with an error, so nothing was connected; start again.", again=again)


def _refuse_missing(missing: Collection[str], platform: str, again: str) -> None:
    if missing:
        names = ", ".join(sorted(missing))
        raise Refused(f"{platform} did not grant everything SegSync needs (missing: {names}); start again and allow all of it.", status=403, again=again)


def _our_address(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name)}"
