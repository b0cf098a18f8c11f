# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that limit the time and the size of a response, whatever the server sends.

A timeout of a socket bounds one read. It ends no answer whose bytes come one a second, no flow of interim answers
(``100 Continue``), and no body without an end. Here, the seconds of a read count for the whole answer.
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
    # Nothing here is used then: session.py reports the missing library.
    HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[assignment, misc]

# Of one answer: the bytes that come, interim answers and headers among them, and what a compressed body becomes. A list
# of 1,000 servers has 1 to 1.5 MiB.
LARGEST_ANSWER = 32 << 20
_PIECE = 1 << 16
ENCODINGS = "gzip, deflate"
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
# gzip or zlib, by its first bytes; and raw deflate, which has no such bytes.
_GZIP_OR_ZLIB, _BARE_DEFLATE = 47, -15


class TooLarge(OSError):
    """An answer is larger than LARGEST_ANSWER."""


class Undecodable(OSError):
    """A body is not compressed in the way that its header says."""


class _BoundedReader(io.RawIOBase):
    """Reads a socket until the deadline, as many bytes as an answer may have."""

    def __init__(self, inner: Any, sock: socket.socket, seconds: float | None) -> None:
        self._inner = inner
        self._sock = sock
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._room = LARGEST_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        count: int | None = self._inner.readinto(buffer)
        self._room -= count or 0
        if self._room < 0:
            raise TooLarge
        return count

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        # urllib3 has set the timeout for reading at this point.
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock, sock.gettimeout()))


class _BoundedTimes:
    """Connects and sends in bounded time."""

    sock: Any
    timeout: Any
    port: int
    _dns_host: str

    def _new_conn(self) -> Any:
        """Try all addresses of a host in the time of one: urllib3 takes that for each of them."""
        host, seconds = self._dns_host, self.timeout
        addresses = _addresses(host, self.port)
        if len(addresses) < 2 or not isinstance(seconds, int | float):
            return super()._new_conn()  # type: ignore[misc]
        give_up = time.monotonic() + seconds
        try:
            while True:
                self._dns_host = addresses.pop(0)
                self.timeout = max(0.001, give_up - time.monotonic())
                try:
                    return super()._new_conn()  # type: ignore[misc]
                except urllib3.exceptions.HTTPError:
                    if not addresses or time.monotonic() >= give_up:
                        raise
        finally:
            self._dns_host, self.timeout = host, seconds

    def request(self, *arguments: Any, **more: Any) -> Any:
        # The last answer on this connection has left the timeout that it had not used.
        if self.sock is not None and isinstance(self.timeout, int | float):
            self.sock.settimeout(self.timeout)
        return super().request(*arguments, **more)  # type: ignore[misc]


class _Connection(_BoundedTimes, HTTPConnection):
    response_class = _BoundedResponse


class _SecureConnection(_BoundedTimes, HTTPSConnection):
    response_class = _BoundedResponse


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host; none if it cannot be found, which urllib3 reports."""
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


def read_body(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Return the body of an answer, decompressed, and give its connection back.

    Raises TooLarge, Undecodable, or the errors of urllib3 for a lost connection or a timeout.
    """
    try:
        body = bytearray()
        while piece := answer.read(_PIECE, decode_content=False):
            body += piece
    except BaseException:
        # What is left of the answer must not be taken for the beginning of the next one.
        with suppress(OSError):
            answer.close()
        raise
    answer.release_conn()
    return _decompressed(bytes(body), answer.headers.get("Content-Encoding", ""))


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
        return _inflated(body, _BARE_DEFLATE)
    except zlib.error:
        raise Undecodable from None


def _inflated(body: bytes, kind: int) -> bytes:
    found = bytearray()
    while body:
        engine = zlib.decompressobj(kind)
        found += engine.decompress(body, LARGEST_ANSWER + 1 - len(found))
        if len(found) > LARGEST_ANSWER:
            raise TooLarge
        if not engine.eof:
            raise zlib.error
        # gzip may have several members, one after the other; some servers fill up with zeros.
        body = engine.unused_data.lstrip(b"\0")
    return bytes(found)
