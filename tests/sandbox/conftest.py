"""A running sandbox with one tiny store and one portal, and somebody to receive its webhooks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.world import SandboxConfig, World
from tests.sandbox.shopify_store import CLIENT_ID, CLIENT_SECRET, Shopify, tiny_store


@dataclass
class Received:
    """One webhook as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Inbox:
    """A web server that keeps what it is sent; `answers` are its next statuses, 200 when there are none."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [r.headers["x-shopify-topic"] for r in list(self.received)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            box.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(box.answers.pop(0) if box.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box = Inbox(f"http://127.0.0.1:{server.server_address[1]}/webhooks")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield box
    server.shutdown()
    server.server_close()


@pytest.fixture
def sandbox(inbox: Inbox) -> Iterator[SandboxServer]:
    config = SandboxConfig(port=free_port(), shopify_client_id=CLIENT_ID, shopify_client_secret=CLIENT_SECRET, shopify_webhook_url=inbox.url + "/config")
    world = World(config)
    store = tiny_store()
    world.stores[store.domain] = store
    world.portals[123456] = Portal(123456, "tiny.example")
    server = SandboxServer(world)
    server.shopify.bulk.run_seconds = 0.0
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shopify(sandbox: SandboxServer) -> Iterator[Shopify]:
    """The store with the app installed and a token in hand."""
    with requests.Session() as http:
        yield Shopify(sandbox.world, sandbox, http).connected()


@pytest.fixture
def stranger(sandbox: SandboxServer) -> Iterator[Shopify]:
    """The store before anybody installed anything."""
    with requests.Session() as http:
        yield Shopify(sandbox.world, sandbox, http)
