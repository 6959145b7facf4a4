"""Demos as a person starts them: processes of their own, each in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.config.commands import ROOT, environment, heed_ctrl_c


class RunningDemo:
    """One demo; `log` takes what it prints."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.outcome_file = folder / "out.json"
        command = [sys.executable, "manage.py", "demo", "--port", "0", "--sandbox-port", "0", "--json", str(self.outcome_file), *arguments]
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(folder / "var"), stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL, preexec_fn=heed_ctrl_c
        )

    @property
    def told(self) -> str:
        """What it printed so far."""
        return (self.folder / "log").read_text()

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Until it has printed `text`."""
        deadline = time.monotonic() + seconds
        while text not in self.told:
            assert self.process.poll() is None, self.told
            assert time.monotonic() < deadline, self.told
            time.sleep(0.1)

    def end(self, seconds: float) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(seconds)

    def outcome(self) -> dict[str, Any]:
        """What `--json` wrote."""
        return dict(json.loads(self.outcome_file.read_bytes()))

    def descendants(self) -> set[int]:
        """Every process it started, and those these started."""
        return set(_below(self.process.pid))

    def close(self) -> None:
        """End it if it runs yet."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()


def _below(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from _below(int(child))


Start = Callable[..., RunningDemo]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a demo with some arguments; what still runs at the end is ended."""
    started: list[RunningDemo] = []

    def begin(*arguments: str) -> RunningDemo:
        started.append(RunningDemo(tmp_path_factory.mktemp("demo"), *arguments))
        return started[-1]

    yield begin
    for demo in started:
        demo.close()
