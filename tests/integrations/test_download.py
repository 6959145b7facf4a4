"""Files from an address that somebody else gave: only where allowed, whole or with an error, in bounded memory."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integrations import http
from integrations.download import LINE_LIMIT, check_address, download
from integrations.errors import Misconfigured, NotFound, Rejected, Transient
from tests.integrations.loopback import Loopback, answer

STORAGE = ["storage.googleapis.com"]
Serve = Callable[..., Loopback]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setattr(http, "TIMEOUT", (0.5, 0.5))
    made: list[Loopback] = []

    def serve(*answers: bytes | float | None) -> Loopback:
        made.append(Loopback(answers))
        return made[-1]

    yield serve
    for each in made:
        each.close()


def leads_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://storage.googleapis.com.evil.example/file",
        "https://evil.example/storage.googleapis.com",
        "http://storage.googleapis.com/file",
        "https://storage.googleapis.com:8443/file",
        "https://user:pass@storage.googleapis.com/file",
        "https://storage.googleapis.com@evil.example/file",
        "ftp://storage.googleapis.com/file",
        "file:///etc/passwd",
        "http://127.0.0.1:9292/file",
        "https://storage.googleapis.com:port/file",
        "",
    ],
)
def test_fault_35_any_other_address_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "142.250.1.1")
    with pytest.raises(Misconfigured):
        check_address(url, STORAGE)


def test_a_listed_host_is_allowed_while_it_leads_to_the_public_network(monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "142.250.1.1")
    check_address("https://storage.googleapis.com/file?sig=1", STORAGE)
    for inside in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1"):
        leads_to(monkeypatch, inside)
        with pytest.raises(Misconfigured, match="private network"):
            check_address("https://storage.googleapis.com/file", STORAGE)


def test_a_port_may_be_allowed_on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    check_address("http://127.0.0.1:9292/file", ["127.0.0.1:9292"])
    with pytest.raises(Misconfigured):
        check_address("http://127.0.0.1:9293/file", ["127.0.0.1:9292"])
    with pytest.raises(Misconfigured):
        check_address("http://10.0.0.1:9292/file", ["10.0.0.1:9292"])


def test_lines_come_one_by_one_without_credentials_and_uncompressed(serve: Serve) -> None:
    server = serve(answer(200, b'{"a":1}\n{"b":2}\n{"c":3}'))
    assert list(download(server.url + "/f", [server.host])) == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    head = server.requests[0].lower()
    assert b"accept-encoding: identity" in head
    assert b"authorization" not in head
    assert b"x-shopify-access-token" not in head


def test_fault_33_a_file_that_breaks_off_says_so(serve: Serve) -> None:
    server = serve(answer(200, b'{"a":1}\n{"b"', length=1000))
    read: list[bytes] = []
    with pytest.raises(Transient, match="broke off"):
        read.extend(download(server.url, [server.host]))


def test_fault_34_a_line_without_end_is_given_up_at_one_megabyte(serve: Serve) -> None:
    server = serve(answer(200, b"x" * (LINE_LIMIT + 200_000)))
    with pytest.raises(Rejected, match="1 MB"):
        list(download(server.url, [server.host]))


def test_fault_34_a_compressed_file_is_not_opened(serve: Serve) -> None:
    server = serve(answer(200, gzip.compress(b"0" * 1_000_000), "Content-Encoding: gzip"))
    with pytest.raises(Rejected, match="compressed"):
        list(download(server.url, [server.host]))


def test_fault_35_a_redirect_is_refused(serve: Serve) -> None:
    trap = serve(answer(200, b"secret"))
    server = serve(answer(302, b"", f"Location: {trap.url}"))
    with pytest.raises(Misconfigured, match="elsewhere"):
        list(download(server.url, [server.host]))
    assert trap.requests == []


@pytest.mark.parametrize(("status", "kind"), [(403, NotFound), (404, NotFound), (410, NotFound), (429, Transient), (503, Transient)])
def test_a_file_that_is_gone_is_told_from_a_storage_in_trouble(serve: Serve, status: int, kind: type[Exception]) -> None:
    server = serve(answer(status, b"<Error/>"))
    with pytest.raises(kind):
        list(download(server.url, [server.host]))
