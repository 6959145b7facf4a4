"""A merchant with a browser: installs the app and connects HubSpot by clicking Approve, over HTTP and nothing else."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class ConsentFailed(RuntimeError):
    """The installation did not go through; one sentence with what the page said."""


class _Forms(HTMLParser):
    """Collects the forms of a page: action, method, named inputs with their values, checked boxes and submit buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str]], list[tuple[str, str, str]]]] = []
        self._button: tuple[str, str] | None = None
        self._button_text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found.get("action", ""), [], []))
        elif tag in ("input", "select") and self.forms and "name" in found:
            kind = found.get("type", "text")
            ticked = kind not in ("checkbox", "radio") or any(name == "checked" for name, _ in attrs)
            if kind == "submit":
                self.forms[-1][2].append((found["name"], found.get("value", ""), found.get("value", "")))
            elif ticked and tag == "input":
                self.forms[-1][1].append((found["name"], found.get("value", "")))
        elif tag == "button" and self.forms:
            self._button = (found.get("name", ""), found.get("value", ""))
            self._button_text = ""

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button_text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None and self.forms:
            self.forms[-1][2].append((*self._button, self._button_text.strip()))
            self._button = None


def approve(page: requests.Response, browser: requests.Session) -> requests.Response:
    """Press the button that says Approve on a consent page; returns the page it leads to. Raises ConsentFailed without one."""
    parser = _Forms()
    parser.feed(page.text)
    for action, fields, buttons in parser.forms:
        for name, value, text in buttons:
            if "approve" in f"{value} {text}".lower() or "install" in text.lower():
                data = [*fields, *([(name, value)] if name else [])]
                return browser.post(urljoin(page.url, action) if action else page.url, data=data, timeout=60)
    raise ConsentFailed(f"The consent page at {page.url.split('?')[0]} has no Approve button (HTTP {page.status_code}).")


def install(app_url: str, shop_domain: str, browser: requests.Session) -> None:
    """Install the app into the store and connect HubSpot. Raises ConsentFailed with the status of the page that refused."""
    for what, address in (("Shopify", f"{app_url}/shopify/install?shop={shop_domain}"), ("HubSpot", f"{app_url}/hubspot/connect")):
        page = browser.get(address, timeout=60)
        if page.status_code != 200:
            raise ConsentFailed(f"{what} could not be connected: {page.url.split('?')[0]} answered {page.status_code}.")
        landed = approve(page, browser)
        if landed.status_code != 200 or not landed.url.startswith(app_url):
            raise ConsentFailed(f"{what} could not be connected: {landed.url.split('?')[0]} answered {landed.status_code}.")
