"""Makes SegSync's processes by forking one that has imported everything: a process that is killed is back within a moment.

One line in, `web`, `worker` or `beat`; one line out, the new process's id. What is here of shorter times is for this test alone.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

LEASE = timedelta(seconds=1.5)  # shorter than HANG
TIME_OUT = (2.0, 2.0)
HANG = 4.0  # seconds after which a request that hangs is carried out all the same
SETTLE = timedelta(seconds=6)
PRELOADED = (
    "celery.apps.beat", "celery.apps.worker", "celery.beat", "celery.bin.celery", "celery.concurrency.thread", "celery.fixups.django",
    "celery.worker.components", "celery.worker.consumer", "celery.worker.state", "celery.worker.strategy", "concurrent.futures.thread",
    "django.contrib.auth.middleware", "django.core.handlers.wsgi", "django.db.backends.postgresql.base", "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread", "hubspot", "hubspot.crm.contacts", "hubspot.crm.lists", "hubspot.crm.objects", "hubspot.crm.properties",
    "kombu.transport.redis", "redis", "segsync.pipeline", "whitenoise.middleware",
)  # fmt: skip
MODES = ("as-it-is", "no-read-back", "retry-at-once")


def hasten(mode: str) -> None:
    """Shorten leases and waits so that much happens in a minute; and leave out what `mode` says, to see the test go red."""
    from integrations import http
    from integrations.hubspot.push import HubSpotDestination
    from integrations.shopify.push import ShopifyDestination
    from segsync import heartbeat, pipeline, reach
    from segsync.diff.models import LedgerEntry
    from segsync.pull import named, run
    from segsync.push import ledger, push

    settle = timedelta(0) if mode == "retry-at-once" else SETTLE
    http.TIMEOUT = TIME_OUT
    heartbeat.EVERY = 0.4
    for module in (heartbeat, pipeline, named, run, push):
        setattr(module, "TTL", LEASE)  # noqa: B010 (each has a name of its own for it)
    HubSpotDestination.settle = ShopifyDestination.settle = settle
    reach.ALONE, reach.SELDOM = timedelta(seconds=3), timedelta(seconds=6)
    push.LONGEST_WAIT = 6
    if mode == "no-read-back":

        def believe(_destination: object, entries: Sequence[LedgerEntry], clock: Callable[[], datetime]) -> list[LedgerEntry]:
            """What was sent is taken for carried out: nobody looks."""
            rest = []
            for entry in entries:
                if entry.sent_at is None:
                    rest.append(entry)
                    continue
                meant = entry.wanted if entry.wanted_at <= entry.sent_at else not entry.wanted
                entry.sent_at, entry.present = None, meant
                ledger.found([entry], present=meant)
                if meant == entry.wanted:
                    ledger.acknowledge([entry], present=meant, owned=meant, outcome="done", now=clock())
                else:
                    rest.append(entry)
            return rest

        push._read_back = believe


def _web(port: int) -> None:
    from gunicorn.app.wsgiapp import WSGIApplication

    sys.argv = ["gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8", "--log-level", "warning"]
    WSGIApplication("%(prog)s").run()  # type: ignore[no-untyped-call]  # gunicorn ships no types


def _worker() -> None:
    from config.celery import app

    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    app.worker_main(["--quiet", "worker", "--pool", "threads", "--concurrency", "3", "--hostname", f"{os.getpid()}@chaos", *quiet])


def _beat(folder: Path) -> None:
    from config.celery import app

    app.start(["--quiet", "beat", "--schedule", str(folder / f"beat-{os.getpid()}")])


def _fork(name: str, folder: Path, work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it does not outlive this test
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in (1, 2):
            os.dup2(log, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        work()
    finally:
        os._exit(0)


def main(port: int, folder: Path, mode: str) -> None:
    """Serve until the input ends."""
    import django

    django.setup()
    from django.urls import get_resolver

    import config.celery
    import config.wsgi

    config.celery.app.loader.import_default_modules()
    for name in PRELOADED:
        importlib.import_module(name)
    config.celery.app.finalize()
    get_resolver().url_patterns  # noqa: B018 (imports every view)
    hasten(mode)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    works: dict[str, Callable[[], None]] = {"web": lambda: _web(port), "worker": _worker, "beat": lambda: _beat(folder)}
    print("ready", flush=True)
    for line in sys.stdin:
        print(_fork(line.strip(), folder, works[line.strip().partition("-")[0]]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
