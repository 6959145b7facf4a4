"""One HTTP server on which a Shopify, a HubSpot and the controls of both answer.

Addresses: `/shopify/{shop domain}/…` is what `https://{shop domain}/…` is in production, `/shopify-files/…` is Shopify's
file storage, `/hubspot/…` is `https://api.hubapi.com/…`, `/control/…` and `/` are the sandbox's own.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
import traceback
from datetime import datetime
from typing import Any, Protocol

import orjson
import structlog
from werkzeug.wrappers import Request, Response

from integrations.sandbox.calls import Call
from integrations.sandbox.connection import Answer, Broken, Listener
from integrations.sandbox.deliveries import Deliveries
from integrations.sandbox.faults import Fault
from integrations.sandbox.world import World

log = structlog.get_logger(__name__)


class PortInUse(OSError):
    """Another program listens where the sandbox was asked to."""


class PlatformApp(Protocol):
    """What serves one platform. `path` is the address after the platform's own prefix, with its leading slash."""

    def operation(self, request: Request) -> tuple[str, str]:
        """(account, operation name) of a request, without executing it: what faults match and the call log keeps."""

    def handle(self, request: Request, path: str) -> Response:
        """Execute the request. A response with a true `throttled` attribute, or status 429, counts as throttled."""


class SandboxServer:
    """Serves `world` until stopped. Raises PortInUse from `start` and `serve_forever` when the port is taken."""

    def __init__(self, world: World) -> None:
        from integrations.sandbox.controls import Controls
        from integrations.sandbox.hubspot.app import HubSpotApp
        from integrations.sandbox.shopify.app import ShopifyApp
        from integrations.sandbox.shopify.files import ShopifyFiles

        self.world = world
        self.deliveries = Deliveries(world)
        self.shopify = ShopifyApp(world, self.deliveries)
        self.hubspot = HubSpotApp(world, self.deliveries)
        self.controls = Controls(world, self)
        self._platforms: dict[str, tuple[str, PlatformApp]] = {
            "shopify": ("shopify", self.shopify),
            "shopify-files": ("shopify", ShopifyFiles(self.shopify)),
            "hubspot": ("hubspot", self.hubspot),
        }
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def base_url(self) -> str:
        """Where this server answers, without a trailing slash."""
        return self.world.config.base_url

    def start(self) -> None:
        """Answer from a thread of its own; returns when the port is open."""
        listener = self._listen()
        self._thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="sandbox")
        self._thread.start()

    def serve_forever(self) -> None:
        """Answer from the calling thread until `stop` is called elsewhere or the thread is interrupted; stops what it started."""
        listener = self._listen()
        try:
            listener.serve_forever()
        finally:
            self.stop()

    def stop(self) -> None:
        """Close the port and every open connection, end background work, delete temporary files. May be called twice."""
        self._stopping.set()
        listener, self._listener = self._listener, None
        if listener is not None:
            if self._thread is not None:
                listener.shutdown()
                self._thread.join(5)
            listener.server_close()
            listener.hang_up()
        self.shopify.close()
        self.deliveries.close()

    def _listen(self) -> Listener:
        config = self.world.config
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((config.host, config.port))
            bound.listen(256)
        except OSError as error:
            bound.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUse(
                errno.EADDRINUSE,
                f"Port {config.port} on {config.host} is in use; stop the program that listens there or start the sandbox on another port.",
            ) from error
        with bound:  # the listener works on a duplicate of this descriptor
            self._listener = Listener(bound, self._answer)
        return self._listener

    def _answer(self, environ: dict[str, Any]) -> Response:
        request = Request(environ)
        first, _, rest = request.path.lstrip("/").partition("/")
        found = self._platforms.get(first)
        try:
            if found is None:
                return self.controls.handle(request, request.path)
            platform, app = found
            return self._platform_answer(platform, app, request, "/" + rest)
        except Broken:
            raise
        except Exception:
            log.error("sandbox.failed", method=request.method, path=request.path, trace=traceback.format_exc(limit=-8))
            return Answer("The sandbox itself failed on this request; its log says why.\n", 500, mimetype="text/plain")

    def _platform_answer(self, platform: str, app: PlatformApp, request: Request, path: str) -> Response:
        at = self.world.clock.now()
        request.get_data(cache=True, parse_form_data=False)
        account, operation = app.operation(request)
        fault = self.world.faults.take(platform, account, operation)
        try:
            response = self._faulty(fault, platform, app, request, path) if fault else app.handle(request, path)
        except Broken:
            self._record(at, platform, account, operation, 0, throttled=False)
            raise
        throttled = bool(getattr(response, "throttled", False)) or response.status_code == 429
        self._record(at, platform, account, operation, response.status_code, throttled=throttled)
        return response

    def _record(self, at: datetime, platform: str, account: str, operation: str, status: int, *, throttled: bool) -> None:
        """`at` is when the call came in: whoever hung up meanwhile counts from then."""
        self.world.calls.record(Call(at, platform, account, operation, status, throttled))

    def _faulty(self, fault: Fault, platform: str, app: PlatformApp, request: Request, path: str) -> Response:
        if fault.kind == "hang":
            self._stopping.wait(fault.seconds)
            return app.handle(request, path)
        if fault.kind == "reset":
            raise Broken
        if fault.kind in ("apply_then_500", "apply_then_reset", "cut_body"):
            response = app.handle(request, path)
            if fault.kind == "cut_body":
                return _cut(response)
            response.close()
            if fault.kind == "apply_then_reset":
                raise Broken
        return _refusal(platform, fault)


def _cut(response: Response) -> Response:
    if not isinstance(response, Answer):
        length = response.headers.get("Content-Length")
        response = Answer(response.response, response.status, response.headers, direct_passthrough=response.direct_passthrough)
        if length is not None:
            response.headers["Content-Length"] = length
    response.cut = True
    return response


def _refusal(platform: str, fault: Fault) -> Response:
    """The answer of a platform in trouble: shopify.dev "API response status codes", developers.hubspot.com "Error handling"."""
    status = 500 if fault.kind == "apply_then_500" else int(fault.kind)
    headers = {"Retry-After": f"{fault.retry_after:g}" if platform == "hubspot" else str(float(fault.retry_after))} if status == 429 else {}
    if status in (502, 503):
        return Answer("<html><body><h1>Bad gateway</h1></body></html>", status, headers, mimetype="text/html")
    body: dict[str, Any]
    if platform == "hubspot":
        message = "You have reached your ten_secondly_rolling limit." if status == 429 else "internal error"
        body = {"status": "error", "message": message, "correlationId": f"00000000-0000-4000-8000-{time.monotonic_ns() % 10**12:012d}"}
        if status == 429:
            body |= {"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}
    else:
        body = {"errors": "Exceeded the rate limit. Reduce request rates to resume uninterrupted service."}
        if status == 500:
            body = {"errors": [{"message": "Internal error. Looks like something went wrong on our end.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}
    return Answer(orjson.dumps(body), status, headers, mimetype="application/json")
