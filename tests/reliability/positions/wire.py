# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection between the client and the cloud without sockets, with one fault at one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import requests
from requests.adapters import HTTPAdapter

from ...simulator.api.handling import RawRequest, RawResponse
from ...unit.fakes.fake_clock import FakeClock
from ..network import as_urllib3, raw_of, read_timeout, reset
from ..site import PASSWORD
from .faults import Fault, strikes
from .site import Site

# Seconds that a request takes.
_LATENCY = 0.01


@dataclass
class Wire:
    """Brings requests to a cloud. The one of the number ``position``, counted from 1, is struck by ``fault``.

    ``meanwhile`` is called before that request.

    ``sent``: the requests so far, logins left out. ``struck``: the one that was struck.
    """

    site: Site
    clock: FakeClock
    fault: Fault | None = None
    position: int = 0
    meanwhile: Callable[[], object] | None = None
    sent: list[str] = field(default_factory=list)
    struck: str = ""
    _refusing: str = ""
    _earlier: dict[str, RawResponse] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Pass all that ``requests`` sends through this connection."""

        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, _stream: bool, timeout: Any, *_more: Any
        ) -> requests.Response:
            raw, _port = raw_of(request)
            reply = self._answer(raw, float(timeout.read_timeout or 60.0))
            return adapter.build_response(request, as_urllib3(reply))

        with mock.patch.object(HTTPAdapter, "send", send):
            yield

    def _answer(self, raw: RawRequest, patience: float) -> RawResponse:
        self.clock.advance(_LATENCY)
        if self.site.is_login(raw):
            return self.site.handle(raw)
        self.sent.append(f"{raw.method} {raw.full_path}")
        is_it = len(self.sent) == self.position
        if is_it and self.meanwhile is not None:
            self.meanwhile()
        fault = self.fault if is_it else None
        if fault is not None and self._can_strike(fault, raw):
            self.struck = self.sent[-1]
            if fault.refuses:
                self._refusing = _service(raw)
            if fault.expires:
                self.site.expire_tokens()
            return self._strike(raw, fault, patience)
        return self._plain(raw)

    def _can_strike(self, fault: Fault, raw: RawRequest) -> bool:
        # Atmosphere has no cache for a URL with a text that no URL had before.
        is_cached = raw.path in self._earlier and "_" not in raw.query
        return strikes(fault, raw) and (is_cached or not fault.old)

    def _plain(self, raw: RawRequest) -> RawResponse:
        if _service(raw) == self._refusing:
            return self.site.refused_token()
        reply = self.site.handle(raw)
        if raw.method == "GET":
            self._earlier.setdefault(raw.path, reply)
        return reply

    def _strike(self, raw: RawRequest, fault: Fault, patience: float) -> RawResponse:
        if fault.old:
            return self._earlier[raw.path]
        reply = self._plain(raw) if fault.carried_out or fault.refuses else None
        if fault.breaks:
            raise reset()
        if fault.hangs or fault.slow > patience:
            self.clock.advance(patience)
            raise read_timeout(raw)
        self.clock.advance(fault.slow)
        if fault.quotes:
            token = self.site.token_of(raw)
            return self.site.error(500, f"Cannot handle {token}, which {PASSWORD} was given for.")
        if fault.reply is not None:
            return fault.reply
        assert reply is not None
        return fault.alter(reply) if fault.alter else reply


def _service(raw: RawRequest) -> str:
    """Return the service that a request goes to. Atmosphere is a single one."""
    return raw.path.split("/")[1]
