"""A tiny store, and a client that speaks to the sandbox's Shopify over HTTP only."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.shopify.state import Checkout, Collection, Customer, LineItem, Order, Product, Refund, Store, Variant
from integrations.sandbox.world import World

SHOP = "tiny.myshopify.com"
SECOND = timedelta(seconds=1)
CLIENT_ID = "test-shopify-client"
CLIENT_SECRET = "shpss_0123456789abcdef0123456789abcdef"
ALL_SCOPES = "read_customers,write_customers,read_orders,read_all_orders,read_products"
START = datetime.now(UTC).replace(microsecond=0)
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def days(count: float) -> datetime:
    return START - timedelta(days=count)


def tiny_store(domain: str = SHOP, plan: str = "standard") -> Store:
    """Five customers, eight orders (a guest's, a test, a cancelled and a refunded one among them), three products, two checkouts."""
    store = Store(77, domain, "Tiny", "GBP", "Europe/London", plan)
    for number, title in ((1, "Summer"), (2, "Winter")):
        store.collections[number] = Collection(number, title.lower(), title)
    for number, (title, kind) in enumerate([("Tea", "Drinks"), ("Cup", "Crockery"), ("Cake", "Food")], start=11):
        variants = [Variant(number * 10, f"SKU-{number}", 1_250)]
        in_collections = [1, 2] if number == 11 else [2]
        store.products[number] = Product(number, title.lower(), title, kind, "Acme", ["new"], f"Home > {kind}", in_collections, variants, days(400), days(30))
    for number, email in enumerate(["ann@example.test", "bob@example.test", "Cat@Example.test", None, "eve@example.test"], start=101):
        store.customers[number] = Customer(
            number, email, days(300), days(10 + number - 101), email_marketing_state="SUBSCRIBED" if number == 101 else "NOT_SUBSCRIBED", country="GB"
        )
    plans: list[tuple[int, int | None, float, dict[str, Any]]] = [
        (1001, 101, 200, {}),
        (1002, 101, 20, {}),
        (1003, 102, 90, {"cancelled_at": days(89), "cancel_reason": "CUSTOMER"}),
        (1004, 102, 15, {"refunds": [Refund(9001, days(14), 500)], "financial_status": "PARTIALLY_REFUNDED", "current_total_minor": 4_500}),
        (1005, 103, 10, {"test": True}),
        (1006, 103, 5, {}),
        (1007, None, 3, {}),
        (1008, 105, 1, {"discount_codes": ["TEN"], "discounts_minor": 500}),
    ]
    for number, customer, age, extra in plans:
        lines = [
            LineItem(number * 10 + k, 11 + k, (11 + k) * 10, f"SKU-{11 + k}", ["Tea", "Cup", "Cake"][k], "Acme", 2, 2, 1_250, 2_500)
            for k in range(1 + number % 3)
        ]
        facts: dict[str, Any] = {"total_minor": 5_000, "subtotal_minor": 5_000, "current_total_minor": 5_000} | extra
        store.add_order(Order(number, number, customer, days(age), days(age), days(age), lines, **facts))
    line = LineItem(70, 11, 110, "SKU-11", "Tea", "Acme", 1, 1, 1_250, 1_250)
    store.checkouts[501] = Checkout(501, 101, days(2), days(2), 1_250, [line])
    store.checkouts[502] = Checkout(502, 105, days(4), days(1), 1_250, [line], completed_at=days(1))
    return store


@dataclass
class Shopify:
    """The app's view of one store in a running sandbox."""

    world: World
    server: SandboxServer
    http: requests.Session
    shop: str = SHOP
    token: str = ""

    @property
    def store(self) -> Store:
        return self.world.stores[self.shop]

    @property
    def memory(self) -> Shop:
        """What the sandbox's Shopify remembers of the app in this store."""
        shop = self.server.shopify.shop(self.shop)
        assert shop is not None
        return shop

    @property
    def base(self) -> str:
        return f"{self.world.config.base_url}/shopify/{self.shop}"

    def ask_token(self, **form: str) -> requests.Response:
        return self.http.post(f"{self.base}/admin/oauth/access_token", data={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} | form)

    def exchange(self, session_token: str | None = None, **changes: str) -> requests.Response:
        subject = session_token or self.server.shopify.issue_session_token(self.shop)
        form = {
            "grant_type": EXCHANGE,
            "subject_token": subject,
            "subject_token_type": ID_TOKEN,
            "requested_token_type": OFFLINE,
            "expiring": "1",
        }
        return self.ask_token(**(form | changes))

    def refresh(self, token: str) -> requests.Response:
        return self.ask_token(grant_type="refresh_token", refresh_token=token)

    def connected(self) -> Shopify:
        self.token = self.exchange().json()["access_token"]
        return self

    def post(self, query: str, variables: dict[str, Any] | None = None, version: str = "2026-10", **more: Any) -> requests.Response:
        url = f"{self.base}/admin/api/{version}/graphql.json"
        return self.http.post(url, json={"query": query, "variables": variables or {}} | more, headers={"X-Shopify-Access-Token": self.token}, timeout=10)

    def gql(self, query: str, /, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post(query, variables).json()
        return answer

    def data(self, query: str, /, **variables: Any) -> Any:
        answer = self.gql(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def start_bulk(self, query: str, *, grouped: bool = False) -> dict[str, Any]:
        document = """mutation Start($query: String!, $grouped: Boolean!) { bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
            bulkOperation { id status objectCount } userErrors { field message code } } }"""
        started: dict[str, Any] = self.data(document, query=query, grouped=grouped)["bulkOperationRunQuery"]
        return started

    def operation(self, gid: str) -> dict[str, Any]:
        document = """query Look($id: ID!) { bulkOperation(id: $id) { id type status errorCode createdAt completedAt objectCount rootObjectCount
            fileSize url partialDataUrl } }"""
        found: dict[str, Any] = self.data(document, id=gid)["bulkOperation"]
        return found

    def finished(self, gid: str) -> dict[str, Any]:
        found: dict[str, Any] = until(lambda: (o := self.operation(gid))["status"] not in ("CREATED", "RUNNING", "CANCELING") and o)
        return found

    def bulk(self, query: str, *, grouped: bool = False) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        started = self.start_bulk(query, grouped=grouped)
        assert started["userErrors"] == []
        operation = self.finished(started["bulkOperation"]["id"])
        text = requests.get(operation["url"], timeout=10).text if operation["url"] else ""
        return operation, [json.loads(line) for line in text.splitlines()]

    def upload(self, lines: list[str] | bytes) -> str:
        document = """mutation Stage { stagedUploadsCreate(input: [{resource: BULK_MUTATION_VARIABLES, filename: "vars.jsonl",
            mimeType: "text/jsonl", httpMethod: POST}]) { stagedTargets { url parameters { name value } } userErrors { field message } } }"""
        target = self.data(document)["stagedUploadsCreate"]["stagedTargets"][0]
        fields = [(p["name"], (None, p["value"])) for p in target["parameters"]]
        content = lines if isinstance(lines, bytes) else "\n".join(lines).encode()
        answer = requests.post(target["url"], files=[*fields, ("file", ("vars.jsonl", content, "text/jsonl"))], timeout=20)
        assert answer.status_code == 201
        return str(next(p["value"] for p in target["parameters"] if p["name"] == "key"))

    def run_mutation(self, mutation: str, path: str) -> dict[str, Any]:
        document = """mutation Run($mutation: String!, $path: String!) { bulkOperationRunMutation(mutation: $mutation, stagedUploadPath: $path) {
            bulkOperation { id status } userErrors { field message code } } }"""
        started: dict[str, Any] = self.data(document, mutation=mutation, path=path)["bulkOperationRunMutation"]
        return started


def until(look: Callable[[], Any], seconds: float = 5.0) -> Any:
    """What `look` says once it says something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"nothing came of it in {seconds} s")


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a consent page."""
    import html

    return {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}
