"""A store owner with a browser: walks through both consents as a person does, over HTTP, against the sandbox."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlsplit

import requests
from django.http import HttpResponse
from django.test import Client

from tests.sandbox.shopify_store import SHOP


def hidden(page: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'type="?hidden"? name="(\w+)" value="([^"]*)"', page)}


def local(address: str) -> str:
    """An address of ours without its origin."""
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("http", "127.0.0.1:8000"), address
    return f"{parts.path}?{parts.query}"


@dataclass
class Owner:
    """`browser` is the browser's side of our pages, `http` its side of the platforms'."""

    browser: Client = field(default_factory=Client)
    http: requests.Session = field(default_factory=requests.Session)

    def asks_to_install(self, shop: str = SHOP) -> str:
        """Begin the installation; the address of Shopify's consent page."""
        answer = self.browser.get("/shopify/install", {"shop": shop})
        assert answer.status_code == 302, answer.content
        return answer.headers["Location"]

    def decides_at_shopify(self, consent: str, decision: str = "approve", scopes: list[str] | None = None) -> str:
        """Decide on Shopify's page; our address that Shopify sends the browser to."""
        page = self.http.get(consent, timeout=5)
        asked = hidden(page.text)
        granted = scopes if scopes is not None else re.findall(r'name="granted" value="(\w+)"', page.text)
        asked.pop("granted", None)
        form = [*(asked | {"decision": decision}).items(), *(("granted", scope) for scope in granted)]
        answer = self.http.post(consent.partition("?")[0], data=form, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return local(answer.headers["Location"])

    def installs(self, shop: str = SHOP) -> HttpResponse:
        return self.browser.get(self.decides_at_shopify(self.asks_to_install(shop)))

    def asks_to_connect_hubspot(self) -> str:
        """Begin to connect HubSpot; the address of its consent page."""
        answer = self.browser.get("/hubspot/connect")
        assert answer.status_code == 302, answer.content
        return answer.headers["Location"]

    def decides_at_hubspot(self, consent: str, decision: str = "approve", hub_id: int | None = None) -> str:
        """Decide on HubSpot's page; our address that HubSpot sends the browser to."""
        form = hidden(self.http.get(consent, timeout=5).text) | {"decision": decision}
        if hub_id is not None:
            form["portal"] = str(hub_id)
        answer = self.http.post(consent.partition("?")[0], data=form, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return local(answer.headers["Location"])

    def connects_hubspot(self, hub_id: int | None = None) -> HttpResponse:
        return self.browser.get(self.decides_at_hubspot(self.asks_to_connect_hubspot(), hub_id=hub_id))
