"""Running a bulk query: rows are written as they are read, so memory stays flat and nobody waits long for the world's lock."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from graphql import DocumentNode

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.bulk_compile import Compiler, rows_of

if TYPE_CHECKING:
    from integrations.sandbox.shopify.bulk import BulkDesk, BulkOperation

SLICE = 64  # outermost objects read in one go under the lock


class _CollectorPause:
    """Keeps Python's cyclic collector off while any bulk query runs: rows hold no cycles, and each full pass walks the whole store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if self._running == 0:
                self._was_on = gc.isenabled()
                gc.disable()
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0 and self._was_on:
                gc.enable()


_collector_paused = _CollectorPause()


def run_query(desk: BulkDesk, access: Access, operation: BulkOperation, document: DocumentNode, path: Path, grouped: bool, stop_at: float | None) -> None:
    """Write the result to `path`, one node a line; `stop_at` ends early, as a share of the outermost objects. Raises Canceled."""
    lock = desk.world.lock
    with lock:
        plans = Compiler(access, document).plans()
    dumps, newline = orjson.dumps, orjson.OPT_APPEND_NEWLINE
    with _collector_paused, path.open("wb", buffering=1 << 20) as file:
        for plan in plans:
            with lock:
                objects = plan.objects(access, None)
            if stop_at is not None:
                objects = objects[: int(len(objects) * stop_at)]
            for start in range(0, len(objects), SLICE):
                desk.check(operation)
                with lock:
                    rows, roots = rows_of(plan, access, objects[start : start + SLICE], grouped=grouped, offset=start)
                file.writelines([dumps(row, option=newline) for row in rows])
                operation.object_count += len(rows)
                operation.root_object_count += roots
                time.sleep(0.0005)  # lets a request that waits for the lock have it
