"""Having workers look at once when something has come in, from a process that must not wait: losing a call loses nothing but a second."""

from __future__ import annotations

import os
import threading
import time

import structlog
from celery import current_app

log = structlog.get_logger(__name__)
TICK = "segsync.pipeline.tick"
EVERY = 0.05  # seconds between two calls at least: a burst of webhooks is one look
REST = 5.0  # seconds without calls after the broker did not take one


class _Caller:
    """Sends ticks from a thread of its own: a broker that does not answer holds nobody up."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._asked = threading.Event()
        threading.Thread(target=self._run, name="wake", daemon=True).start()

    def ask(self) -> None:
        """Have one more call made soon."""
        self._asked.set()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            try:
                current_app.send_task(TICK, expires=10, ignore_result=True, retry=False)
                time.sleep(EVERY)
            except Exception as error:  # each transport has errors of its own; the schedule ticks anyway
                log.warning("tick.not_sent", error=type(error).__name__)
                time.sleep(REST)


_lock = threading.Lock()
_caller: _Caller | None = None


def look_soon() -> None:
    """Send a tick in the background. Nothing is sent with messages in memory: they reach no other process."""
    global _caller
    if str(current_app.conf.broker_url).startswith("memory:"):
        return
    with _lock:
        if _caller is None or _caller.pid != os.getpid():  # a forked process has no threads of its parent
            _caller = _Caller()
    _caller.ask()
