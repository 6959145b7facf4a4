"""The whole of SegSync, once through: every mark on the other side is as an independent computation says."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from segsync.demo.oracle import SEGMENTS
from tests.demo_runs.conftest import RunningDemo, Start

pytestmark = pytest.mark.slow
LONG = 420.0  # seconds; each takes about a minute and a half


@pytest.fixture(scope="module")
def demos(start: Start) -> tuple[RunningDemo, RunningDemo]:
    """An undisturbed demo and one whose worker is killed twice; both at once, for they mostly wait."""
    return start("--once", "--customers", "150"), start("--once", "--customers", "150", "--seed", "11", "--kill-worker", "2")


def gone(pids: set[int]) -> set[int]:
    """Those of `pids` that have ended."""
    ended = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            state = "X"
        if state in "ZX":
            ended.add(pid)
    return ended


def test_ctrl_c_in_the_middle_ends_every_process_and_is_no_success(start: Start) -> None:
    demo = start("--once", "--customers", "100")
    demo.wait_for("5. Pull, evaluate, write back")
    children = demo.descendants()
    assert len(children) >= 4  # the sandbox, the web process and its worker, the worker
    demo.process.send_signal(signal.SIGINT)
    assert demo.end(20) == 130
    assert "Ended; every process that the demo started has ended too." in demo.told
    assert "Traceback" not in demo.told
    deadline = time.monotonic() + 3
    while gone(children) != children and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(children) == children
    assert not demo.outcome_file.exists()


def test_killed_outright_it_leaves_no_process_behind(start: Start) -> None:
    demo = start("--customers", "100")
    demo.wait_for("4. Installing")
    children = demo.descendants()
    demo.process.kill()
    demo.end(5)
    deadline = time.monotonic() + 8  # the web server's own worker looks after its parent each second or so
    while gone(children) != children and time.monotonic() < deadline:
        time.sleep(0.1)
    assert gone(children) == children


def test_an_undisturbed_demo_ends_with_every_mark_in_place(demos: tuple[RunningDemo, RunningDemo]) -> None:
    demo = demos[0]
    assert demo.end(LONG) == 0, demo.told
    outcome = demo.outcome()
    assert outcome["mismatches"] == 0
    for when in ("segments", "after_new_orders"):
        assert [row["segment"] for row in outcome[when]] == list(SEGMENTS)
        for row in outcome[when]:
            assert set(row) == {"segment", "members", "tagged_in_shopify", "listed_in_hubspot", "entered", "left"}
            assert min(row["members"], row["tagged_in_shopify"] + row["listed_in_hubspot"]) > 0, row
    assert sum(row["entered"] for row in outcome["after_new_orders"]) > 0
    assert sum(row["left"] for row in outcome["after_new_orders"]) > 0
    assert set(outcome["peak_memory_mib"]) == {"demo", "sandbox", "web", "worker"}
    assert outcome["seconds"] > 0


def test_it_tells_where_to_look_and_that_all_is_right(demos: tuple[RunningDemo, RunningDemo]) -> None:
    demo = demos[0]
    demo.end(LONG)
    for words in ("0 mismatches", "/admin/   (login demo", "sandbox  http://127.0.0.1:", "Peak memory:"):
        assert words in demo.told


def test_a_worker_killed_twice_with_sigkill_leaves_no_mark_wrong(demos: tuple[RunningDemo, RunningDemo]) -> None:
    demo = demos[1]
    assert demo.end(LONG) == 0, demo.told
    assert demo.told.count("x kill -9 worker") == 2
    assert demo.told.count("The worker process was killed by signal 9; it was started again.") == 2
    assert demo.outcome()["mismatches"] == 0
