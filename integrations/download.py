"""Files whose address a platform gives: fetched only from hosts that the settings name, line by line, in bounded memory.

The address is data from outside and may point anywhere (OWASP, "Server-Side Request Forgery Prevention"): https only, the
host exactly as listed, no private address behind it, no redirect, no credentials sent along.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from integrations import http
from integrations.errors import Misconfigured, NotFound, Rejected, Transient

LINE_LIMIT = 1024 * 1024  # bytes of one line
FILE_LIMIT = 10 * 1024**3  # bytes of one file
_CHUNK = 64 * 1024


def check_address(url: str, allowed_hosts: Collection[str]) -> None:
    """Raise Misconfigured unless `url` may be called.

    Allowed is https on port 443 of a listed host whose addresses are all public. An entry "host:port" that means this very
    machine allows exactly that port, also without https: for test servers, and refused by `manage.py check --deploy`.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Misconfigured("The platform named a file address that cannot be read; nothing was fetched.") from None
    if parts.username is not None or parts.password is not None:
        raise Misconfigured("The platform named a file address with a login in it; nothing was fetched.")
    if port is not None and f"{host}:{port}" in allowed_hosts and _loopback(host):
        return
    if host not in allowed_hosts or port not in (None, 443):
        raise Misconfigured(f"A file on '{host}' was refused: only the hosts in SHOPIFY_FILE_HOSTS are allowed.")
    if parts.scheme != "https":
        raise Misconfigured(f"A file on '{host}' was refused: its address does not begin with https://.")
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        raise Transient(f"The address of '{host}' cannot be found.") from None
    if not all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found):
        raise Misconfigured(f"A file on '{host}' was refused: the host leads to a private network.")


def download(url: str, allowed_hosts: Collection[str], start: int = 0) -> Iterator[bytes]:
    """The lines of the file from byte `start` on, without their line ends; the last one also when its line end is missing.

    Raises Misconfigured for an address that is not allowed, NotFound for any 4xx (addresses of result files expire),
    Rejected for a file over the limits or sent compressed, and Transient when it is cut off: never a short file in silence.
    """
    check_address(url, allowed_hosts)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = http.session().get(url, headers=headers, timeout=http.TIMEOUT, allow_redirects=False, stream=True, auth=_no_auth)
    except requests.RequestException as error:
        raise http.failure(error, safe=True) from None
    with response:
        if response.is_redirect or 300 <= response.status_code < 400:
            raise Misconfigured("The file's address leads elsewhere, and redirects are never followed.")
        if response.status_code == 429 or response.status_code >= 500:
            raise Transient(f"The file storage answered {response.status_code}.", http.retry_after(response))
        if response.status_code not in (200, 206):
            raise NotFound(f"The file is no longer there: the file storage answered {response.status_code}.")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Rejected("The file was sent compressed although it was asked for as it is; it was not read.")
        # A storage that does not know ranges (RFC 9110, 14.2) sends the whole file: what was read before is passed over.
        yield from _lines(response, 0 if response.status_code == 206 else start)


def _lines(response: requests.Response, skip: int) -> Iterator[bytes]:
    rest, total = b"", 0
    try:
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            before, total = total, total + len(chunk)
            if total <= skip:
                continue
            chunk = chunk[max(0, skip - before) :]
            if total > FILE_LIMIT:
                raise Rejected("The file is larger than 10 GB; it was not read to its end.")
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if len(line) > LINE_LIMIT:
                    break
                yield line
            else:
                if len(rest) <= LINE_LIMIT:
                    continue
            raise Rejected("A line of the file is longer than 1 MB; it was not read any further.")
    except (HTTPError, OSError):
        raise Transient("The file broke off while it was read.") from None
    if rest:
        yield rest


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # given so that requests adds no ~/.netrc login
