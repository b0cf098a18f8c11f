# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application: what a test wants to go wrong with a request, and how long things take."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .api import pages
from .api.handling import Incoming, Reply, handle, http_date
from .api.negotiation import HTML
from .faults import Fault, Faults
from .request_log import Logged, RequestLog
from .world.state import World


class Atmosphere:
    """Answers all requests to the simulated Atmosphere."""

    def __init__(self, world: World, faults: Faults, log: RequestLog) -> None:
        """Answer from a world, with faults, and log it all."""
        self._world = world
        self._faults = faults
        self._log = log
        self._busy = 0
        self._free = asyncio.Condition()

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        began = time.monotonic()
        incoming = await _incoming(request)
        fault = self._faults.strike(incoming.method, incoming.full_path)
        await asyncio.sleep(self._world.settings.latency + (fault.delay if fault else 0.0))
        reply = await self._reply(incoming, fault)
        dropped = fault is not None and fault.drop is not None
        ended = time.monotonic()
        status = 0 if dropped else reply.status
        self._log.add(Logged(incoming.method, incoming.full_path, status, _data(incoming.body), began, ended))
        if dropped:
            await _drop_connection(request)
        return self._response(reply)

    async def _reply(self, incoming: Incoming, fault: Fault | None) -> Reply:
        if fault is None:
            return await self._work(incoming)
        if fault.drop == "before":
            return Reply(500, b"", None)
        if fault.drop is None and fault.status is not None:
            return _as_told(fault)
        reply = await self._work(incoming)
        if fault.html:
            page = pages.browsable("Jetstream", reply.status, None)
            return replace(reply, body=page.encode(), content_type=HTML)
        if fault.truncate:
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        return reply

    async def _work(self, incoming: Incoming) -> Reply:
        """Have Atmosphere answer, by one of its workers."""
        async with self._free:
            await self._free.wait_for(lambda: self._busy < (self._world.settings.workers or self._busy + 1))
            self._busy += 1
        try:
            reply = handle(self._world, incoming)
            if reply.cost:
                await asyncio.sleep(reply.cost)
            return reply
        finally:
            async with self._free:
                self._busy -= 1
                self._free.notify_all()

    def _response(self, reply: Reply) -> Response:
        response = Response(reply.body, reply.status)
        if reply.status == 204:
            del response.headers["content-length"]
        if reply.content_type is not None:
            response.headers["content-type"] = reply.content_type
        response.headers["date"] = http_date(self._world.now())
        for name, value in reply.headers:
            response.headers.append(name, value)
        return response


def application(world: World, faults: Faults, log: RequestLog, extra: list[Route]) -> Starlette:
    """Return the application; C(extra) are routes that go before Atmosphere's own."""
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    atmosphere = Atmosphere(world, faults, log)

    async def endpoint(request: Request) -> Response:
        return await atmosphere(request)

    return Starlette(routes=[*extra, Route("/{path:path}", endpoint, methods=methods)])


async def _incoming(request: Request) -> Incoming:
    return Incoming(
        method=request.method,
        scheme=request.url.scheme,
        host=request.headers.get("host", ""),
        path=request.url.path,
        query_string=request.url.query,
        query=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


def _as_told(fault: Fault) -> Reply:
    headers = {name.lower(): value for name, value in fault.headers.items()}
    if isinstance(fault.body, str):
        kind = headers.pop("content-type", "text/plain; charset=utf-8")
        return Reply(fault.status or 500, fault.body.encode(), kind, list(headers.items()))
    kind = headers.pop("content-type", "application/json")
    return Reply(fault.status or 500, json.dumps(fault.body).encode(), kind, list(headers.items()))


def _data(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


async def _drop_connection(request: Request) -> None:
    """Break the connection, so that nothing more goes to the client (the server keeps what it needs for that)."""
    transport = request.scope["state"]["transports"].get(request.scope["client"])
    if transport is not None:
        transport.abort()
    # The server notices in its next turn.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
