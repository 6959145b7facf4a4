"""The sandbox's own API and page, over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import sync_playwright

from integrations.sandbox.faults import KINDS
from integrations.sandbox.main import Options, build, run
from integrations.sandbox.server import PortInUse, SandboxServer
from integrations.sandbox.world import World

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Place:
    """A running sandbox and how to ask it."""

    world: World
    server: SandboxServer

    @property
    def shop(self) -> str:
        """The address of the store's part of the API."""
        return f"shops/{next(iter(self.world.stores))}"

    @property
    def portal(self) -> str:
        """The address of the portal's part of the API."""
        return f"portals/{next(iter(self.world.portals))}"

    def ask(self, path: str, method: str = "GET", body: object = None, status: int = 200) -> Any:
        """The JSON answer, after checking its status."""
        answer = requests.request(method, f"{self.server.base_url}/control/{path}", json=body, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def lines(self, path: str) -> list[dict[str, Any]]:
        """An export, parsed."""
        answer = requests.get(f"{self.server.base_url}/control/{path}.jsonl", timeout=10)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A sandbox with a shop of 120 customers."""
    world, _ = build(Options(port=free_port(), customers=120))
    server = SandboxServer(world)
    server.start()
    yield Place(world, server)
    server.stop()


def test_the_state_counts_what_the_platforms_hold(place: Place) -> None:
    state = place.ask("state")
    assert state["stores"][0]["counts"]["customers"] == 120
    assert state["stores"][0]["plan"] == "standard"
    assert state["portals"][0]["counts"]["lists"] == 1
    assert state["clock"]["now"].endswith("Z")


def test_customers_are_paged_searched_and_found_by_tag(place: Place) -> None:
    first = place.ask(f"{place.shop}/customers?limit=10")
    second = place.ask(f"{place.shop}/customers?limit=10&offset=10")
    assert (first["total"], len(first["customers"]), len(second["customers"])) == (120, 10, 10)
    assert not {c["id"] for c in first["customers"]} & {c["id"] for c in second["customers"]}
    one = first["customers"][0]
    place.ask(f"{place.shop}/customers/{one['id']}/tags", "POST", {"add": ["Night Owl"]})
    assert [c["id"] for c in place.ask(f"{place.shop}/customers?tag=night%20OWL")["customers"]] == [one["id"]]
    assert place.ask(f"{place.shop}/tags")["tags"]["Night Owl"] == 1
    assert one["id"] in [c["id"] for c in place.ask(f"{place.shop}/customers?q={one['id']}")["customers"]]


def test_the_merchant_tags_by_hand_as_shopify_keeps_tags(place: Place) -> None:
    customer = place.ask(f"{place.shop}/customers?offset=5&limit=1")["customers"][0]
    path = f"{place.shop}/customers/{customer['id']}/tags"
    tags = place.ask(path, "POST", {"add": ["Zebra, apple", "ZEBRA"]})["tags"]
    assert [tag for tag in tags if tag in ("apple", "Zebra", "ZEBRA")] == ["apple", "Zebra"]
    assert "apple" not in place.ask(path, "POST", {"remove": ["APPLE"]})["tags"]
    assert "250" in place.ask(path, "POST", {"add": [str(n) for n in range(251)]}, 400)["error"]
    assert place.ask(f"{place.shop}/customers/1/tags", "POST", {"add": ["x"]}, 404)["error"].endswith("no customer 1.")


def test_the_marketer_changes_a_list_by_hand(place: Place) -> None:
    lists = place.ask(f"{place.portal}/lists")["lists"]
    one = lists[0]
    assert one["size"] == len(one["members"])
    newcomer = max(place.world.portals[next(iter(place.world.portals))].contacts)
    path = f"{place.portal}/lists/{one['id']}/members"
    assert newcomer in place.ask(path, "POST", {"add": [newcomer]})["members"]
    assert newcomer in [member["id"] for member in place.ask(f"{path}?limit=500")["members"]]
    assert newcomer not in place.ask(path, "POST", {"remove": [newcomer]})["members"]
    assert place.ask(path, "POST", {"add": [999_999]}, 404)["error"].endswith("no contact 999999.")
    assert "members" not in place.ask(f"{place.portal}/lists?members=no")["lists"][0]


def test_time_only_moves_forward(place: Place) -> None:
    before = place.ask("state")["clock"]
    place.ask("clock", "POST", {"advance_seconds": 3600})
    assert place.ask("state")["clock"]["ahead_seconds"] == before["ahead_seconds"] + 3600
    assert "whole number" in place.ask("clock", "POST", {"advance_seconds": -5}, 400)["error"]
    assert "whole number" in place.ask("clock", "POST", {}, 400)["error"]


def test_faults_are_added_met_and_cleared(place: Place) -> None:
    added = place.ask("faults", "POST", {"kind": "503", "platform": "hubspot", "remaining": 1})["faults"]
    assert [(fault["kind"], fault["remaining"]) for fault in added] == [("503", 1)]
    assert requests.get(f"{place.server.base_url}/hubspot/crm/objects/2026-09/contacts", timeout=10).status_code == 503
    assert place.ask("faults")["faults"] == []
    calls = place.ask("calls")
    assert calls["totals"][0]["platform"] == "hubspot"
    assert sum(cell["failed"] for minute in calls["minutes"] for cell in minute["platforms"].values()) == 1
    place.ask("faults", "POST", {"kind": "hang"})
    assert place.ask("faults", "DELETE")["faults"] == []
    for wrong in ({}, {"kind": "gremlin"}, {"kind": "500", "probability": "often"}, {"kind": "500", "platform": 3}, {"kind": "500", "colour": "red"}):
        assert place.ask("faults", "POST", wrong, 400)["error"]


def test_simulated_life_is_told_and_kept(place: Place) -> None:
    orders = place.ask("state")["stores"][0]["counts"]["orders"]
    changes = place.ask(f"{place.shop}/simulate", "POST", {"seed": 4, "customers": 10})["changes"]
    placed = [change for change in changes if change["kind"] == "order.placed"]
    assert place.ask("state")["stores"][0]["counts"]["orders"] == orders + len(placed) > orders


def test_one_customer_orders_or_leaves_a_checkout_when_told_to(place: Place) -> None:
    store = next(iter(place.world.stores.values()))
    customer = next(iter(store.customers))
    placed = place.ask(f"{place.shop}/orders", "POST", {"customer": customer})
    assert store.orders[placed["order"]].customer_id == customer
    assert store.customers[customer].order_ids[-1] == placed["order"]
    left = place.ask(f"{place.shop}/checkouts", "POST", {"customer": customer, "seconds_ago": 3_000})
    checkout = store.checkouts[left["checkout"]]
    assert 3_000 <= (checkout.updated_at - checkout.created_at).total_seconds() <= 3_010
    assert "no customer 5" in place.ask(f"{place.shop}/orders", "POST", {"customer": 5}, status=404)["error"]
    assert place.ask(f"{place.shop}/tag-calls?customer={customer}&tag=x")["calls"] == []


def test_the_exports_tell_the_raw_facts(place: Place) -> None:
    orders, lines, refunds = (place.lines(f"{place.shop}/export/{what}") for what in ("orders", "lines", "refunds"))
    customers, products, checkouts = (place.lines(f"{place.shop}/export/{what}") for what in ("customers", "products", "checkouts"))
    store = next(iter(place.world.stores.values()))
    assert len(orders) == len(store.orders)
    assert sum(line["discounted_total_minor"] for line in lines) == sum(order["subtotal_minor"] for order in orders)
    assert sum(refund["amount_minor"] for refund in refunds) == sum(order["total_minor"] - order["current_total_minor"] for order in orders)
    assert {"test", "cancelled_at", "financial_status", "processed_at", "customer_id", "discount_codes"} <= set(orders[0])
    assert {"order_id", "product_id", "current_quantity", "unit_minor"} <= set(lines[0])
    assert {"product_type", "vendor", "tags", "category", "collections"} <= set(products[0])
    assert {"tags", "email", "number_of_orders", "amount_spent_minor"} <= set(customers[0])
    assert {"customer_id", "completed_at", "created_at"} <= set(checkouts[0])
    assert orders[0]["created_at"].endswith("Z")
    contacts, events = (place.lines(f"{place.portal}/export/{what}") for what in ("contacts", "email_events"))
    assert "email" in contacts[0]["properties"]
    assert {"created", "type", "recipient", "campaign", "filtered"} <= set(events[0])
    members = place.lines(f"{place.portal}/export/list_members")
    assert len(members) == sum(len(one.members) for one in next(iter(place.world.portals.values())).lists.values())
    assert place.ask(f"{place.shop}/export/secrets.jsonl", status=404)["error"].startswith("A store has no export 'secrets'")


def test_uninstalling_what_is_not_installed_says_so(place: Place) -> None:
    assert place.ask(f"{place.shop}/uninstall", "POST", status=409)["error"].startswith("The app is not installed")


def test_wrong_addresses_methods_and_bodies_get_one_sentence(place: Place) -> None:
    assert place.ask("shops/nobody.myshopify.com/tags", status=404)["error"].startswith("There is no store nobody")
    assert place.ask("portals/5/lists", status=404)["error"].startswith("There is no portal 5")
    assert place.ask("weather", status=404)["error"] == "There is nothing at /control/weather."
    assert place.ask("state", "DELETE", status=405)["error"].startswith("DELETE is not possible here")
    assert place.ask("clock", "POST", [1], 400)["error"] == "The body is no JSON object; send one."
    assert place.ask(f"{place.shop}/customers?limit=0", status=400)["error"] == "`limit` must be a whole number from 1 to 500."
    assert place.ask(f"{place.shop}/customers?offset=x", status=400)["error"].startswith("`offset`")


def test_the_page_loads_nothing_from_elsewhere(place: Place) -> None:
    page = requests.get(place.server.base_url + "/", timeout=10)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "https://" not in page.text
    assert page.text.count("http://") == page.text.count("http://www.w3.org/2000/svg")
    assert [kind for kind in KINDS if f'"{kind}"' not in page.text] == []


def test_other_sites_cannot_work_the_controls(place: Place) -> None:
    path = f"{place.server.base_url}/control/clock"
    assert requests.post(path, json={"advance_seconds": 1}, headers={"Origin": "https://evil.example"}, timeout=10).status_code == 403
    assert requests.post(path, json={"advance_seconds": 1}, headers={"Origin": place.server.base_url}, timeout=10).status_code == 200


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [375, 1440])
def test_the_page_shows_both_platforms_in_a_browser(place: Place, width: int) -> None:
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.goto(place.server.base_url)
        page.get_by_text("Autumn lookbook: invited by hand").click()
        page.locator(".members tr").first.wait_for()
        customer = next(c for c in next(iter(place.world.stores.values())).customers.values() if c.email)
        page.get_by_label("Search customers").fill(str(customer.email))
        page.locator("#customers tbody tr").get_by_text(str(customer.id)).wait_for()
        page.get_by_text("+1 hour").click()
        page.get_by_text("ahead of real time").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert troubles == []


def test_a_taken_port_and_impossible_options_are_refused(place: Place) -> None:
    with pytest.raises(PortInUse, match="in use"):
        run(Options(port=place.world.config.port, customers=5))
    with pytest.raises(ValueError, match="no plan"):
        build(Options(plan="free"))
    with pytest.raises(ValueError, match="no port"):
        build(Options(port=0))


def start(*arguments: str) -> subprocess.Popen[str]:
    """`manage.py sandbox` as a process of its own."""
    command = [sys.executable, "manage.py", "sandbox", "--customers", "20", *arguments]
    environment = os.environ | {"DEBUG": "1"}
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_ends_when_asked(ending: signal.Signals) -> None:
    port = free_port()
    process = start("--port", str(port))
    assert process.stdout is not None
    assert f"http://127.0.0.1:{port}" in process.stdout.readline()
    assert requests.get(f"http://127.0.0.1:{port}/control/state", timeout=10).json()["stores"][0]["counts"]["customers"] == 20
    began = time.monotonic()
    process.send_signal(ending)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    assert time.monotonic() - began < 5


def test_the_command_says_in_one_sentence_why_it_cannot_start(place: Place, tmp_path: Path) -> None:
    for arguments, told in (
        (["--port", str(place.world.config.port)], "is in use"),
        (["--data", str(tmp_path / "none.parquet")], "there is no such file"),
        (["--customers", "0"], "at least 1 customer"),
    ):
        process = start("--port", str(free_port()), *arguments)
        output, errors = process.communicate(timeout=20)
        assert process.returncode != 0
        assert output == ""
        assert told in errors
        assert len(errors.strip().splitlines()) == 1
