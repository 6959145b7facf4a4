"""The demo's two passes: install and write everything; then new orders arrive, and people enter and leave."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from django.core.management.base import OutputWrapper

from config.processes import Family, ProcessError
from integrations.models import Connection, Shop
from integrations.money import exponent
from segsync import clock
from segsync.demo import oracle
from segsync.demo.browser import ConsentFailed, install
from segsync.demo.progress import TookTooLong, wait_until_settled
from segsync.diff.models import Target, WritebackSettings
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment

FAILURES = (TookTooLong, ConsentFailed, ProcessError, oracle.ExportUnreadable, requests.RequestException)  # each says in a sentence what went wrong
LOOK_AGAIN = 150.0  # seconds: windows move and changes are read again each minute


@dataclass(slots=True)
class Pass:
    """What one pass ended with."""

    name: str
    seconds: float
    results: tuple[oracle.SegmentResult, ...]
    entered: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    @property
    def mismatches(self) -> int:
        """Marks that are not as the rules say."""
        return oracle.mismatches(self.results)

    def as_json(self) -> dict[str, Any]:
        """The pass as `--json` writes it."""
        rows = [
            {
                "segment": row.handle,
                "members": row.members,
                "tagged_in_shopify": row.tagged,
                "listed_in_hubspot": row.listed,
                "entered": self.entered.get(row.handle, 0) if self.entered else row.members,
                "left": self.left.get(row.handle, 0),
            }
            for row in self.results
        ]
        return {"pass": self.name, "seconds": round(self.seconds, 1), "segments": rows, "mismatches": self.mismatches}


class Killer:
    """Kills the worker with SIGKILL a number of times, some seconds apart; the family starts it again. `left` is how often it has not yet."""

    def __init__(self, family: Family, times: int, seed: int, out: OutputWrapper) -> None:
        self._family, self.left, self._out = family, times, out
        self._rng = random.Random(seed)
        self._next = time.monotonic() + self._rng.uniform(2, 4)

    def step(self) -> None:
        """Kill now if it is time."""
        worker = self._family.children["worker"]
        if self.left and time.monotonic() >= self._next and worker.alive:
            worker.signal(signal.SIGKILL)
            self.left -= 1
            self._next = time.monotonic() + self._rng.uniform(2, 6)
            self._out.write("  x kill -9 worker")


class Demo:
    """One shop in one sandbox, watched from installation to the last mark."""

    def __init__(self, app_url: str, sandbox_url: str, domain: str, hub_id: int, family: Family, out: OutputWrapper, seconds: float) -> None:
        self._app, self._sandbox, self._domain, self._hub = app_url, sandbox_url, domain, hub_id
        self._family, self._out, self._seconds = family, out, seconds
        self._category: str | None = None  # what the starter segments were made for: fixed after the first pass
        self._foreign = oracle.snapshot_foreign(sandbox_url, domain)

    def connect(self) -> None:
        """Install the app and connect HubSpot, as a merchant would who lets large first writes begin at once: nobody here looks at dry runs."""
        install(self._app, self._domain, requests.Session())
        WritebackSettings.objects.update_or_create(shop=self._shop, defaults={"dry_run_above": 0})

    def first_pass(self, kills: int, seed: int) -> Pass:
        """Everything that is there, pulled, judged and written."""
        killer = Killer(self._family, kills, seed, self._out)
        done = self._settle("everything there is", killer.step)
        if killer.left:
            self._out.write(f"  Everything was done before the worker could be killed {killer.left} more times.")
        return done

    def second_pass(self, seed: int, customers: int) -> Pass:
        """A little later: simulated orders, refunds and checkouts, told by webhooks; people enter and leave."""
        before = clock.now()
        answer = requests.post(f"{self._sandbox}/control/shops/{self._domain}/simulate", json={"seed": seed, "customers": customers}, timeout=60)
        answer.raise_for_status()
        time.sleep(2.5)  # webhooks are on their way; the sandbox's search index lags as the platforms' do
        done = self._settle("after new orders", lambda: None)
        stays = Membership.objects.filter(shop=self._shop)
        for handle, pk in Segment.objects.filter(shop=self._shop).values_list("handle", "pk"):
            done.entered[handle] = stays.filter(segment=pk, since__gte=before).count()
            done.left[handle] = stays.filter(segment=pk, until__gte=before).count()
        return done

    @property
    def _shop(self) -> Shop:
        return Shop.objects.get(domain=self._domain)

    def _settle(self, name: str, step: Callable[[], None]) -> Pass:
        """Wait for rest and compare; what differs gets the time of two minutely looks to come right (windows move meanwhile)."""
        began = time.monotonic()
        looked_until: float | None = None
        while True:
            wait_until_settled(self._shop, self._out, self._family.tend, self._seconds - (time.monotonic() - began), step)
            done = Pass(name, time.monotonic() - began, self._compare())
            if not done.mismatches:
                return done
            looked_until = looked_until or time.monotonic() + LOOK_AGAIN
            if time.monotonic() > looked_until:
                return done
            self._out.write(f"  {done.mismatches} marks differ yet; looking again.")
            time.sleep(5)

    def _compare(self) -> tuple[oracle.SegmentResult, ...]:
        shop = self._shop
        names = {}
        for target in Target.objects.filter(shop=shop, kind=Target.Kind.LIST).prefetch_related("segments"):
            names.update({segment.handle: target.name for segment in target.segments.all()})
        with tempfile.TemporaryDirectory(dir=os.environ.get("SEGSYNC_VAR_DIR")) as folder:
            expected = oracle.expected(
                self._sandbox,
                self._domain,
                self._hub,
                shop.timezone,
                clock.now(),
                Path(folder),
                category=self._category,
                currency_exponent=exponent(shop.currency),
            )
            self._category = expected.category
            return oracle.compare(expected, self._sandbox, self._domain, self._hub, list_names=names, foreign=self._foreign)


def connections(domain: str) -> str:
    """One line about the accounts connected."""
    found = Connection.objects.filter(shop__domain=domain)
    return ", ".join(f"{connection.vendor} {connection.account} ({connection.get_status_display()})" for connection in found)


__all__ = ["FAILURES", "Demo", "Killer", "Pass", "connections"]
