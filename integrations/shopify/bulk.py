"""Bulk operations (shopify.dev, "Perform bulk operations with the GraphQL Admin API"): started, watched, read to the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from integrations import http
from integrations.download import download
from integrations.errors import NotFound, Rejected, Restart, Transient
from integrations.shopify.client import ShopifyClient

RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})


@dataclass(frozen=True, slots=True)
class Operation:
    """A bulk operation as Shopify last told it. `objects` counts the lines of its file; "" for an address: none."""

    gid: str
    status: str
    error: str
    objects: int
    url: str
    partial_url: str

    @property
    def running(self) -> bool:
        """Whether it is worth asking again."""
        return self.status in RUNNING


def start_query(client: ShopifyClient, text: str) -> str:
    """Start this query over the whole store; returns the operation's id.

    Raises Transient while five others of ours run (a sixth is refused), Rejected when Shopify does not take the query.
    """
    answer = client.execute("start_bulk_query", {"query": text})
    return started(answer["bulkOperationRunQuery"])


def started(answer: dict[str, Any]) -> str:
    """The id of the operation that `answer` started; raises Transient or Rejected when it started none."""
    for error in answer["userErrors"]:
        said = http.without_personal_data(str(error.get("message", "")))
        if error.get("code") in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED"):
            raise Transient("Shopify is still busy with other bulk operations of this store.", retry_after=30)
        if error.get("code") == "INTERNAL_FILE_SERVER_ERROR":
            raise Transient(f"Shopify's file storage failed: {said}", retry_after=30)
        raise Rejected(f"Shopify does not take the bulk operation: {said}")
    if not answer["bulkOperation"]:
        raise Transient("Shopify did not say which bulk operation it started.")
    return str(answer["bulkOperation"]["id"])


def poll(client: ShopifyClient, gid: str) -> Operation:
    """How the operation stands now. Raises Restart when Shopify no longer knows it."""
    try:
        told = client.execute("bulk_operation", {"id": gid})["bulkOperation"]
    except NotFound:
        told = None
    if not told:
        raise Restart("Shopify no longer knows the bulk operation.")
    return Operation(
        gid,
        told["status"],
        told["errorCode"] or "",
        int(told["objectCount"] or 0),
        told["url"] or "",
        told["partialDataUrl"] or "",
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a result file was read: so many lines, which are so many bytes."""

    lines: int = 0
    bytes: int = 0


def lines(operation: Operation, mark: Mark) -> Iterator[tuple[dict[str, Any], Mark]]:
    """Every line of a finished query after `mark`, in order, each with the mark after it.

    Ends without an error only when the file held exactly as many lines as Shopify counted objects. Raises Restart when the
    operation failed, its file is gone or its content is not what was counted; Transient when the file broke off.
    """
    if operation.status != "COMPLETED":
        reason = f" ({operation.error})" if operation.error else ""
        raise Restart(f"Shopify's bulk operation ended as {operation.status}{reason}.")
    if not operation.url:
        if operation.objects:
            raise Restart(f"Shopify counts {operation.objects} objects but gives no file.")
        return
    if mark.lines and mark.lines == operation.objects:
        return
    try:
        for line in download(operation.url, settings.SHOPIFY_FILE_HOSTS, mark.bytes):
            mark = Mark(mark.lines + 1, mark.bytes + len(line) + 1)
            yield _object(line, mark.lines), mark
    except NotFound as error:
        raise Restart(str(error)) from error
    if mark.lines != operation.objects:
        raise Restart(f"Shopify's file holds {mark.lines} lines but {operation.objects} were counted.")


def results(url: str) -> Iterator[dict[str, Any]]:
    """Every readable line of a mutation's result file, also of a partial one; ends early in silence when it broke off.

    Whoever reads it must treat what is missing as unknown.
    """
    try:
        for count, line in enumerate(download(url, settings.SHOPIFY_FILE_HOSTS), start=1):
            yield _object(line, count)
    except (Transient, NotFound):
        return


def _object(line: bytes, count: int) -> dict[str, Any]:
    try:
        read = orjson.loads(line)
    except orjson.JSONDecodeError:
        read = None
    if not isinstance(read, dict):
        raise Restart(f"Line {count} of Shopify's file is not a JSON object.")
    return read
