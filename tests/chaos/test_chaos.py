"""The kill test in short, with real processes; and by itself what it rests on: an outcome that is unknown is waited for and read back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import psycopg
import pytest
from kombu import Connection as Broker

from config.environment import ROOT
from integrations import http
from integrations.shopify.push import ShopifyDestination
from segsync.diff.models import LedgerEntry
from segsync.push import ledger
from segsync.push import push as push_module
from tests.chaos.__main__ import POSTGRES, REDIS, WITHIN
from tests.line import Line, line, sandbox
from tests.push.conftest import tags
from tests.push.test_tags import EVERY_BUYER, NOBODY, SETTLE, rule, untold


@pytest.mark.broker
def test_t1_in_short_processes_killed_at_random_leave_nothing_wrong(tmp_path: Path) -> None:
    try:
        psycopg.connect(POSTGRES.replace("postgres://", "postgresql://", 1), connect_timeout=2).close()
        with Broker(REDIS, connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        pytest.skip(f"PostgreSQL or Redis does not answer on 127.0.0.1 ({type(error).__name__})")
    outcome = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "tests.chaos", "--webhooks", "400", "--kills", "25", "--customers", "60", "--json", str(outcome)]
    env = {name: value for name, value in os.environ.items() if name != WITHIN}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = orjson.loads(outcome.read_bytes())
    assert (sum(told["kills"].values()), told["taken"], told["violations"]) == (25, 400, [])


def late(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that we give up is carried out after the opposite was told."""
    monkeypatch.setattr(http, "TIMEOUT", (0.3, 0.3))
    tags.fault("hang", "Batch", platform="shopify", seconds=1.5)
    tags.push()
    began = time.monotonic()
    rule(tags, NOBODY)
    tags.wait(10)
    tags.push()
    time.sleep(max(0.0, 2.0 - (time.monotonic() - began)))
    tags.wait(SETTLE)
    tags.push()


def test_fault_5_what_lands_late_is_found(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    late(tags, monkeypatch)
    assert (tags.tagged(), untold(tags)) == (set(), 0)


def test_t3_without_waiting_before_the_reading_back_what_lands_late_stays(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShopifyDestination, "settle", timedelta(0))
    late(tags, monkeypatch)
    assert (tags.tagged(), untold(tags)) == (EVERY_BUYER, 0)  # wrong, and nobody knows


def test_t3_without_reading_back_a_call_that_was_not_carried_out_is_believed(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def believe(_: object, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
        sent = [entry for entry in entries if entry.sent_at is not None]
        ledger.acknowledge(sent, present=True, owned=True, outcome="done", now=clock())
        return [entry for entry in entries if entry.sent_at is None]

    monkeypatch.setattr(push_module, "_read_back", believe)
    tags.fault("reset", "Batch", platform="shopify")
    tags.push()
    tags.wait(SETTLE)
    tags.push()
    assert (tags.tagged(), untold(tags)) == (set(), 0)  # wrong, and nobody knows


__all__ = ["line", "sandbox", "tags"]
