"""A nudge sent through a real broker reaches a worker that is another process; what the broker loses is found again."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kombu import Connection as Broker

from config.processes import Child, Family
from tests.config.commands import ROOT, environment, manage

pytestmark = pytest.mark.broker
REDIS = "redis://127.0.0.1:6379/9"
RABBIT = "amqp://guest:guest@127.0.0.1:5672//"
DUE = """
import json
from datetime import timedelta
from integrations.models import Shop
from segsync import clock
from segsync.evaluate.models import Schedule
shop = Shop.objects.create(domain="corner-shop.myshopify.com", name="Corner Shop", timezone="Europe/London", currency="GBP", status=Shop.Status.INSTALLED)
schedule = Schedule.objects.create(shop=shop, due_at=clock.now() - timedelta(hours=1), whole_wanted_at=clock.now() - timedelta(hours=1))
"""
NUDGE = "from segsync.pipeline import tick; tick.apply_async()"


@dataclass
class Place:
    """A broker with a queue of the test's own, and a database file."""

    folder: Path
    broker: str
    queue: str

    @property
    def env(self) -> dict[str, str]:
        url = f"sqlite:///{self.folder / 'broker.sqlite3'}"
        return environment(self.folder, DEBUG="1", DATABASE_URL=url, CELERY_BROKER_URL=self.broker, SEGSYNC_QUEUE=self.queue)

    def python(self, code: str) -> None:
        """Run something of ours in a process of its own."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    def waiting(self) -> int:
        """Messages in the queue."""
        with Broker(self.broker) as connection:
            return int(connection.default_channel.queue_declare(self.queue, durable=True, auto_delete=False).message_count)

    def has_one(self) -> bool:
        """Whether the queue holds one message, within the moment that RabbitMQ takes to route it."""
        deadline = time.monotonic() + 5
        while self.waiting() != 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.waiting() == 1

    def wipe(self) -> None:
        """The broker loses every message."""
        with Broker(self.broker) as connection:
            connection.default_channel.queue_purge(self.queue)

    def judged(self) -> bool:
        """Whether a worker has taken the shop's schedule and given it back done: a whole evaluation is no longer asked for."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'broker.sqlite3'}?mode=ro", uri=True, timeout=10)) as database:
            rows = database.execute("select whole_wanted_at, swept_until, lease_until from evaluate_schedule").fetchall()
        assert len(rows) == 1
        wanted, swept, leased = rows[0]
        return wanted is None and swept is not None and leased is None

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self.judged():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def worker(self) -> Child:
        command = [sys.executable, "-m", "celery", "-A", "config", "--quiet", "worker", "--pool", "threads", "--concurrency", "2", "--without-mingle"]
        return Child("worker", command, self.env, self.folder / "worker.log")

    def beat(self) -> Child:
        return Child("beat", [sys.executable, "-m", "celery", "-A", "config", "--quiet", "beat"], self.env, self.folder / "beat.log")


@pytest.fixture(params=[REDIS, RABBIT], ids=["Redis", "RabbitMQ"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    broker: str = request.param
    try:
        with Broker(broker, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        pytest.skip(f"{broker.split(':')[0]} does not answer on 127.0.0.1 ({type(error).__name__})")
    place = Place(tmp_path, broker, f"segsync-test-{secrets.token_hex(4)}")
    manage(tmp_path, "migrate", **place.env).check_returncode()
    place.python(DUE)
    yield place
    with Broker(broker) as connection:
        connection.default_channel.queue_delete(place.queue)


def test_a_nudge_reaches_a_worker_in_another_process(place: Place) -> None:
    place.python(NUDGE)
    assert place.has_one()
    assert not place.judged()
    with Family() as family:
        family.add(place.worker())
        assert place.wait(40), (place.folder / "worker.log").read_text()


def test_a_broker_that_loses_everything_loses_nothing(place: Place) -> None:
    place.python(NUDGE)
    assert place.has_one()
    place.wipe()
    assert place.waiting() == 0
    with Family() as family:
        family.add(place.worker())
        time.sleep(4)
        assert not place.judged()  # nobody told the worker
        family.add(place.beat())  # and the next look finds the same row
        assert place.wait(30), json.dumps({name: (place.folder / f"{name}.log").read_text() for name in family.children})
