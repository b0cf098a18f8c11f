# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator with the recorded world and a clock that follows the recordings, to repeat requests on."""

from __future__ import annotations

import http.client
import json
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from ansible_collections.jetstream.cloud.tests.simulator import (
    RECORDED_DEPLOY,
    RECORDED_TRANSITION,
    SEEDS,
    ManualClock,
    Phases,
    Server,
    Settings,
    World,
    load,
)
from ansible_collections.jetstream.cloud.tests.unit.simulator.recorded import Answer, Exchange

# The recorded server was called by this name, which is in all links.
_HOST = "127.0.0.1:8899"
_BEGIN = datetime.fromisoformat("2026-11-23T19:23:50Z")

# The later recordings: steps of the cloud took 3 s, a deployment 7 s, and the workers waited before each.
_LATER_TRANSITION, _LATER_DEPLOY = 3.0, 13.7
_LATER_PHASES = Phases(begin=0.5, networking=0.527, address=0.545, deploying=0.569)
_LATER_WAITS = {"start": 10.22, "resume": 14.98, "launch": 14.5, "reboot": 14.83}
_LATER_VOLUME_CHANGE, _LATER_MOUNTING = 4.0, 6.2

# The first ones, where they do not agree with RECORDED_TRANSITION and RECORDED_DEPLOY.
_WAITS = {"launch": 13.0}
_VOLUME_CHANGE, _MOUNTING = 1.5, 5.6


class Stage:
    """One simulator at a time. Use it in a with statement."""

    def __init__(self) -> None:
        """Start with the recorded world, shortly before the first exchange."""
        self.clock = ManualClock(_BEGIN)
        self.tokens: dict[str, str] = {}
        self._cookies: dict[str, str] = {}
        self._server: Server
        self._connection: http.client.HTTPConnection
        self._open()

    @property
    def world(self) -> World:
        """Return the world that is served now."""
        return self._server.world

    def new_world(self, *, project_sharing: bool = True) -> None:
        """Replace the server by another one, with the world as it was at the start."""
        self.close()
        self._open(project_sharing=project_sharing)

    def later_world(self, moment: str) -> None:
        """Replace the server by one with the world of the later recordings, at a time as in "19:26:05.5"."""
        self.close()
        self.clock = ManualClock(datetime.fromisoformat(f"2026-11-25T{moment}Z"))
        settings = Settings(
            transition=_LATER_TRANSITION,
            deploy=_LATER_DEPLOY,
            deploy_phases=_LATER_PHASES,
            deploy_after=_LATER_WAITS,
            volume_change=_LATER_VOLUME_CHANGE,
            mounting=_LATER_MOUNTING,
            reads_before=0.1,
        )
        self._serve(load(SEEDS / "recorded-later.yaml", clock=self.clock, settings=settings))

    def _open(self, *, project_sharing: bool = True) -> None:
        settings = Settings(
            transition=RECORDED_TRANSITION,
            deploy=RECORDED_DEPLOY,
            deploy_after=_WAITS,
            volume_change=_VOLUME_CHANGE,
            mounting=_MOUNTING,
            project_sharing=project_sharing,
        )
        self._serve(load(SEEDS / "recorded.yaml", clock=self.clock, settings=settings))

    def _serve(self, world: World) -> None:
        self.tokens.clear()
        self._server = Server(world)
        self._server.start()
        address = urlsplit(self._server.url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)

    def close(self) -> None:
        """End the server."""
        self._connection.close()
        self._server.stop()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server."""
        self.close()

    def move_to(self, moment: datetime | str) -> None:
        """Move the clock to a time. A text is a time of the day of the scene, such as "19:26:05.5"."""
        if isinstance(moment, str):
            moment = datetime.fromisoformat(f"{self.clock.now():%Y-%m-%d}T{moment}Z")
        self.clock.move_to(moment)

    def repeat(self, exchange: Exchange) -> Answer:
        """Send a recorded request again, at its time."""
        self.move_to(exchange.at)
        return self.send(
            exchange.method,
            exchange.path,
            exchange.body,
            user=exchange.user,
            headers=dict(exchange.headers),
            with_session=exchange.with_session,
        )

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = "johndoe",
        headers: dict[str, str] | None = None,
        with_session: bool = False,
    ) -> Answer:
        """Send a request. A body that is not text is sent as JSON."""
        sent = {"Host": _HOST, **(headers if headers is not None else {"Accept": "application/json"})}
        if user is not None:
            sent["Authorization"] = f"Token {self._token(user)}"
        if with_session:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        if text is not None:
            sent.setdefault("Content-Type", "application/json")
        self._connection.request(method, path, text, sent)
        answer = _answer(self._connection.getresponse(), self._cookies)
        if path == "/auth" and answer.status == 201 and isinstance(answer.body, dict):
            self.tokens.setdefault(answer.body["username"], answer.body["token"])
        return answer

    def _token(self, user: str) -> str:
        """Return the token of a user's first login, or one without a login; a wrong one for no user."""
        if user == "nobody":
            return "0" * 32
        if user not in self.tokens:
            self.tokens[user] = self.world.new_token(self.world.users[user])
        return self.tokens[user]


def _answer(response: http.client.HTTPResponse, cookies: dict[str, str]) -> Answer:
    data = response.read()
    set_cookies = [value.split(";")[0].partition("=") for value in response.headers.get_all("Set-Cookie") or []]
    cookies.update({name: value for name, _equals, value in set_cookies})
    text = data.decode()
    body: Any = text
    if response.headers.get("Content-Type") == "application/json" and text:
        body = json.loads(text)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, tuple(sorted(name for name, _equals, _value in set_cookies)), body)
