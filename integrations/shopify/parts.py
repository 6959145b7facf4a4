"""Parts of the documents that a store may withhold: asked for where they are given, done without where they are not.

An order's retail location takes the scope `read_locations` or `read_inventory` (shopify.dev/changelog, "Location ID queryable with
inventory scopes"). The companies behind a customer take no scope beyond `read_customers`, but stores without B2B deny them: "Access
denied for companyContactProfiles field. … Also: The API client must be installed on a Shopify Plus store" (shopify.dev,
"CompanyContact"); whether this store does is only known by asking.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

import structlog

from integrations.errors import Misconfigured
from integrations.shopify import documents, metafields, oauth
from integrations.shopify.client import ShopifyClient
from integrations.throttle import pacer

log = structlog.get_logger(__name__)

LOCATIONS, COMPANIES = "locations", "companies"
ASK_AGAIN = 3600.0  # seconds after which a store that denied companies is asked again
_LOCATION_SCOPES = ("read_locations", "read_inventory")
_MEANS: Mapping[str, Mapping[str, str]] = {
    LOCATIONS: {"orders_placed.location_id": "the scope read_locations (SHOPIFY_READ_LOCATIONS=1, then install the app in the store again)"},
    COMPANIES: {"companies": "a store with Shopify's B2B: Shopify gives apps no companies of this one"},
}

_TOO_MANY = f"fewer metafields in the shop's rules: {metafields.MOST} of them are read"


class Parts:
    """Which optional parts of documents one store gives. What it denies is remembered in this process for an hour.

    Once another process has told that nothing is withheld any more, what this one remembers is out of date.
    """

    def __init__(
        self, client: ShopifyClient, scopes: Collection[str], wanted: Collection[str] = (), withheld: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """`wanted` are the metafields to ask for, by `namespace.key`; `withheld` is what was told to be withheld, by stream."""
        self._client = client
        self._metafields = metafields.selection(wanted)
        self._too_many = sorted(set(wanted).difference(metafields.asked(wanted)))
        self._may_locate = any(not oauth.missing_scopes(scopes, [scope]) for scope in _LOCATION_SCOPES) if scopes else False
        self._denied_until: dict[str, float] = pacer(("shopify", client.domain, "denied parts"), dict)
        told = (withheld or {}).get("customers")
        if told is not None and not told.keys() & _MEANS[COMPANIES].keys():
            self._denied_until.pop(COMPANIES, None)

    def of(self, document: str) -> frozenset[str]:
        """The optional parts of `document` to ask for."""
        return frozenset(part for part in documents.optional(document) if self._given(part))

    def settle(self, document: str) -> str:
        """The text to send, once the store was asked for what only asking shows: a bulk query that is denied fails only after it ran."""
        if COMPANIES in self.of(document):
            try:
                self._client.execute("companies_probe")
            except Misconfigured as error:
                self._deny(COMPANIES, error)
        return self._text(document, self.of(document))

    def execute(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to `document` with the parts that the store gives; raises as the client does."""
        try:
            return self._client.execute(document, variables, self._text(document, self.of(document)))
        except Misconfigured as error:
            if COMPANIES not in self.of(document):
                raise
            answer = self._client.execute(document, variables, self._text(document, self.of(document) - {COMPANIES}))
            self._deny(COMPANIES, error)
            return answer

    def withheld(self, document: str) -> dict[str, str]:
        """The facts that `document` cannot bring from this store, by their names in rules, and what each would take."""
        missing = sorted(documents.optional(document) - self.of(document))
        told = {name: takes for part in missing for name, takes in _MEANS[part].items()}
        if documents.METAFIELDS in documents.text(document):
            told |= {f"metafields.{name}": _TOO_MANY for name in self._too_many}
        return told

    def _text(self, document: str, parts: frozenset[str]) -> str:
        return documents.text(document, parts, self._metafields)

    def _given(self, part: str) -> bool:
        return self._may_locate if part == LOCATIONS else time.monotonic() >= self._denied_until.get(part, 0.0)

    def _deny(self, part: str, error: Misconfigured) -> None:
        self._denied_until[part] = time.monotonic() + ASK_AGAIN
        log.info("shopify.part_denied", domain=self._client.domain, part=part, reason=str(error))
