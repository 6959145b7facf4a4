"""Many tag changes as bulk mutations (shopify.dev, "Bulk import data with the GraphQL Admin API").

One operation adds, one removes; both run at the same time. Lines are not carried out in order. An operation outlives the process
that started it, up to 24 hours: Shopify itself is asked for those that still run, which also finds one whose start got no answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import orjson
import structlog
from django.conf import settings

from integrations import http, waiting
from integrations.base import Outcome, Result
from integrations.download import check_address
from integrations.errors import IntegrationError, Misconfigured, Permanent, Rejected, Restart, Stopped, Transient, UnknownOutcome
from integrations.shopify import bulk, documents
from integrations.shopify.client import ShopifyClient, decision
from integrations.shopify.tag_calls import TagCall, judged, write_directly

log = structlog.get_logger(__name__)

PATIENCE = 150.0  # seconds an operation may take before it is cancelled; well below a worker's own limit
CANCELLING = 15.0  # seconds to wait for a cancelled one to end, so that what it did can be read
OVERDUE = timedelta(seconds=PATIENCE + CANCELLING + 15)  # from then on nobody watches an operation any more, unless Shopify began it late
ASK_AGAIN = 10.0  # seconds between looks at an operation that a dead process has left behind
POLLS = (0.25, 0.5, 1.0, 2.0, 3.0)  # seconds between looks, the last one from then on


def write_in_bulk(client: ShopifyClient, calls: Sequence[TagCall]) -> list[Outcome]:
    """Carry the calls out. Raises only when nothing was carried out (`integrations.base.Destination.write`).

    A call that the result file does not tell of is UNKNOWN; one whose operation was never started is UNSENT, one that was denied RETRY. Calls that Shopify does
    not take as one operation are sent directly, so that each gets an outcome of its own. Once writing is stopped what runs is cancelled.
    """
    outcomes: list[Outcome] = []
    running: list[tuple[str, list[TagCall]]] = []
    refused: list[TagCall] = []
    failed: IntegrationError | None = None
    for some in ([call for call in calls if call.add], [call for call in calls if not call.add]):
        if not some:
            continue
        try:
            running.append((_start(client, some), some))
        except UnknownOutcome as error:
            outcomes += _each(some, Result.UNKNOWN, str(error))
        except Rejected as error:
            log.warning("shopify.bulk_refused", reason=str(error))
            refused += some
        except IntegrationError as error:
            failed = error
            outcomes += _each(some, Result.UNSENT, str(error))
    deadline = waiting.monotonic() + PATIENCE
    for gid, some in running:
        told, denied = _finish(client, gid, some, deadline)
        outcomes += told
        failed = denied or failed
    if failed is not None and not refused and all(outcome.result in (Result.RETRY, Result.UNSENT) for outcome in outcomes):
        raise failed
    try:
        return outcomes + write_directly(client, refused)
    except IntegrationError as error:
        if not outcomes:
            raise
        return outcomes + _each(refused, Result.UNSENT, str(error))


def unfinished_jobs(client: ShopifyClient, now: datetime) -> float:
    """Seconds after which to ask again while a bulk mutation of ours runs that nobody watches; 0.0 when none does.

    It is waited for, since what it does is mostly still wanted; one that is overdue is cancelled first.
    """
    told = client.execute("running_jobs")
    jobs = {node["id"]: node["createdAt"] for found in told.values() for node in found["nodes"]}
    ending = {node["id"] for node in told["canceling"]["nodes"]}
    for gid, begun in jobs.items():
        overdue = now - datetime.fromisoformat(begun) > OVERDUE
        log.warning("shopify.bulk_left_behind", gid=gid, domain=client.domain, overdue=overdue)
        if overdue and gid not in ending:
            try:
                client.execute("cancel_bulk", {"id": gid})
            except Permanent as error:  # it has just ended
                log.info("shopify.bulk_not_cancelled", gid=gid, reason=str(error))
    return ASK_AGAIN if jobs else 0.0


def _start(client: ShopifyClient, calls: Sequence[TagCall]) -> str:
    """Upload the variables and start the operation; returns its id. Only UnknownOutcome may have started one."""
    path = _upload(client, b"".join(orjson.dumps(call.variables) + b"\n" for call in calls))
    variables = {"mutation": documents.text(calls[0].document), "path": path, "name": f"segsync-{secrets.token_hex(12)}"}
    return bulk.started(client.execute("start_bulk_mutation", variables)["bulkOperationRunMutation"])


def _upload(client: ShopifyClient, lines: bytes) -> str:
    """The path of the file that Shopify's storage now holds. Uploading changes nothing in the store."""
    try:
        answer = client.execute("stage_upload", {"filename": "tags.jsonl"})["stagedUploadsCreate"]
    except UnknownOutcome as error:
        raise Transient(str(error), error.retry_after) from None
    if answer["userErrors"] or not answer["stagedTargets"]:
        raise Transient("Shopify gave no place to upload to.", retry_after=30)
    target = answer["stagedTargets"][0]
    fields = [(each["name"], each["value"]) for each in target["parameters"]]
    check_address(target["url"], settings.SHOPIFY_FILE_HOSTS)
    try:  # requests writes the fields in this order and the file last, as the storage wants it
        http.send("POST", target["url"], safe=True, data=fields, files=[("file", ("tags.jsonl", lines, "text/jsonl"))])
    except Stopped:
        raise
    except IntegrationError as error:
        log.warning("shopify.upload_failed", reason=type(error).__name__)
        raise Transient("Shopify's file storage did not take the upload.", retry_after=30) from None
    return str(dict(fields).get("key", ""))


def _finish(client: ShopifyClient, gid: str, calls: list[TagCall], deadline: float) -> tuple[list[Outcome], Misconfigured | None]:
    """The outcomes of a started operation, and why Shopify denied it if it did; whatever goes wrong from here on leaves them unknown, never undone."""
    try:
        try:
            operation = _watch(client, gid, deadline)
        except Stopped:
            operation = None
        with waiting.in_any_case():
            if operation is None or operation.running:
                client.execute("cancel_bulk", {"id": gid})
                operation = _watch(client, gid, waiting.monotonic() + CANCELLING)
            return _read(calls, operation)
    except IntegrationError as error:
        log.warning("shopify.bulk_unknown", gid=gid, reason=str(error))
        return _each(calls, Result.UNKNOWN, str(error)), None


def _watch(client: ShopifyClient, gid: str, deadline: float) -> bulk.Operation:
    """How the operation ended, or stands at the deadline. A look that gets no answer is not the last one: what runs must not be left alone."""
    looks = iter(POLLS)
    pause = next(looks)
    while True:
        late = waiting.monotonic() >= deadline
        try:
            operation = bulk.poll(client, gid)
            if late or not operation.running:
                return operation
        except (Stopped, Restart):
            raise
        except Transient:
            if late:
                raise
        waiting.sleep(pause)
        pause = next(looks, pause)


def _read(calls: list[TagCall], operation: bulk.Operation) -> tuple[list[Outcome], Misconfigured | None]:
    url = operation.url or operation.partial_url
    if not url and (operation.status, operation.error) == ("FAILED", "ACCESS_DENIED"):
        denied = Misconfigured("Shopify denies access to the bulk operation: a scope is missing. Install the app again and allow it.")
        return _each(calls, Result.RETRY, str(denied)), denied
    outcomes: list[Outcome] = []
    refused: Misconfigured | None = None
    left = dict(enumerate(calls))
    for line in bulk.results(url) if url else ():
        call = left.pop(line.get("__lineNumber", -1), None)
        if call is None:
            continue
        answer = (line.get("data") or {}).get(call.field)
        if answer is None:
            answer = decision([error for error in line.get("errors") or () if isinstance(error, dict)] or [{}], safe=False)
            refused = answer if isinstance(answer, Misconfigured) else refused
        outcomes += judged(call, answer)
    untold = f"Shopify's bulk operation ended as {operation.status} and does not tell of this one."
    return outcomes + _each(left.values(), Result.UNKNOWN, untold), refused


def _each(calls: Iterable[TagCall], result: Result, detail: str) -> list[Outcome]:
    return [outcome for call in calls for outcome in call.outcomes(result, detail)]
