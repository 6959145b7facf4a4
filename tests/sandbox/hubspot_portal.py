"""A small portal, a HubSpot in front of it and a client for it, as plain functions for the sandbox's own tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request, Response

from integrations.sandbox.hubspot.app import HubSpotApp
from integrations.sandbox.hubspot.grants import OPTIONAL_SCOPES, REQUIRED_SCOPES, Grant
from integrations.sandbox.hubspot.state import Campaign, Contact, EmailEvent, PageView, Portal
from integrations.sandbox.world import SandboxConfig, World

HUB = 123456
START = datetime(2026, 11, 1, 9, tzinfo=UTC)
EVERY_SCOPE = tuple(sorted(REQUIRED_SCOPES | OPTIONAL_SCOPES))
REDIRECT = "http://127.0.0.1:8000/hubspot/callback"
V = "2026-09"


@dataclass
class Outbox:
    """Keeps what would be delivered."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def submit(
        self,
        platform: str,
        account: str,
        url: str,
        body: bytes,
        sign: Callable[[bytes, datetime], dict[str, str]],
        retry_delays: Sequence[float],
        *,
        topic: str = "",
    ) -> None:
        self.sent.append({"account": account, "url": url, "body": body, "sign": sign, "retry_delays": retry_delays, "topic": topic})


@dataclass
class HubSpot:
    """One sandbox HubSpot with a connected portal and its access token."""

    world: World
    app: HubSpotApp
    outbox: Outbox
    http: Client
    token: str

    @property
    def portal(self) -> Portal:
        return self.world.portals[HUB]

    def call(self, method: str, path: str, json: Any = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        extra = {"json": json} if json is not None else {}
        return self.http.open(path, method=method, headers=headers, **extra, **more)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, json: Any = None) -> TestResponse:
        return self.call("POST", path, json)

    def put(self, path: str, json: Any = None, **query: Any) -> TestResponse:
        return self.call("PUT", path, json, query_string=query)

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))

    def with_scopes(self, *scopes: str) -> None:
        self.token = token_for(self.app, self.world, scopes)


def portal() -> Portal:
    """Ann, who reads her mail and visits; Bob, whose address was typed with capitals and blanks; Cem, without an address."""
    made = Portal(HUB, "shop.example", limits_scale=10)
    made.contacts = {
        101: Contact(101, {"email": "ann@example.com", "firstname": "Ann", "lifecyclestage": "customer"}, START, START),
        102: Contact(102, {"email": " Bob@Example.COM ", "firstname": "Bob"}, START, START + timedelta(days=1)),
        103: Contact(103, {"firstname": "Cem", "phone": "+44 20 7946 0000"}, START, START + timedelta(days=2)),
    }
    made.campaigns = {5555: Campaign(5555, "Autumn", START, "Autumn is here"), 5556: Campaign(5556, "Winter", START + timedelta(days=5))}
    made.email_events = [
        event("s1", "SENT", 0), event("d1", "DELIVERED", 1), event("o1", "OPEN", 60), event("o2", "OPEN", 120),
        event("c1", "CLICK", 180, url="https://shop.example/p/1"), event("o3", "OPEN", 240, filtered=True),
        event("s2", "SENT", 7200, 5556), event("d2", "DELIVERED", 7201, 5556),
    ]  # fmt: skip
    made.page_views = [PageView(f"v{minute}", 101, START + timedelta(minutes=minute), f"https://shop.example/{minute}", "Page") for minute in (0, 5, 90, 95)]
    return made


def event(
    name: str,
    kind: str,
    minute: float,
    campaign: int = 5555,
    *,
    to: str = "ann@example.com",
    url: str | None = None,
    filtered: bool = False,
) -> EmailEvent:
    return EmailEvent(name, START + timedelta(minutes=minute), kind, to, campaign, url, filtered)


def connected(made: Portal | None = None, **config: Any) -> HubSpot:
    """A HubSpot whose portal has the app installed with every scope."""
    world = World(SandboxConfig(**config))
    held = made or portal()
    world.portals[held.hub_id] = held
    outbox = Outbox()
    app = HubSpotApp(world, outbox)
    return HubSpot(world, app, outbox, Client(wsgi(app), Response), token_for(app, world, EVERY_SCOPE))


def wsgi(app: HubSpotApp) -> Any:
    @Request.application
    def answer(request: Request) -> Response:
        return app.handle(request, request.path)

    return answer


def token_for(app: HubSpotApp, world: World, scopes: Sequence[str]) -> str:
    now = world.clock.now()
    code = app.grants.give_code(Grant(HUB, 70001, tuple(scopes)), REDIRECT, now)
    return app.grants.exchange(code, REDIRECT, None, now)[0]


def consent_form(**changes: str) -> dict[str, Any]:
    """What the consent page is asked with."""
    asked = {
        "client_id": "sandbox-hubspot-client",
        "redirect_uri": REDIRECT,
        "scope": " ".join(sorted(REQUIRED_SCOPES)),
        "optional_scope": "content forms",
        "state": "s t&te",
    }
    return asked | changes


def answered(response: TestResponse) -> dict[str, str]:
    """The query parameters of the address a redirect goes to."""
    assert response.status_code == 302, response.text
    return answered_by(response.headers["Location"])


def answered_by(address: str) -> dict[str, str]:
    """The query parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def ids(response: TestResponse) -> list[str]:
    """The ids of a page of results."""
    assert response.json is not None
    return [one["id"] for one in response.json["results"]]
