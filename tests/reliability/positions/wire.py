# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the client and the project, without a socket: one fault at one request."""

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
from .faults import Fault, strikes
from .project import SECRET, Project, error

# Seconds that a request takes.
_LATENCY = 0.01


@dataclass
class Wire:
    """Brings requests to a project. The one of the number ``position``, counted from 1, is struck by ``fault``.

    ``meanwhile`` is called before that request.

    ``sent``: the requests so far, logins left out. ``struck``: the one that was struck.
    """

    project: Project
    clock: FakeClock
    fault: Fault | None = None
    position: int = 0
    meanwhile: Callable[[], object] | None = None
    sent: list[str] = field(default_factory=list)
    struck: str = ""
    _refusing: str = ""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have all that ``requests`` sends go this way."""

        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, _stream: bool, timeout: Any, *_more: Any
        ) -> requests.Response:
            raw, _port = raw_of(request)
            reply = self._answer(raw, float(timeout.read_timeout or 60.0))
            return adapter.build_response(request, as_urllib3(reply))

        with mock.patch.object(HTTPAdapter, "send", send):
            yield

    def _answer(self, raw: RawRequest, patience: float) -> RawResponse:
        self.clock.pass_by(_LATENCY)
        if raw.path.endswith("/auth/tokens"):
            return self.project.handle(raw)
        self.sent.append(f"{raw.method} {raw.full_path}")
        service = raw.path.split("/")[1]
        is_it = len(self.sent) == self.position
        if is_it and self.meanwhile is not None:
            self.meanwhile()
        fault = self.fault if is_it else None
        if fault is not None and strikes(fault, raw):
            self.struck = self.sent[-1]
            if fault.refuses:
                self._refusing = service
            if fault.expires:
                self.project.tokens.clear()
            return self._strike(raw, fault, patience)
        return self._plain(raw, service)

    def _plain(self, raw: RawRequest, service: str) -> RawResponse:
        if service == self._refusing:
            return error(401, "The request you have made requires authentication.")
        return self.project.handle(raw)

    def _strike(self, raw: RawRequest, fault: Fault, patience: float) -> RawResponse:
        reply = self._plain(raw, raw.path.split("/")[1]) if fault.carried_out or fault.refuses else None
        if fault.breaks:
            raise reset()
        if fault.hangs:
            self.clock.pass_by(patience)
            raise read_timeout(raw)
        if fault.quotes:
            return error(500, f"Cannot handle {raw.headers['x-auth-token']}, which {SECRET} was given for.")
        if fault.reply is not None:
            return fault.reply
        assert reply is not None
        return fault.alter(reply) if fault.alter else reply
