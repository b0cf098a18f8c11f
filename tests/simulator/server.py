# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves a world on loopback, in a thread for tests, or as a program."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .app import application
from .clock import Clock, ManualClock
from .control import control_routes
from .faults import Faults
from .request_log import RequestLog
from .world.state import World

LOOPBACK = "127.0.0.1"
_PATIENCE = 60.0
# An idle connection is closed after this many seconds of real time. That is longer than any test takes on a busy
# machine: a client with a test's clock must not send a request on a connection that is just being closed.
_KEEP_ALIVE = 3600


class _Protocol(H11Protocol):
    """Stores its connection for the application, which can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # asyncio does this only for a socket with a protocol. Without it, the second half of a response is late.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self.app_state["transports"][self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.app_state["transports"].pop(self.client, None)
        super().connection_lost(exc)


class Server:
    """A server of a world. It runs once, in a with statement, or between start() and stop()."""

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        control: bool = False,
        certfile: Path | None = None,
        keyfile: Path | None = None,
    ) -> None:
        """Bind a port of loopback (a free one for 0), without serving yet.

        ``control``: serve /_simulator, to all programs that can reach the port. ``certfile``, ``keyfile``: serve https.
        Raises OSError if the port is in use.
        """
        self.world = world
        self.faults = Faults()
        self.requests = RequestLog()
        self._socket = socket.create_server((LOOPBACK, port))
        extra = control_routes(world, self.faults, self.requests) if control else []
        self._config = Config(
            application(world, self.faults, self.requests, extra),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            ssl_certfile=certfile,
            ssl_keyfile=keyfile,
        )
        scheme = "https" if certfile else "http"
        self.url = f"{scheme}://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._begun = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def clock(self) -> Clock:
        """Return the world's clock."""
        return self.world.clock

    def advance(self, seconds: float) -> None:
        """Move a ManualClock on. Raises TypeError for another clock."""
        if not isinstance(self.world.clock, ManualClock):
            raise TypeError("only a ManualClock can be moved on")
        self.world.clock.advance(seconds)

    def start(self) -> None:
        """Start to serve in a thread. Raises RuntimeError if that fails."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run()), name="simulator", daemon=True)
        self._thread.start()
        if not self._begun.wait(_PATIENCE):
            raise RuntimeError("the simulator does not start")

    def stop(self) -> None:
        """Break all connections, and return when the server has ended."""
        if self._loop is not None and self._ending is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._ending.set)
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    async def run(self, seconds: float | None = None) -> None:
        """Serve until stop() is called, or for ``seconds``."""
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self._config.load()
        transports: dict[Any, asyncio.Transport] = {}
        state = ServerState()

        def protocol() -> asyncio.Protocol:
            return _Protocol(self._config, state, {"transports": transports})

        server = await self._loop.create_server(protocol, sock=self._socket, ssl=self._config.ssl)
        self._begun.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        # A new connection gets its transport within two turns of the loop. asyncio would leave one without a transport
        # open if the server was closed first.
        self._loop.remove_reader(self._socket)
        for _turn in range(2):
            await asyncio.sleep(0)
        server.close()
        for transport in list(transports.values()):
            transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)

    def __enter__(self) -> Self:
        """Start to serve."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.stop()


@contextmanager
def serve(world: World, *, port: int = 0, control: bool = False) -> Iterator[Server]:
    """Serve a world on a free port of loopback, for a with statement."""
    with Server(world, port=port, control=control) as server:
        yield server
