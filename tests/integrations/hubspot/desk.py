"""A HubSpot portal on loopback seen from both sides, and how it is connected by the real consent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import requests

from integrations import tokens
from integrations.base import MarkKind, Place
from integrations.hubspot import oauth
from integrations.hubspot.client import HubSpotClient
from integrations.hubspot.pull import HubSpotSource
from integrations.hubspot.push import HubSpotDestination
from integrations.models import Connection, Shop
from integrations.registry import DestinationSettings
from integrations.sandbox.faults import Fault
from integrations.sandbox.hubspot.contacts import create_contact
from integrations.sandbox.hubspot.lists import find_by_name
from integrations.sandbox.hubspot.state import CrmList, Portal
from integrations.sandbox.server import SandboxServer

REDIRECT = "http://127.0.0.1:8000/hubspot/callback"


@dataclass
class Desk:
    """A portal seen from both sides: what is in it, and the connection that reads and writes it."""

    server: SandboxServer
    portal: Portal
    connection: Connection
    client: HubSpotClient
    source: HubSpotSource
    destination: HubSpotDestination

    def contact(self, email: str, at: datetime | None = None, **properties: str) -> str:
        """Add a contact as a marketer would and return its id; by default one that search has known for an hour."""
        at = at or datetime.now(UTC) - timedelta(hours=1)
        return str(create_contact(self.portal, {"email": email, **properties}, at).id)

    def place(self, name: str) -> Place:
        """A list of ours in the portal."""
        return self.destination.ensure_place(Place(MarkKind.LIST, name), "")

    def list_named(self, name: str) -> CrmList:
        """What the portal holds under that name."""
        found = find_by_name(self.portal, name)
        assert found is not None
        return found

    def members(self, name: str) -> set[str]:
        """Ids of the contacts in the portal's list of that name."""
        return {str(contact_id) for contact_id in self.list_named(name).members}

    def fault(self, kind: str, operation: str = "*", times: int = 1, *, account: str = "", **more: float) -> None:
        """Have the portal's next `times` answers to `operation` go wrong."""
        hit = account or self.connection.account
        self.server.world.faults.add(Fault(kind, platform="hubspot", account=hit, operation=operation, remaining=times, **more))

    def calls(self, operation: str) -> int:
        """How often this portal was asked for `operation`."""
        totals = self.server.world.calls.totals()
        return sum(n for (_, account, name, _throttled), n in totals.items() if account == self.connection.account and name == operation)


def consent(portal: Portal, granted: tuple[str, ...], state: str = "state") -> dict[str, list[str]]:
    """What the portal's admin sends back after looking at our consent page and agreeing."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(oauth.authorize_url(state, REDIRECT)).query).items()}
    address = oauth.authorize_url(state, REDIRECT).partition("?")[0]
    answer = {**asked, "decision": "approve", "portal": str(portal.hub_id), "granted": list(granted)}
    response = requests.post(address, data=answer, allow_redirects=False, timeout=10)
    assert response.status_code in (302, 303), response.text
    return parse_qs(urlsplit(response.headers["Location"]).query)


def connect(sandbox: SandboxServer, portal: Portal, granted: tuple[str, ...] = ("content",)) -> Desk:
    """Connect the portal by consent, with these optional scopes allowed."""
    hub_id, granted_tokens = oauth.exchange_code(consent(portal, granted)["code"][0], REDIRECT)
    shop = Shop.objects.create(domain=f"shop-{hub_id}.myshopify.com")
    connection = Connection.objects.create(shop=shop, vendor="hubspot", account=hub_id, connected_at=datetime.now(UTC))
    tokens.store(connection, granted_tokens)
    client = HubSpotClient(connection)
    destination = HubSpotDestination(connection, DestinationSettings("SegSync"), client)
    return Desk(sandbox, portal, connection, client, HubSpotSource(connection, client), destination)
