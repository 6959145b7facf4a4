"""Bulk operations: their limits, their life and where their results lie (shopify.dev, "Perform bulk operations").

Five queries and five mutations of an app run at once in a store. Results are files, good for 7 days, read without a token.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from integrations.sandbox.faults import BULK_FAULTS, Fault
from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.bulk_check import check_query
from integrations.sandbox.shopify.bulk_mutation import check_mutation, check_upload, run_mutation
from integrations.sandbox.shopify.bulk_query import run_query
from integrations.sandbox.shopify.readers import iso
from integrations.sandbox.shopify.shop import Shop

if TYPE_CHECKING:
    from integrations.sandbox.world import World

log = structlog.get_logger(__name__)
AT_ONCE = 5  # of each type; Admin API 2026-01 and later
FILE_LIFETIME = timedelta(days=7)
UserError = dict[str, Any]
ACTIVE = ("CREATED", "RUNNING", "CANCELING")


class Canceled(Exception):
    """Raised inside a run when somebody canceled it, or the sandbox stops."""


@dataclass(slots=True)
class BulkOperation:
    """One bulk operation and its result file."""

    id: int
    type: str  # QUERY | MUTATION
    text: str
    created_at: datetime
    updated_at: datetime
    status: str = "CREATED"
    error_code: str | None = None
    completed_at: datetime | None = None
    object_count: int = 0
    root_object_count: int = 0
    file_size: int | None = None
    url: str | None = None
    partial_data_url: str | None = None
    path: Path | None = None
    client_identifier: str | None = None
    halt: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)  # set: it waits no longer before its work begins


class BulkDesk:
    """Starts, cancels and finds bulk operations. `run_seconds` is how long each takes beside its work (real time).

    `line_seconds` is how long each line of an operation takes at least, by the sandbox's clock; `working` counts operations that do more
    than let that time pass.
    """

    def __init__(self, world: World, run_seconds: float = 0.2) -> None:
        self.run_seconds = run_seconds
        self.line_seconds = 0.0
        self.working = 0
        self.world = world
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-shopify-")
        self._threads: dict[threading.Thread, BulkOperation] = {}
        self._files: dict[str, tuple[Shop, BulkOperation]] = {}
        self._closing = threading.Event()

    def folder(self) -> Path:
        """Where uploads and results lie while the sandbox runs."""
        return Path(self._folder.name)

    def start_query(self, access: Access, text: str, *, group_objects: bool) -> tuple[BulkOperation | None, list[UserError]]:
        """Start a bulk query; or what is wrong with it."""
        busy = self._busy(access.shop, "QUERY")
        if busy:
            return None, [{"field": None, "message": busy, "code": "OPERATION_IN_PROGRESS"}]
        document, survey, messages = check_query(text)
        if document is None or survey is None or messages:
            return None, [{"field": ["query"], "message": message, "code": "INVALID"} for message in messages]
        allowed = all(access.refusal(name, kind) is None for name, kind in survey.types)
        operation = self._new(access, "QUERY", text)
        self._start(access, operation, lambda path, stop_at: run_query(self, access, operation, document, path, group_objects, stop_at), allowed)
        return operation, []

    def start_mutation(self, access: Access, text: str, path: str, client_identifier: str | None) -> tuple[BulkOperation | None, list[UserError]]:
        """Start a bulk mutation over a staged upload; or what is wrong with it."""
        busy = self._busy(access.shop, "MUTATION")
        if busy:
            return None, [{"field": None, "message": busy, "code": "OPERATION_IN_PROGRESS"}]
        if client_identifier is not None and not 10 <= len(client_identifier) <= 255:
            return None, [{"field": ["clientIdentifier"], "message": "Client identifier must have 10 to 255 characters", "code": None}]
        document, error = check_mutation(text)
        upload, file_error = check_upload(access, path)
        if document is None or upload is None or error or file_error:
            return None, [e for e in (error, file_error) if e]
        operation = self._new(access, "MUTATION", text)
        operation.client_identifier = client_identifier
        self._start(access, operation, lambda to, stop_at: run_mutation(self, access, operation, document, upload, to, stop_at), True)
        return operation, []

    def cancel(self, access: Access, number: int) -> tuple[BulkOperation | None, list[UserError]]:
        """Ask a running operation to stop; it is CANCELING until it did."""
        operation = self.get(access.shop, number)
        if operation is None:
            return None, [{"field": ["id"], "message": "Bulk operation does not exist"}]
        if operation.status not in ACTIVE:
            return operation, [{"field": None, "message": f"A bulk operation cannot be canceled when it is {operation.status.lower()}"}]
        operation.status = "CANCELING"
        operation.halt.set()
        return operation, []

    def get(self, shop: Shop, number: int) -> BulkOperation | None:
        """The operation of that id, EXPIRED when its files are."""
        operation = shop.operations.get(number)
        if operation is not None and operation.path is not None and self._expired(operation):
            operation.status, operation.url, operation.partial_data_url = "EXPIRED", None, None
        return operation

    def file(self, name: str) -> Path | None:
        """The result file of that name; None when there is none or its 7 days are over."""
        known = self._files.get(name)
        if known is None or known[1].path is None or self._expired(known[1]):
            return None
        return known[1].path

    def knows(self, name: str) -> bool:
        """Whether there ever was a result file of that name."""
        return name in self._files

    def check(self, operation: BulkOperation) -> None:
        """Raise Canceled when the run is to stop."""
        if operation.halt.is_set() or self._closing.is_set():
            raise Canceled

    def stop_shop(self, shop: Shop) -> None:
        """Cancel everything that runs for a store: the app was uninstalled."""
        for operation in shop.operations.values():
            if operation.status in ACTIVE:
                operation.halt.set()

    def close(self) -> None:
        """End every run and delete every file."""
        self._closing.set()
        for thread, operation in list(self._threads.items()):
            operation.halt.set()
            thread.join(5)
        self._folder.cleanup()

    def _expired(self, operation: BulkOperation) -> bool:
        return operation.completed_at is not None and operation.completed_at + FILE_LIFETIME <= self.world.clock.now()

    def _busy(self, shop: Shop, kind: str) -> str | None:
        running = [o.id for o in shop.operations.values() if o.type == kind and o.status in ACTIVE]
        if len(running) < AT_ONCE:
            return None
        ids = ", ".join(f"gid://shopify/BulkOperation/{number}" for number in running)
        return f"A bulk {kind.lower()} operation for this app and shop is already in progress: {ids}."

    def _new(self, access: Access, kind: str, text: str) -> BulkOperation:
        number = next(access.shop.serial)
        operation = BulkOperation(number, kind, text, access.now, access.now)
        access.shop.operations[number] = operation
        return operation

    def _start(self, access: Access, operation: BulkOperation, work: Callable[[Path, float | None], None], allowed: bool) -> None:
        fault = self.world.faults.take("shopify", access.shop.domain, "bulk", BULK_FAULTS)
        name = f"bulk-{operation.id}-{secrets.token_hex(8)}.jsonl"
        thread = threading.Thread(target=self._run, args=(access, operation, work, allowed, fault, name), daemon=True, name=f"bulk-{operation.id}")
        self._threads[thread] = operation
        thread.start()

    def _run(self, access: Access, operation: BulkOperation, work: Callable[[Path, float | None], None], allowed: bool, fault: Fault | None, name: str) -> None:
        path = self.folder() / name
        half = 0.5 if fault is not None and fault.kind in ("bulk_failed", "bulk_canceled") else None
        try:
            with self.world.lock:  # the request that started it answers CREATED first
                if operation.status == "CREATED":
                    operation.status = "RUNNING"
            self._idle(operation)
            self.check(operation)
            if allowed:
                self.working += 1
                try:
                    work(path, half)
                finally:
                    self.working -= 1
                self._hold(operation)
            status, code = ("COMPLETED", None) if allowed else ("FAILED", "ACCESS_DENIED")
            if half is not None:
                status, code = ("FAILED", "INTERNAL_SERVER_ERROR") if fault is not None and fault.kind == "bulk_failed" else ("CANCELED", None)
        except Canceled:
            status, code = "CANCELED", None
        except Exception:
            log.error("sandbox.bulk_failed", operation=operation.id, trace=traceback.format_exc(limit=-8))
            status, code = "FAILED", "INTERNAL_SERVER_ERROR"
        finally:
            self._threads.pop(threading.current_thread(), None)
        if not self._closing.is_set():
            self._finish(access, operation, status, code, path, cut=fault is not None and fault.kind == "bulk_cut")

    def _idle(self, operation: BulkOperation) -> None:
        until = time.monotonic() + self.run_seconds
        while not operation.hurry.is_set() and not operation.halt.is_set() and (left := until - time.monotonic()) > 0:
            operation.halt.wait(min(left, 0.02))

    def _hold(self, operation: BulkOperation) -> None:
        """Let the time pass that its lines take."""
        until = operation.created_at + timedelta(seconds=self.line_seconds * operation.object_count)
        while self.world.clock.now() < until:
            self.check(operation)
            operation.halt.wait(0.002)

    def _finish(self, access: Access, operation: BulkOperation, status: str, code: str | None, path: Path, *, cut: bool) -> None:
        size = path.stat().st_size if path.exists() else 0
        if size:
            operation.path = path
            self._files[path.name] = (access.shop, operation)
            url = f"{access.base_url}/shopify-files/{access.shop.domain}/{path.name}"
            if status == "COMPLETED":
                operation.url, operation.file_size = url, size
            else:
                operation.partial_data_url = url
            if cut:
                with path.open("r+b") as file:
                    file.truncate(max(1, size - max(5, size // 3)))
        operation.completed_at = operation.updated_at = self.world.clock.now()
        operation.error_code = code
        operation.status = status
        payload = {
            "admin_graphql_api_id": f"gid://shopify/BulkOperation/{operation.id}",
            "completed_at": iso(operation.completed_at),
            "created_at": iso(operation.created_at),
            "error_code": code.lower() if code else None,
            "status": status.lower(),
            "type": operation.type.lower(),
        }
        access.webhooks.send(access.store, "bulk_operations/finish", payload)
