# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server on loopback that stores its mails."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

LOGIN = ("johndoe", "smtp-pass")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: its sender, its recipients, and the message."""

    sender: str
    to: list[str]
    message: EmailMessage
    encrypted: bool


class MailServer(Controller):
    """Accepts mail on a port (0: a free one) into ``mails``, and refuses recipients that begin with "nobody"."""

    def __init__(
        self, *, port: int = 0, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
    ) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        self.mails: list[Mail] = []
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=self._socket.getsockname()[1],
            ssl_context=tls,
            tls_context=starttls,
            authenticator=_authenticate if tls or starttls else None,
            auth_required=bool(tls or starttls),
            auth_require_tls=not tls,
        )

    def _create_server(self) -> Coroutine[Any, Any, asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._socket, ssl=self.ssl_context)

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 There is no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        encrypted = bool(self.ssl_context or session.ssl)
        self.mails.append(Mail(envelope.mail_from or "", list(envelope.rcpt_tos), message, encrypted))
        return "250 OK"


@contextmanager
def a_mail_server(**how: ssl.SSLContext) -> Iterator[MailServer]:
    """Run a mail server for a with statement."""
    server = MailServer(**how)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _authenticate(_server: object, _session: object, _envelope: object, _way: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login.decode(), data.password.decode()) == LOGIN, handled=False)
