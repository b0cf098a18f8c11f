# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that a test starts and stops, at one address all the time."""

from __future__ import annotations

import socket
from collections.abc import Callable
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import Envelope, Session
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import Mail, MailServer


class _Server(MailServer):
    """Calls a function between a mail and the response to it."""

    before_response: Callable[[], object] = bool

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        self.before_response()
        return answer


class SwitchedMailServer:
    """A mail server, down at first, which runs in a with statement. ``mails`` has the mails of all times it was up."""

    def __init__(self) -> None:
        self._reserved: socket.socket | None = None
        self._server: _Server | None = None
        self._earlier: list[Mail] = []
        self.port = self._reserve(0)

    def up(self, before_response: Callable[[], object] = bool) -> None:
        """Accept mails from now on, and call ``before_response`` before the response to each."""
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        self._server = _Server(port=self.port)
        self._server.before_response = before_response
        self._server.start()

    def down(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._earlier = self.mails
            self._server.stop()
            self._server = None
            self._reserve(self.port)

    @property
    def mails(self) -> list[Mail]:
        """Return all received mails, oldest first."""
        return self._earlier + (self._server.mails if self._server else [])

    @property
    def messages(self) -> list[EmailMessage]:
        """Return the messages of all mails."""
        return [each.message for each in self.mails]

    def _reserve(self, port: int) -> int:
        """Reserve a port without a listener, which refuses connections."""
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", port))
        return int(self._reserved.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        if self._reserved is not None:
            self._reserved.close()
