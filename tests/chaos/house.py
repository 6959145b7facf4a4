"""SegSync's processes: started, killed at random, started again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from config.environment import ROOT

# Several workers, so that one lives long enough between two kills to get something done.
NAMES = ("web", "worker-1", "worker-2", "worker-3", "worker-4", "beat")
BETWEEN = (0.15, 0.6)  # seconds between two kills


class House:
    """One web, some workers and one beat, as children of a process that forks them. Ends all of them as a context manager."""

    def __init__(self, port: int, folder: Path, env: Mapping[str, str], mode: str, seed: int) -> None:
        command = [sys.executable, "-m", "tests.chaos.zygote", str(port), str(folder), mode]
        self._log = (folder / "zygote.log").open("wb")
        self._zygote = subprocess.Popen(command, cwd=ROOT, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True)
        self._random = random.Random(f"{seed}:kills")
        self._pids: dict[str, int] = {}
        self._next = 0.0
        self.kills: Counter[str] = Counter()
        if self._line() != "ready":
            raise RuntimeError(f"SegSync did not start: {(folder / 'zygote.log').read_text()[-2_000:]}")
        for name in NAMES:
            self._start(name)

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        for name in NAMES:
            self._kill(name)
        self._zygote.kill()
        self._zygote.wait()
        self._log.close()

    def tend(self) -> None:
        """Start again whoever has died by itself."""
        for name, pid in list(self._pids.items()):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                self._start(name)

    def step(self) -> bool:
        """Kill one of them with `kill -9` when it is time, and start it again; whether it was."""
        if time.monotonic() < self._next:
            return False
        kind = self._random.choice(("web", "worker", "beat"))
        name = self._random.choice([name for name in NAMES if name.startswith(kind)])
        self._kill(name)
        self.kills[kind] += 1
        self._start(name)
        self._next = time.monotonic() + self._random.uniform(*BETWEEN)
        return True

    def _kill(self, name: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pids[name], signal.SIGKILL)  # each is the first of a group of its own

    def _start(self, name: str) -> None:
        assert self._zygote.stdin
        self._zygote.stdin.write(f"{name}\n")
        self._zygote.stdin.flush()
        self._pids[name] = int(self._line())
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:  # until it has become the first of its group: only then can all of it be killed
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(self._pids[name]) == self._pids[name]:
                    return
            time.sleep(0.002)

    def _line(self) -> str:
        assert self._zygote.stdout
        return self._zygote.stdout.readline().strip()
