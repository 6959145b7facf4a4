"""Child processes live and die with their parent, however it ends."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config.celery import app
from config.processes import Child, Family, ProcessError, free_port, port_is_free, port_number, segsync_children
from tests.config.commands import ROOT, environment, heed_ctrl_c

SLEEPER = [sys.executable, "-c", "import time; time.sleep(120)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(120)"]
PARENT = """
import sys, time
from config.processes import Child, Family
with Family() as family:
    for name in ("one", "two"):
        family.add(Child(name, [sys.executable, "-c", "import time; time.sleep(120)"]))
    print(*(child.process.pid for child in family.children.values()), flush=True)
    while True:
        time.sleep(0.05)
        family.tend()
"""


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits for its parent to take notice has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def within(seconds: float, *pids: int) -> bool:
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def handlers() -> Iterator[None]:
    """A family takes SIGTERM to itself; the tests take it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_fault_6_children_end_with_their_parent_so_that_nobody_ticks_twice(tmp_path: Path, number: signal.Signals) -> None:
    env = environment(tmp_path, DEBUG="1", DJANGO_SETTINGS_MODULE="config.settings")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=heed_ctrl_c
    )
    assert parent.stdout is not None
    with parent.stdout:
        children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    assert all(alive(pid) for pid in children)
    parent.send_signal(number)
    assert parent.wait(10) != 0
    assert within(5, *children)


@pytest.mark.usefixtures("handlers")
class TestFamily:
    def test_who_falls_over_is_started_again_and_counted(self) -> None:
        with Family() as family:
            child = family.add(Child("worker", SLEEPER))
            assert family.tend() == []
            assert child.process is not None
            first = child.process.pid
            child.signal(signal.SIGKILL)
            child.process.wait(5)
            assert family.tend() == ["The worker process was killed by signal 9; it was started again."]
            assert (child.starts, child.alive) == (2, True)
            second = child.process.pid
        assert within(1, first, second)

    def test_a_process_that_cannot_stay_up_is_given_up_with_its_log_named(self, tmp_path: Path) -> None:
        log = tmp_path / "web.log"
        with Family() as family:
            child = family.add(Child("web", [sys.executable, "-c", "raise SystemExit('no room')"], log=log))
            child.starts = 51
            assert child.process is not None
            child.process.wait(10)
            with pytest.raises(ProcessError, match=f"The web process ended with code 1 again and again; see {log}"):
                family.tend()
        assert log.read_text() == "no room\n"

    def test_who_does_not_end_when_asked_is_ended_for_good(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("config.processes.PATIENCE", 0.3)
        log = tmp_path / "log"
        with Family() as family:
            child = family.add(Child("stubborn", STUBBORN, log=log))
            while log.read_text() != "up\n":
                time.sleep(0.01)
        assert child.process is not None
        assert child.process.returncode == -signal.SIGKILL

    def test_memory_is_measured_with_that_of_grandchildren(self) -> None:
        grow = "b = bytearray(60_000_000); import time; time.sleep(120)"
        with Family() as family:
            child = family.add(Child("web", [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grow!r}])"]))
            deadline = time.monotonic() + 10
            while child.peak_kib < 60_000 and time.monotonic() < deadline:
                child.measure()
                time.sleep(0.05)
            assert 60_000 < child.peak_kib < 300_000


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not port_is_free(listener.getsockname()[1])
    with socket.create_server(("0.0.0.0", 0)) as listener:
        assert not port_is_free(listener.getsockname()[1])
    assert port_is_free(free_port())


def test_a_free_port_is_none_of_those_taken() -> None:
    ports: list[int] = []
    for _ in range(50):
        ports.append(free_port(ports))
    assert len(set(ports)) == 50


@pytest.mark.parametrize("text", ["-1", "65536", "x", "", "8000.0", "²"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="give a number from 1 to 65535"):
        port_number(text)


@pytest.mark.parametrize(("broker", "names"), [("memory://", ["web", "worker"]), ("redis://127.0.0.1:6379/9", ["web", "worker", "beat"])])
def test_beat_is_a_process_of_its_own_where_messages_can_reach_another_process(monkeypatch: pytest.MonkeyPatch, broker: str, names: list[str]) -> None:
    monkeypatch.setitem(app.conf, "broker_url", broker)
    children = segsync_children(8123, env={"A": "1"}, logs=None)
    assert [child.name for child in children] == names
    assert "-B" not in children[1].command
    assert all(child.env == {"A": "1"} for child in children)


PIPELINE = ("tick", "pull_stream", "fetch_named", "decide", "push_channel", "go_on_auditing", "act_on_request")


class TestCelery:
    """Messages are nudges: few, short-lived, and never waited for."""

    @pytest.mark.parametrize(("broker", "seconds"), [("redis://127.0.0.1:6379/0", 1.0), ("", 0.25), ("memory://localhost", 0.25)])
    def test_the_schedule_looks_every_second_and_more_often_where_nothing_else_can_wake_it(self, broker: str, seconds: float) -> None:
        told = "from config import settings; print(settings.CELERY_BEAT_SCHEDULE['tick']['schedule'])"
        given = {**os.environ, "DEBUG": "1", "CELERY_BROKER_URL": broker}
        printed = subprocess.run([sys.executable, "-c", told], env=given, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert float(printed) == seconds

    def test_old_looks_expire(self, settings: Settings) -> None:
        entry = app.conf.beat_schedule["tick"]
        assert entry["task"] == "segsync.pipeline.tick"
        assert entry["options"]["expires"] <= 10
        assert Path(app.conf.beat_schedule_filename).parent == Path(settings.VAR_DIR)

    def test_a_worker_takes_one_message_at_a_time_and_keeps_no_results(self) -> None:
        assert app.conf.worker_prefetch_multiplier == 1
        assert app.conf.task_ignore_result is True
        assert app.conf.task_default_delivery_mode == "transient"
        assert app.conf.task_acks_late is False  # a lost nudge loses nothing; a repeated one would only be in the way

    def test_every_task_of_the_pipeline_is_known_to_the_worker(self) -> None:
        app.loader.import_default_modules()
        known = {name for name in app.tasks if name.startswith("segsync.")}
        assert known == {f"segsync.pipeline.{name}" for name in PIPELINE}

    def test_celery_leaves_our_logging_alone(self) -> None:
        from celery.signals import setup_logging

        assert setup_logging.has_listeners()
