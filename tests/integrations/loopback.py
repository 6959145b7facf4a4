"""A server on loopback that answers each connection with the bytes a test gives it, or breaks it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Sequence


class Loopback:
    """Answers connection n with `answers[n]` (the last one from then on) and closes it; `None` resets it, a number hangs that long."""

    def __init__(self, answers: Sequence[bytes | float | None]) -> None:
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more; returns when the port is closed."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(self._read(connection))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                elif answer is None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    time.sleep(answer)

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


def answer(status: int, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """An HTTP/1.1 answer; `length` is what it claims to hold."""
    head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body) if length is None else length}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
