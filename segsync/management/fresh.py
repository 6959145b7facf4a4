"""`manage.py bench fresh`: a sandbox and SegSync's processes, started apart from everything else here, measured and ended."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from django.core.management import call_command
from django.core.management.base import CommandError, OutputWrapper
from kombu.connection import Connection as KombuConnection
from kombu.entity import Exchange, Queue

from config.processes import Child, Family, free_port, segsync_children
from segsync.bench.fresh import Bench, Freshness, Spread
from segsync.bench.scratch import scratch_address
from segsync.demo.surroundings import MARK, FolderInUse, Surroundings, broker_trouble, fresh_folder

START = 300.0  # seconds that a process may take to answer


def add_arguments(parser: ArgumentParser) -> None:
    """How many events, on a store of what size."""
    parser.add_argument("--events", type=int, default=200, help="orders, one after another")
    parser.add_argument("--exits", type=int, default=50, help="customers whom an hour window passes over")
    parser.add_argument("--store", type=int, default=1_000, metavar="CUSTOMERS", help="size of the made-up store")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--port", type=int, default=0, help=SUPPRESS)
    parser.add_argument("--sandbox-port", type=int, default=0, help=SUPPRESS)


def apart(events: int, exits: int, store: int, *, json: bool) -> int:
    """Run the measurement in a process with an environment, a database and a queue of its own; returns its exit code. Raises CommandError."""
    broker = os.environ.get("CELERY_BROKER_URL", "")
    if broker and (trouble := broker_trouble(broker)):
        raise CommandError(trouble)
    try:
        folder = fresh_folder("bench-fresh")
    except FolderInUse as error:
        raise CommandError(str(error)) from error
    port = free_port()
    name = f"segsync_bench_{os.getpid()}"
    with _own_queue(broker, name), scratch_address(folder, name) as database, Family() as family:
        place = Surroundings(port, free_port([port]), folder, database, broker, name)
        command = [sys.executable, "manage.py", "bench", "fresh", "--events", str(events), "--exits", str(exits), "--store", str(store)]
        command += ["--port", str(place.port), "--sandbox-port", str(place.sandbox_port), *(["--json"] if json else [])]
        process = family.add(Child("bench", command, place.environment())).process
        return process.wait() if process else 1


@contextmanager
def _own_queue(broker: str, name: str) -> Iterator[None]:
    """Nothing of a queue made for one measurement stays with the broker."""
    try:
        yield
    finally:
        if broker:
            with KombuConnection(broker, connect_timeout=3) as connection:  # type: ignore[no-untyped-call]  # the library ships no types
                queue = Queue(name, Exchange(name), routing_key=name)(connection.default_channel)  # type: ignore[no-untyped-call]  # the library ships no types
                queue.declare()  # type: ignore[no-untyped-call]  # the same; a queue's bindings are deleted only where they are known
                queue.delete()  # type: ignore[no-untyped-call]  # the same


def within(events: int, exits: int, store: int, port: int, sandbox_port: int, out: OutputWrapper) -> Freshness:
    """Start everything, connect a shop, measure, end everything. Raises CommandError with a sentence where that cannot be done."""
    from integrations.models import Shop
    from segsync.demo.browser import install
    from segsync.demo.passes import FAILURES
    from segsync.demo.starting import sandbox, wait_for, wait_for_sandbox
    from segsync.diff.models import WritebackSettings

    place = Surroundings(port, sandbox_port, Path(os.environ["SEGSYNC_VAR_DIR"]))
    call_command("migrate", verbosity=0, interactive=False)
    try:
        with Family() as family:
            family.add(sandbox(place, customers=store, seed=7, plan="standard"))
            there = wait_for_sandbox(family, place, START)
            for child in segsync_children(place.port, env={}, logs=place.var / "logs"):
                family.add(child)
            wait_for(f"{place.app_url}/health", family, START)
            install(place.app_url, there["domain"], requests.Session())
            WritebackSettings.objects.update_or_create(shop=Shop.objects.get(domain=there["domain"]), defaults={"dry_run_above": 0})  # nobody looks at dry runs
            return Bench(place.sandbox_url, there["domain"], family, out).measure(events, exits)
    except (*FAILURES, RuntimeError) as error:
        raise CommandError(f"{error} The logs are in {place.var / 'logs'}.") from error


def is_within() -> bool:
    """Whether this process was started by `apart`."""
    return os.environ.get(MARK) == "1"


def sentences(found: Freshness) -> str:
    """The figures in words."""
    return (
        f"{found.customers:,} customers, {found.segments} segments, {found.database}, messages through {found.broker}:\n"
        f"  order's webhook sent to tag call       {_figures(found.orders)}   (goal: p95 <= 2 s)\n"
        f"  the same from the webhook's receipt    {_figures(found.received)}\n"
        f"    half of them are {', '.join(f'{name} after {seconds:.3f} s' for name, seconds in found.stages.items())}\n"
        f"  end of an hour window to tag removal   {_figures(found.exits)}   (goal: p95 <= 70 s)"
    )


def _figures(spread: Spread) -> str:
    never = f", {spread.missed} never came" if spread.missed else ""
    return f"p50 {spread.p50:7.3f} s, p95 {spread.p95:7.3f} s, max {spread.largest:7.3f} s of {spread.events}{never}"
