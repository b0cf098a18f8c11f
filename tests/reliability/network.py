# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network between client and server without sockets. It takes time by the run's clock, and has faults.

It replaces the method of ``requests`` that sends, so that it is below all of the product's code.
"""

from __future__ import annotations

import io
import json
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ..simulator.api.handling import RawRequest, RawResponse
from .records import Exchange, Outcome, Record
from .scheduler import Scheduler
from .site import Site

# Changes a response.
Alter = Callable[[RawRequest, RawResponse], RawResponse]
# Seconds until a connection is made or refused.
_CONNECTING = 0.005


@dataclass(frozen=True)
class Effect:
    """The effect of a fault on one request, and on its response.

    ``refused``: the connection is refused. ``connecting``: seconds until it is made. ``dropped``: it breaks before the
    request is carried out. ``told``: the response instead of the server's; the request is not carried out, unless
    ``carried_out`` is set. ``alter``: changes the response. ``delay``: seconds before the server handles the request.
    ``dripping``: seconds that the body takes. ``endless``: the response never ends. ``lost``: the connection breaks
    before the response.
    """

    refused: bool = False
    connecting: float = _CONNECTING
    dropped: bool = False
    told: Callable[[RawRequest], RawResponse] | None = None
    carried_out: bool = False
    alter: Alter | None = None
    delay: float = 0.0
    dripping: float = 0.0
    endless: bool = False
    lost: bool = False


NO_EFFECT = Effect()


@dataclass
class NetworkFault:
    """A fault of requests of a sort (any, if None): the first ``skip`` pass, the next ``times`` have it (None: all).

    ``uuid``: only requests about this instance. ``since``, ``until``: only requests between these seconds. ``then``:
    called after the response is made; it records the fault itself.
    """

    kind: str
    effect: Effect
    sort: str | None = None
    uuid: str | None = None
    skip: int = 0
    times: int | None = 1
    since: float = 0.0
    until: float | None = None
    then: Callable[[], object] | None = None

    def strikes(self, sort: str, path: str, now: float) -> bool:
        """Return whether a request has the fault, and count it."""
        if self.times == 0 or self.sort not in (None, sort) or (self.uuid is not None and self.uuid not in path):
            return False
        if now < self.since or (self.until is not None and now >= self.until):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Network:
    """Passes the requests of several clients to a site, with faults, and records them.

    Each client has a port of its own at the site.
    """

    def __init__(self, time: Scheduler, site: Site, record: Record, chance: random.Random, latency: float) -> None:
        """Start without faults. ``latency``: seconds that a usual request takes."""
        self._time = time
        self._site = site
        self._record = record
        self._chance = chance
        self._latency = latency
        self._clients: dict[int, str] = {}
        self.faults: list[NetworkFault] = []

    def url(self, client: str) -> str:
        """Return the address of the site for a client."""
        port = next((port for port, name in self._clients.items() if name == client), len(self._clients) + 1)
        self._clients[port] = client
        return f"http://127.0.0.1:{port}"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Pass all that ``requests`` sends through this network, for a with statement."""

        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, _stream: bool, timeout: Any, *_more: Any
        ) -> requests.Response:
            assert isinstance(timeout, urllib3.Timeout)
            return self._send(adapter, request, timeout)

        with mock.patch.object(HTTPAdapter, "send", send):
            yield

    def _send(
        self, adapter: HTTPAdapter, request: requests.PreparedRequest, timeout: urllib3.Timeout
    ) -> requests.Response:
        raw, port = raw_of(request)
        if port not in self._clients:
            self._record.strangers.append(request.url or "")
            raise _refused(raw)
        exchange = self._begin(raw, self._clients[port])
        fault = self._fault(raw, exchange)
        effect = fault.effect if fault else NO_EFFECT
        try:
            reply = self._carry(raw, exchange, effect, timeout, fault)
            exchange.status, exchange.outcome = reply.status, Outcome.UNKNOWN
            response = adapter.build_response(request, as_urllib3(reply))
        except requests.RequestException as error:
            exchange.error = type(error).__name__
            unsent = isinstance(error, requests.exceptions.ConnectTimeout) or effect.refused
            exchange.outcome = Outcome.NOT_EXECUTED if unsent else Outcome.UNKNOWN
            raise
        finally:
            exchange.answered_at = self._time.monotonic()
        self._answered(raw, exchange, reply, effect)
        return response

    def _carry(
        self,
        raw: RawRequest,
        exchange: Exchange,
        effect: Effect,
        timeout: urllib3.Timeout,
        fault: NetworkFault | None,
    ) -> RawResponse:
        """Return the response as the client gets it. Raises the exceptions of ``requests`` if it gets none."""
        connecting = _seconds(timeout.connect_timeout)
        reading = min(_seconds(timeout.read_timeout), _seconds(timeout.total) - effect.connecting)
        if effect.refused:
            self._time.sleep(_CONNECTING)
            raise _refused(raw)
        if effect.connecting > connecting:
            self._time.sleep(connecting)
            raise _connect_timeout(raw)
        self._time.sleep(effect.connecting)
        if effect.dropped:
            self._time.sleep(min(self._latency, reading))
            raise reset()
        on_the_way = self._latency * self._chance.uniform(0.25, 0.75)
        until_work = on_the_way + effect.delay
        if until_work >= reading:
            if effect.told is None or effect.carried_out:
                self._time.at(until_work, lambda: self._work(raw, exchange, NO_EFFECT))
            self._time.sleep(reading)
            raise read_timeout(raw)
        self._time.sleep(until_work)
        reply = self._work(raw, exchange, effect)
        if fault and fault.then:
            fault.then()
        rest = on_the_way + reply.cost + effect.dripping
        if effect.endless or until_work + rest > reading:
            self._time.sleep(reading - until_work)
            raise read_timeout(raw)
        self._time.sleep(rest)
        if effect.lost:
            raise reset()
        return reply

    def _begin(self, raw: RawRequest, client: str) -> Exchange:
        """Record that a client has sent a request."""
        body = _json_or_none(raw.body)
        uuid, action = self._site.action_of(raw, body)
        exchange = Exchange(
            client=client,
            number=len(self._record.exchanges) + 1,
            method=raw.method,
            path=raw.full_path,
            body=body,
            sent_at=self._time.monotonic(),
            uuid=uuid,
            action=action,
        )
        self._record.exchanges.append(exchange)
        return exchange

    def _fault(self, raw: RawRequest, exchange: Exchange) -> NetworkFault | None:
        """Return the fault of a request, or None."""
        sort, now = self._site.sort_of(raw), self._time.monotonic()
        found = next((each for each in self.faults if each.strikes(sort, raw.path, now)), None)
        if found:
            exchange.struck_by = found.kind
            if found.then is None:
                self._record.struck.append((found.kind, now))
        return found

    def _work(self, raw: RawRequest, exchange: Exchange, effect: Effect) -> RawResponse:
        """Let the site handle a request, unless a fault prevents that."""
        if effect.told is not None and not effect.carried_out:
            return effect.told(raw)
        exchange.done_at = self._time.monotonic()
        before = len(self._record.accepted)
        reply = self._site.handle(raw, exchange.client)
        exchange.accepted = self._record.accepted[before:]
        exchange.refused_by_cloud = exchange.is_action and not exchange.accepted
        if effect.told is not None:
            return replace(effect.told(raw), cost=reply.cost)
        return effect.alter(raw, reply) if effect.alter else reply

    def _answered(self, raw: RawRequest, exchange: Exchange, reply: RawResponse, effect: Effect) -> None:
        """Record the response that a client got."""
        exchange.outcome = outcome_of(reply, self._site)
        exchange.shown = self._site.shown(exchange.client, raw, reply, odd=effect.alter is not None)


def outcome_of(reply: RawResponse, site: Site) -> Outcome:
    """Return the outcome of a request that changes something, by its response."""
    is_json = _is_json(reply)
    headers = {name.lower(): value for name, value in reply.headers}
    if 200 <= reply.status < 300:
        return Outcome.ACCEPTED if is_json or reply.status in (202, 204) else Outcome.UNKNOWN
    if reply.status == 429 or site.is_token_refused(reply):
        return Outcome.NOT_EXECUTED
    if site.is_doubtful(reply):
        return Outcome.UNKNOWN
    if reply.status == 503 and (is_json or "retry-after" in headers):
        return Outcome.NOT_EXECUTED
    if 400 <= reply.status < 500 and is_json:
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def _is_json(reply: RawResponse) -> bool:
    return "json" in (reply.content_type or "") and _json_or_none(reply.body) is not None


def _seconds(limit: Any) -> float:
    return float(limit) if isinstance(limit, int | float) else math.inf


def raw_of(request: requests.PreparedRequest) -> tuple[RawRequest, int]:
    """Return a request as a server gets it, and its port."""
    parts = urlsplit(request.url or "")
    body = request.body or b""
    raw = RawRequest(
        method=request.method or "",
        scheme=parts.scheme,
        host=parts.netloc,
        path=parts.path,
        query_string=parts.query,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.lower(): _text(value) for name, value in request.headers.items()},
        body=body if isinstance(body, bytes) else str(body).encode(),
    )
    return raw, parts.port or 0


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def as_urllib3(reply: RawResponse) -> urllib3.HTTPResponse:
    """Return a response as urllib3 has it."""
    headers = [*reply.headers, ("content-length", str(len(reply.body)))]
    if reply.content_type is not None:
        headers.append(("content-type", reply.content_type))
    return urllib3.HTTPResponse(
        body=io.BytesIO(reply.body),
        headers=urllib3.HTTPHeaderDict(headers),
        status=reply.status,
        preload_content=False,
        decode_content=False,
    )


def _pool() -> urllib3.HTTPConnectionPool:
    return urllib3.HTTPConnectionPool("127.0.0.1", 1)


def _refused(raw: RawRequest) -> Exception:
    connection = urllib3.connection.HTTPConnection("127.0.0.1", 1)
    error = urllib3.exceptions.NewConnectionError(connection, "[Errno 111] Connection refused")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(_pool(), raw.full_path, error))


def _connect_timeout(raw: RawRequest) -> Exception:
    connection = urllib3.connection.HTTPConnection("127.0.0.1", 1)
    error = urllib3.exceptions.ConnectTimeoutError(connection, "Connection to 127.0.0.1 timed out.")
    return requests.exceptions.ConnectTimeout(urllib3.exceptions.MaxRetryError(_pool(), raw.full_path, error))


def read_timeout(raw: RawRequest) -> Exception:
    """Return the exception of ``requests`` for a response that does not come in time."""
    error = urllib3.exceptions.ReadTimeoutError(_pool(), raw.full_path, "Read timed out.")
    error.__cause__ = TimeoutError("timed out")
    return requests.exceptions.ReadTimeout(error)


def reset() -> Exception:
    """Return the exception of ``requests`` for a broken connection."""
    cause = ConnectionResetError(104, "Connection reset by peer")
    return requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", cause))
