"""Starting a sandbox and waiting for what was started to answer."""

from __future__ import annotations

import sys
import time
from typing import Any

import requests

from config.processes import Child, Family, ProcessError
from segsync.demo.report import store_of
from segsync.demo.surroundings import Surroundings


def sandbox(place: Surroundings, *, customers: int, seed: int, plan: str, data: str = "") -> Child:
    """The sandbox as a process: a made-up store of that size, or the transactions in the file `data`, telling `place` of every change."""
    command = [sys.executable, "manage.py", "sandbox", "--port", str(place.sandbox_port), "--seed", str(seed), "--plan", plan]
    command += ["--customers", str(customers), "--shopify-webhook-url", f"{place.app_url}/webhooks/shopify"]
    command += ["--hubspot-webhook-url", f"{place.app_url}/webhooks/hubspot", "--quiet"]
    if data:
        command += ["--data", data]
    return Child("sandbox", command, log=place.var / "logs" / "sandbox.log")


def wait_for(url: str, family: Family, seconds: float) -> requests.Response:
    """The first good answer of an address; raises ProcessError when a process dies or time runs out first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for child in family.children.values():
            if not child.alive:
                said = child.log.read_text(errors="replace").strip().splitlines()[-1:] if child.log and child.log.exists() else []
                raise ProcessError(f"The {child.name} process did not start. {' '.join(said)}")
        try:
            answer = requests.get(url, timeout=5)
            if answer.ok:
                return answer
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise ProcessError(f"{url} did not answer within {seconds:.0f} seconds.")


def wait_for_sandbox(family: Family, place: Surroundings, seconds: float) -> dict[str, Any]:
    """The sandbox's store and portal, once it answers. Raises ProcessError."""
    return store_of(wait_for(f"{place.sandbox_url}/control/state", family, seconds).json())
