"""`python -m tests.chaos`: the kill test on PostgreSQL with Redis. Exit code 0 only when nothing is lost, wrong or touched.

`--mode no-read-back` and `--mode retry-at-once` leave out what makes it right: such a run must fail, or the test proves nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.environment import ROOT
from config.processes import free_port
from segsync.demo.surroundings import Surroundings
from tests.chaos.zygote import MODES

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/7")
WITHIN = "SEGSYNC_CHAOS"  # set in the process that has the test's own environment


def arguments() -> argparse.Namespace:
    """How much happens, and what is left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill SegSync's processes at random and compare what comes of it.")
    parser.add_argument("--webhooks", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=MODES, default=MODES[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    return parser.parse_args()


def apart(folder: Path) -> int:
    """The same in a process with a database, a queue and an environment of its own; its exit code."""
    name = f"segsync_chaos_{os.getpid()}"
    server = POSTGRES.replace("postgres://", "postgresql://", 1)
    with psycopg.connect(server, autocommit=True) as database:
        database.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        port = free_port()
        place = Surroundings(port, free_port([port]), folder, urlsplit(POSTGRES)._replace(path=f"/{name}").geturl(), REDIS, name)
        env = place.environment() | {WITHIN: f"{place.port} {place.sandbox_port} {folder}", "LOG_LEVEL": "WARNING"}
        return os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-m", "tests.chaos", *sys.argv[1:]], env)
    finally:
        with psycopg.connect(server, autocommit=True) as database:
            database.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def within() -> int:
    """Run and print; 1 when anything is not as it must be."""
    import django

    django.setup()
    from tests.chaos.report import table
    from tests.chaos.run import Size, run

    given = arguments()
    port, sandbox_port, folder = os.environ[WITHIN].split(" ", 2)
    size = Size(given.webhooks, given.kills, given.customers, given.seed, given.mode)
    told = run(size, int(port), int(sandbox_port), Path(folder), dict(os.environ), lambda text: print(text, flush=True))
    print(table(told))
    if given.json:
        given.json.write_text(json.dumps(told.as_json(), indent=2) + "\n")
    print(json.dumps({"violations": told.violations, "drained_seconds": told.drained_seconds, "kills": sum(told.kills.values()), "mode": told.mode}))
    return 1 if told.violations else 0


def main() -> int:
    """Check what is needed, then run."""
    arguments()
    if WITHIN in os.environ:
        return within()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="segsync-chaos-") as folder:
        return apart(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
