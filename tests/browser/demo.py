"""A demo that keeps running, and a browser to look at it with; used by the tests and by `make screenshots`."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from segsync.demo.surroundings import LOGIN, PASSWORD
from tests.config.commands import ROOT, environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
READY = re.compile(r"admin +(http://\S+)/admin/.*?sandbox +(http://\S+)/\n", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """Where SegSync and the sandbox answer, and what the sandbox holds."""

    app: str
    sandbox: str

    def ask(self, path: str) -> Any:
        """An answer of the sandbox's own API."""
        answer = requests.get(f"{self.sandbox}/control/{path}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    @property
    def shop(self) -> str:
        """The store's path there."""
        return f"shops/{self.ask('state')['stores'][0]['domain']}"

    @property
    def portal(self) -> str:
        """The portal's path there."""
        return f"portals/{self.ask('state')['portals'][0]['hub_id']}"

    def tagged(self, handle: str) -> set[int]:
        """Customers who carry a segment's tag."""
        return {row["id"] for row in self.ask(f"{self.shop}/customers?limit=500&tag=segsync:{handle}")["customers"]}

    def listed(self, name: str) -> set[int]:
        """Contacts on the list of that name."""
        return {one for row in self.ask(f"{self.portal}/lists")["lists"] if row["name"] == name and not row["deleted_at"] for one in row["members"]}


@contextmanager
def running_demo(folder: Path, customers: int = 200) -> Iterator[Shown]:
    """A demo that has done both its passes and stays. Raises RuntimeError with what it said when it does not get there."""
    log = folder / "demo.log"
    command = [sys.executable, "manage.py", "demo", "--port", "0", "--sandbox-port", "0", "--customers", str(customers), "--timeout", "240"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(folder), stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        while not (found := READY.search(log.read_text())):
            if process.poll() is not None:
                raise RuntimeError(f"The demo ended with code {process.returncode}:\n{log.read_text()}")
            time.sleep(0.2)
        yield Shown(found[1], found[2])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window that asks nobody but the addresses it is given."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def watch(page: Page) -> list[str]:
    """Everything that goes wrong on the page from now on: errors of scripts, console errors, failed requests, addresses elsewhere."""
    troubles: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            troubles.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", heard)
    page.on("response", lambda response: troubles.append(f"{response.status} {response.url}") if response.status >= 400 else None)
    page.on("request", lambda request: None if request.url.startswith(("http://127.0.0.1:", "data:", "blob:")) else troubles.append(request.url))
    return troubles


def sign_in(page: Page, shown: Shown) -> None:
    """Into the admin, with the demo's login."""
    page.goto(f"{shown.app}/admin/")
    page.get_by_label("Username").fill(LOGIN)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{shown.app}/admin/")
