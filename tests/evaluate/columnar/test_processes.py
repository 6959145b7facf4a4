"""One writer and many readers of a snapshot, each a process of its own, on a database that they share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., subprocess.Popen[str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts `tests.evaluate.columnar.processes` on the database under test, or on a file where that is in the memory of this process."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1", "SEGSYNC_VAR_DIR": str(tmp_path)}

    def started(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.evaluate.columnar.processes", *words]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    if connection.vendor == "postgresql":
        told = connection.settings_dict
        environment["DATABASE_URL"] = f"postgres://{quote(told['USER'])}:{quote(told['PASSWORD'])}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    else:
        environment["DATABASE_URL"] = f"sqlite:///{tmp_path / 'db.sqlite3'}"
        done(_migrate(environment))
    done(started("make"))
    return started


def _migrate(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def done(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What a process said, once it is through."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def folders(var: Path) -> set[str]:
    (of_shop,) = (var / "snapshots").iterdir()
    return {found.name for found in of_shop.iterdir()}


def test_a_writer_killed_before_it_publishes_leaves_the_old_snapshot_in_force_and_its_leavings_go(start: Start, tmp_path: Path) -> None:
    before = folders(tmp_path)
    writer = start("hang")
    assert writer.stdout is not None
    assert any(json.loads(line).get("written") for line in iter(writer.stdout.readline, "") if line.startswith("{"))
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    left = folders(tmp_path) - before
    assert left
    (told,) = done(start("read", "0.1"))
    assert told["seen"] == [[1, 2]]
    (of_shop,) = (tmp_path / "snapshots").iterdir()
    for name in left:
        os.utime(of_shop / name, (0, 0))
    assert [each["generation"] for each in done(start("publish", "1"))] == [2]
    assert not left & folders(tmp_path)
    (told,) = done(start("read", "0.1"))
    assert told["seen"] == [[2, 4]]


def test_readers_neither_wait_for_a_writer_nor_see_half_of_what_it_publishes(start: Start) -> None:
    readers = [start("read", "6") for _ in range(3)]
    generations = [each["generation"] for each in done(start("publish", "12"))]
    assert generations == list(range(2, 14))
    told = [each for reader in readers for each in done(reader)]
    assert len(told) == len(readers)
    for each in told:
        assert each["times"] > 3
        assert each["slowest"] < 5
        # Two people more with each publication: any other number would be half of one.
        assert all(members == 2 * generation for generation, members in each["seen"])
    assert len({generation for each in told for generation, _ in each["seen"]}) > 1
