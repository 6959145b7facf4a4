"""The sandbox's side of an HTTP/1.1 connection: keep-alive, and the ways to break it that the fault plan asks for.

Werkzeug's own development handler closes every connection after one answer; real platforms keep them open, and clients
under test must cope with both, so answers are written here.
"""

from __future__ import annotations

import contextlib
import io
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any, cast

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

BODY_LIMIT = 110 * 1024 * 1024  # a little over the 100 MB of a staged upload, so that the limit itself is answered


class Broken(Exception):
    """Raised by the application to have the connection reset (the client sees ECONNRESET) instead of answered."""


class Answer(Response):
    """An answer that says whether it refuses for the rate limit, and whether its body is to be cut in half."""

    throttled = False
    cut = False


class Handler(WSGIRequestHandler):
    """Serves requests of one connection one after the other; reads each body whole so that the next request starts clean."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120  # an idle client does not hold a thread for ever

    def setup(self) -> None:
        """Enter this connection in the server's list of open ones."""
        super().setup()
        cast(Listener, self.server).opened.add(self.connection)

    def finish(self) -> None:
        """Leave the list of open connections."""
        cast(Listener, self.server).opened.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def run_wsgi(self) -> None:
        """Answer one request, or break the connection when the application says so."""
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.environ = environ = self.make_environ()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            self.close_connection = True
            self._send("413 Content Too Large", [("Content-Type", "text/plain")], [b"The body is too large."], cut=False)
            return
        if not environ.get("wsgi.input_terminated"):
            environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(length)))
        try:
            answer = cast(Callable[[dict[str, Any]], Response], self.server.app)(environ)
        except Broken:
            self._reset()
            return
        if environ.get("wsgi.input_terminated"):
            environ["wsgi.input"].read()
        body, status, headers = answer.get_wsgi_response(environ)
        try:
            self._send(status, headers, body, cut=isinstance(answer, Answer) and answer.cut)
        finally:
            answer.close()

    def _send(self, status: str, headers: list[tuple[str, str]], body: Iterable[bytes], *, cut: bool) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        length = None
        for key, value in headers:
            self.send_header(key, value)
            if key.lower() == "content-length":
                length = int(value)
        if length is None and int(code) not in (204, 304):
            body = [b"".join(body)]
            length = len(body[0])
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close" if self.close_connection or cut else "keep-alive")
        buffer = cast(list[bytes], self._headers_buffer)
        buffer.append(b"\r\n")
        head = b"".join(buffer)
        buffer.clear()
        left = (length or 0) // 2 if cut else None
        for chunk in body if self.command != "HEAD" else ():
            if left is not None:
                chunk, left = chunk[:left], max(0, left - len(chunk))
            self.wfile.write(head + chunk)
            head = b""
            if left == 0:
                break
        if head:
            self.wfile.write(head)
        if cut:
            self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        # zero linger makes close send RST rather than FIN; shutdown would send FIN first, so the descriptor is closed at once
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        cast(Listener, self.server).opened.discard(self.connection)
        self.rfile.close()  # the descriptor stays open while a stream refers to it
        self.connection.close()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet: the call log tells what was asked."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Keep quiet: clients under test hang up on purpose."""


class Listener(ThreadedWSGIServer):
    """A threaded listener that can also hang up on the connections it has open."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, bound: socket.socket, app: Callable[[dict[str, Any]], Response]) -> None:
        self.opened: set[socket.socket] = set()
        host, port = bound.getsockname()[:2]
        super().__init__(host, port, cast(Any, app), Handler, fd=bound.fileno())

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, also one that a fault has closed already."""
        with contextlib.suppress(OSError):
            super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close every open connection, so that a stopped sandbox answers nobody."""
        for connection in list(self.opened):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
