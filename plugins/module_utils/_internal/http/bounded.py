# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that limit the time and the size of a response, whatever the server sends.

The timeout of a socket limits a single read. It does not limit a response that arrives byte by byte, a series of
interim responses (``100 Continue``), or an endless body. Here, the read timeout applies to the whole response.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
import zlib
from contextlib import suppress
from typing import Any

try:
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError:
    # Without requests, nothing in this module is used: session.py reports the missing library.
    HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[assignment, misc]

# The maximum size of a response in bytes. It applies to the received bytes, including headers and interim responses,
# and to the decompressed body. A list of 1,000 servers has 1 to 1.5 MiB.
LARGEST_RESPONSE = 32 << 20
_CHUNK = 1 << 16
ENCODINGS = "gzip, deflate"
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
# Values of zlib's wbits: gzip or zlib, detected by the header, and raw deflate, which has no header.
_GZIP_OR_ZLIB, _RAW_DEFLATE = 47, -15


class TooLarge(OSError):
    """A response is larger than LARGEST_RESPONSE."""


class Undecodable(OSError):
    """A body cannot be decompressed by the encoding in its ``Content-Encoding`` header."""


class _BoundedReader(io.RawIOBase):
    """Reads a socket until a deadline of ``seconds`` from now, LARGEST_RESPONSE bytes at most."""

    def __init__(self, inner: Any, sock: socket.socket, seconds: float | None) -> None:
        self._inner = inner
        self._sock = sock
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._bytes_left = LARGEST_RESPONSE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        count: int | None = self._inner.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise TooLarge
        return count

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """A response that is read by a ``_BoundedReader``."""

    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        # At this point, the timeout of the socket is urllib3's read timeout.
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock, sock.gettimeout()))


class _BoundedConnection:
    """Limits the time to connect and to send. A mixin for the connections of urllib3."""

    sock: Any
    timeout: Any
    port: int
    _dns_host: str

    def _new_conn(self) -> Any:
        """Try all addresses of a host within one connect timeout. urllib3 applies the timeout to each address."""
        host, seconds = self._dns_host, self.timeout
        addresses = _addresses(host, self.port)
        if len(addresses) < 2 or not isinstance(seconds, int | float):
            return super()._new_conn()  # type: ignore[misc]
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._dns_host = addresses.pop(0)
                self.timeout = max(0.001, deadline - time.monotonic())
                try:
                    return super()._new_conn()  # type: ignore[misc]
                except urllib3.exceptions.HTTPError:
                    if not addresses or time.monotonic() >= deadline:
                        raise
        finally:
            self._dns_host, self.timeout = host, seconds

    def request(self, *arguments: Any, **more: Any) -> Any:
        # The previous response on this connection has reduced the timeout of the socket to its remaining time.
        if self.sock is not None and isinstance(self.timeout, int | float):
            self.sock.settimeout(self.timeout)
        return super().request(*arguments, **more)  # type: ignore[misc]


class _Connection(_BoundedConnection, HTTPConnection):
    response_class = _BoundedResponse


class _SecureConnection(_BoundedConnection, HTTPSConnection):
    response_class = _BoundedResponse


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host; none if the lookup fails: urllib3 repeats the lookup, and reports the error."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]) for *_kinds, address in found))


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}


def read_body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Return the decompressed body of a response, and return its connection to the pool.

    Raises TooLarge, Undecodable, or the errors of urllib3 for a lost connection or a timeout.
    """
    try:
        body = bytearray()
        while chunk := response.read(_CHUNK, decode_content=False):
            body += chunk
    except BaseException:
        # The unread rest of the response must not become the beginning of the next one.
        with suppress(OSError):
            response.close()
        raise
    response.release_conn()
    return _decompressed(bytes(body), response.headers.get("Content-Encoding", ""))


def _decompressed(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in _COMPRESSED:
        raise Undecodable
    try:
        return _inflated(body, _GZIP_OR_ZLIB)
    except zlib.error:
        if encoding != "deflate":
            raise Undecodable from None
    try:
        return _inflated(body, _RAW_DEFLATE)
    except zlib.error:
        raise Undecodable from None


def _inflated(body: bytes, wbits: int) -> bytes:
    """Return the decompressed body. Raises TooLarge, or ``zlib.error`` if the body is damaged or incomplete."""
    found = bytearray()
    while body:
        engine = zlib.decompressobj(wbits)
        found += engine.decompress(body, LARGEST_RESPONSE + 1 - len(found))
        if len(found) > LARGEST_RESPONSE:
            raise TooLarge
        if not engine.eof:
            raise zlib.error
        # A gzip body may consist of several members, and some servers pad it with zeros.
        body = engine.unused_data.lstrip(b"\0")
    return bytes(found)
