# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application, which adds faults and latency to the responses of the API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .api import pages
from .api.handling import RawRequest, RawResponse, handle, http_date
from .api.negotiation import HTML
from .faults import Fault, Faults
from .odd_values import edited
from .request_log import Logged, RequestLog
from .streams import Stream, TimeIsUp, pieces, write_slowly
from .world.state import World


class Atmosphere:
    """Handles all requests to the simulated Atmosphere."""

    def __init__(self, world: World, faults: Faults, log: RequestLog) -> None:
        """Handle requests with a world and with faults, and log them."""
        self._world = world
        self._faults = faults
        self._log = log
        self._busy = 0
        self._free = asyncio.Condition()

    async def __call__(self, request: Request) -> Response:
        """Return the response to a request."""
        began = time.monotonic()
        raw = await _raw_request(request)
        fault = self._faults.strike(raw.method, raw.full_path)
        await asyncio.sleep(self._world.settings.latency + (fault.delay if fault else 0.0))
        reply = await self._reply(raw, fault)
        if fault is not None and fault.then is not None:
            fault.then()
        stream = fault.stream if fault else None
        unanswered = fault is not None and (
            fault.drop is not None or (stream is not None and stream.kind == "continue")
        )
        ended = time.monotonic()
        status = 0 if unanswered else reply.status
        self._log.add(Logged(raw.method, raw.full_path, status, _data(raw.body), began, ended))
        if fault is not None and fault.drop is not None:
            await _drop_connection(request)
        elif stream is not None:
            return await self._streamed(request, stream, reply)
        return self._response(reply)

    async def _reply(self, raw: RawRequest, fault: Fault | None) -> RawResponse:
        if fault is None:
            return await self._work(raw)
        if fault.drop == "before":
            return RawResponse(500, b"", None)
        told = fault.drop is None and fault.status is not None
        if told and not fault.carried_out:
            return _as_told(fault)
        reply = await self._work(raw)
        if told:
            return _as_told(fault)
        if fault.html:
            page = pages.browsable("Jetstream", reply.status, None)
            return replace(reply, body=page.encode(), content_type=HTML)
        if fault.truncate:
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        if fault.edit:
            return replace(reply, body=edited(reply.body, fault.edit, fault.of))
        return reply

    async def _work(self, raw: RawRequest) -> RawResponse:
        """Return Atmosphere's response, when one of its workers is free."""
        async with self._free:
            await self._free.wait_for(lambda: self._busy < (self._world.settings.workers or self._busy + 1))
            self._busy += 1
        try:
            reply = handle(self._world, raw)
            if reply.cost:
                await asyncio.sleep(reply.cost)
            return reply
        finally:
            async with self._free:
                self._busy -= 1
                self._free.notify_all()

    async def _streamed(self, request: Request, stream: Stream, reply: RawResponse) -> Response:
        response = self._response(reply)
        if stream.kind in ("continue", "drip-all"):
            transport = _transport(request)
            if transport is not None:
                await write_slowly(stream, transport, _raw(response))
            return response
        if stream.kind != "drip":
            del response.headers["content-length"]
        if stream.kind == "bomb":
            response.headers["content-encoding"] = "gzip"
        return StreamingResponse(
            _until_time_is_up(request, stream, reply.body), reply.status, headers=dict(response.headers)
        )

    def _response(self, reply: RawResponse) -> Response:
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
    """Return the application. ``extra``: routes that come before Atmosphere's own."""
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    atmosphere = Atmosphere(world, faults, log)

    async def endpoint(request: Request) -> Response:
        return await atmosphere(request)

    return Starlette(routes=[*extra, Route("/{path:path}", endpoint, methods=methods)])


async def _raw_request(request: Request) -> RawRequest:
    return RawRequest(
        method=request.method,
        scheme=request.url.scheme,
        host=request.headers.get("host", ""),
        path=request.url.path,
        query_string=request.url.query,
        query=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


def _as_told(fault: Fault) -> RawResponse:
    headers = {name.lower(): value for name, value in fault.headers.items()}
    if isinstance(fault.body, str):
        kind = headers.pop("content-type", "text/plain; charset=utf-8")
        return RawResponse(fault.status or 500, fault.body.encode(), kind, list(headers.items()))
    kind = headers.pop("content-type", "application/json")
    return RawResponse(fault.status or 500, json.dumps(fault.body).encode(), kind, list(headers.items()))


def _data(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _transport(request: Request) -> asyncio.Transport | None:
    """Return the connection of a request, which the server stores for this; None if the client has closed it."""
    transport: asyncio.Transport | None = request.scope["state"]["transports"].get(request.scope["client"])
    return transport


async def _drop_connection(request: Request) -> None:
    """Break the connection, so that the client gets nothing more."""
    transport = _transport(request)
    if transport is not None:
        transport.abort()
    # The server notices that in the next turn of its loop.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _until_time_is_up(request: Request, stream: Stream, body: bytes) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces(stream, body):
            yield piece
    except TimeIsUp:
        await _drop_connection(request)


def _raw(response: Response) -> bytes:
    """Return the bytes of a response."""
    phrase = HTTPStatus(response.status_code).phrase
    lines = [
        f"HTTP/1.1 {response.status_code} {phrase}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1") + bytes(response.body)
