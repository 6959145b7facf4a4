"""A store and a portal small enough to work out by hand, as rows of the sandbox's exports, and a server of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)  # 30 days after the day on which London's clocks went back
DOMAIN = "amber.myshopify.com"
HUB = 77
EXPORTS = ("customers", "orders", "lines", "products", "checkouts", "contacts", "email_events", "list_members")


def days(number: float) -> str:
    """An instant that many times 24 hours before NOW."""
    return (NOW - timedelta(days=number)).isoformat().replace("+00:00", "Z")


@dataclass
class Facts:
    """What a store and a portal hold, row by row as the sandbox exports it."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in EXPORTS})

    def customer(self, number: int, email: str | None = None, *, orders: int = 0, spent: int = 0, tags: tuple[str, ...] = ()) -> None:
        row = {"id": number, "email": email, "tags": list(tags), "locale": "en", "number_of_orders": orders, "amount_spent_minor": spent}
        self.rows["customers"].append(row)

    def order(self, customer: int | None, at: str, *, lines: tuple[tuple[int | None, int], ...] = (), **odd: Any) -> None:
        number = len(self.rows["orders"]) + 1
        row = {"id": number, "customer_id": customer, "processed_at": at, "created_at": days(0), "cancelled_at": None, "test": False}
        self.rows["orders"].append(row | {"financial_status": "PAID", "current_total_minor": 1} | odd)
        for product, amount in lines:
            self.rows["lines"].append({"order_id": number, "id": 1, "product_id": product, "quantity": 2, "discounted_total_minor": amount})

    def product(self, number: int, category: str) -> None:
        self.rows["products"].append({"id": number, "title": "Thing", "category": category, "tags": []})

    def checkout(self, customer: int | None, at: str, completed: str | None = None) -> None:
        self.rows["checkouts"].append({"id": 1, "customer_id": customer, "created_at": at, "completed_at": completed, "lines": []})

    def contact(self, number: int, email: str | None, others: str | None = None, *, archived: bool = False) -> None:
        properties = {"email": email, "hs_additional_emails": others, "firstname": "A"}
        kept = {name: value for name, value in properties.items() if value is not None}
        self.rows["contacts"].append({"id": number, "properties": kept, "archived": archived, "merged_ids": []})

    def opened(self, recipient: str, *at: str, **odd: Any) -> None:
        for one in at:
            event = {"id": f"e{len(self.rows['email_events'])}", "created": one, "type": "OPEN", "recipient": recipient, "filtered": False}
            self.rows["email_events"].append(event | odd)

    def listed(self, handle: str, *contacts: int, deleted: str | None = None) -> None:
        for contact in contacts:
            self.rows["list_members"].append({"list_id": 1, "list": f"SegSync: {handle}", "contact_id": contact, "deleted_at": deleted})

    def text(self, name: str) -> bytes:
        return "".join(json.dumps(row) + "\n" for row in self.rows[name]).encode()


class Sandbox(ThreadingHTTPServer):
    """Serves `facts` where the sandbox would; `cut` promises more of that export than it sends."""

    facts = Facts()
    cut = ""


class Handler(BaseHTTPRequestHandler):
    server: Sandbox

    def do_GET(self) -> None:
        base, _, name = self.path.removesuffix(".jsonl").rpartition("/")
        if base not in (f"/control/shops/{DOMAIN}/export", f"/control/portals/{HUB}/export"):
            self.send_error(404)
            return
        body = self.server.facts.text(name)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (self.server.cut == name)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def url(server: Sandbox) -> str:
    """Where the sandbox answers."""
    return f"http://127.0.0.1:{server.server_port}/"
