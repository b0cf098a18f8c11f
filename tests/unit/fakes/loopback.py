# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that sends given bytes, and nothing else."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Any, Self

# Instead of a response: DROP closes the connection, SILENCE sends nothing until the client gives up.
DROP = b"drop"
SILENCE = b"silence"
_LONGEST_SILENCE = 10.0
_TLS_HANDSHAKE = b"\x16"
_REASONS = {200: "OK", 302: "Found", 500: "Internal Server Error", 503: "Service Unavailable"}


def answer(
    status: int = 200,
    body: Any = None,
    *,
    content_type: str | None = "application/json",
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """Return a response as bytes. A body that is not text or bytes becomes JSON. ``length`` may be wrong on purpose."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Whatever')}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines.append(f"Content-Length: {len(content) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass(frozen=True, slots=True)
class Flow:
    """A response without an end: ``first``, and then ``again`` for ever, every ``pause`` seconds."""

    first: bytes
    again: bytes
    pause: float = 0.0

    def pieces(self, over: threading.Event) -> Iterator[bytes]:
        yield self.first
        while not over.wait(self.pause):
            yield self.again


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as the server received it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Loopback:
    """Sends ``answers``, one per request, in order; further requests get ``otherwise``. It runs in a with statement."""

    def __init__(
        self, *answers: bytes | Flow, otherwise: bytes | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self.answers = deque(answers)
        self.received: list[ReceivedRequest] = []
        self.connections = 0
        self.over = threading.Event()
        self._otherwise = otherwise or answer(500, {"detail": "this request was not expected"})
        self._lock = threading.Lock()
        self._server = _Server(self, context)
        scheme = "https" if context else "http"
        self.port: int = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def take(self, request: ReceivedRequest) -> bytes | Flow:
        with self._lock:
            self.received.append(request)
            return self.answers.popleft() if self.answers else self._otherwise

    def _serve(self) -> None:
        """Accept connections until the end, which is a connection as well, so that no test waits for a poll."""
        while True:
            connection, address = self._server.get_request()
            if self.over.is_set():
                connection.close()
                return
            self._server.process_request(connection, address)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        with socket.socket() as last:
            last.connect(("127.0.0.1", self.port))
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, loopback: Loopback, context: ssl.SSLContext | None) -> None:
        self.loopback = loopback
        self._context = context
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._context:
            try:
                request = self._context.wrap_socket(request, server_side=True)
            except OSError:
                # The client refused the certificate.
                return
        with request:
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print no traceback: in some tests, the client closes the connection early."""


class _Handler(StreamRequestHandler):
    server: _Server
    rfile: BufferedReader
    # Small parts of a response are sent at once.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.server.loopback.connections += 1
        while request := self._read():
            reply = self.server.loopback.take(request)
            if isinstance(reply, Flow):
                for piece in reply.pieces(self.server.loopback.over):
                    self.wfile.write(piece)
                return
            if reply == SILENCE:
                self.server.loopback.over.wait(_LONGEST_SILENCE)
            if reply in (SILENCE, DROP):
                return
            self.wfile.write(reply)
            if b"Content-Length: 99999" in reply:
                return

    def _read(self) -> ReceivedRequest | None:
        if self.rfile.peek(1)[:1] == _TLS_HANDSHAKE:
            self.wfile.write(answer(400, "This is not HTTP.", content_type="text/plain"))
            return None
        first = self.rfile.readline().decode().split()
        if len(first) != 3:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline().strip().decode():
            name, _separator, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return ReceivedRequest(first[0], first[1], headers, self.rfile.read(int(headers.get("content-length", 0))))


def refusing_port() -> socket.socket:
    """Return a socket whose port refuses every connection while the socket is open, since no server listens."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder
