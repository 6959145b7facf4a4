"""Child processes that live and die with their parent: started together, restarted when they fall over, all ended at the end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.celery import broker_is_in_memory
from config.environment import ROOT

PATIENCE = 8.0  # seconds between asking a process to end and ending it
_PR_SET_PDEATHSIG = 1  # prctl(2): the kernel ends the child when its parent dies, however that dies


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _peak_kib(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        peak = int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0])
        return peak + sum(_peak_kib(int(child)) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return 0


@dataclass(slots=True)
class Child:
    """One process to keep alive. `log` takes what it prints (None: it prints to the terminal)."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    peak_kib: int = 0

    def start(self) -> None:
        """Start it (again)."""
        out = self.log.open("ab") if self.log else None
        try:
            self.process = subprocess.Popen(  # noqa: S603 (our own commands)
                self.command, cwd=ROOT, env={**os.environ, **self.env}, stdout=out, stderr=out, start_new_session=True, preexec_fn=_die_with_parent
            )
        finally:
            if out:
                out.close()
        self.starts += 1

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def measure(self) -> None:
        """Note the largest resident memory seen so far, that of its own children too (Linux; elsewhere nothing is noted)."""
        if self.process is not None:
            self.peak_kib = max(self.peak_kib, _peak_kib(self.process.pid))

    def signal(self, number: int) -> None:
        """Send a signal to the process and whatever it started."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Family:
    """A group of children; as a context manager it ends every one of them, whatever happens inside."""

    def __init__(self) -> None:
        self.children: dict[str, Child] = {}

    def __enter__(self) -> Family:
        # SIGTERM must unwind like Ctrl-C does, or the children would outlive us.
        signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add(self, child: Child) -> Child:
        """Start `child` and look after it from now on."""
        self.children[child.name] = child
        child.start()
        return child

    def tend(self) -> list[str]:
        """Start again whoever has died; returns one sentence for each."""
        news = []
        for child in self.children.values():
            child.measure()
            if not child.alive:
                code = child.process.returncode if child.process else 0
                how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
                if child.starts > 50:
                    raise ProcessError(f"The {child.name} process {how} again and again; see {child.log or 'its output above'}.")
                child.start()
                news.append(f"The {child.name} process {how}; it was started again.")
        return news

    def stop(self) -> None:
        """End all children: politely first, for good after PATIENCE. An impatient second Ctrl-C does not leave half of them."""
        impatient = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._stop()
        finally:
            signal.signal(signal.SIGINT, impatient)

    def _stop(self) -> None:
        for child in self.children.values():
            child.measure()
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for child in self.children.values():
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.signal(signal.SIGKILL)
                child.process.wait()


class ProcessError(RuntimeError):
    """A child process cannot be kept alive; one sentence."""


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def port_is_free(port: int) -> bool:
    """Whether nothing listens on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_number(text: str) -> int:
    """A port as given on a command line, 0 for any free one; raises ArgumentTypeError for what is none."""
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise ArgumentTypeError(f"'{text}' is no port: give a number from 1 to 65535.")
    return int(text)


def free_port(taken: Collection[int] = ()) -> int:
    """A port of the loopback interface that nothing listens on now, and none of `taken`."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port


def segsync_children(port: int, *, env: Mapping[str, str], logs: Path | None, threads: int = 4) -> list[Child]:
    """Web and worker, and beat as a process of its own wherever messages can reach another process."""

    def log(name: str) -> Path | None:
        return logs / f"{name}.log" if logs else None

    python = sys.executable
    celery = [python, "-m", "celery", "-A", "config", "--quiet"]
    gunicorn = [python, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8", "--workers", "1"]
    worker = [*celery, "worker", "--pool", "threads", "--concurrency", str(threads), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    family = [Child("web", [*gunicorn, "--log-level", "warning"], env, log("web")), Child("worker", worker, env, log("worker"))]
    if not broker_is_in_memory():
        family.append(Child("beat", [*celery, "beat"], env, log("beat")))
    return family
