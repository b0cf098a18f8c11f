# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_mail."""

from __future__ import annotations

import hashlib
import mimetypes
import re
import smtplib
import ssl
from collections.abc import Iterable, Mapping
from email.errors import MessageError, ObsoleteHeaderDefect
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any

from ..errors import (
    AuthenticationFailed,
    ConfigurationError,
    Refused,
    Unreachable,
)
from ..files import read_file
from ..http.loopback import is_loopback
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..text.terminal import one_line

SPEC = ModuleSpec(
    argument_spec={
        "host": {"type": "str", "default": "localhost"},
        "port": {"type": "int", "default": 25},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "secure": {"type": "str", "default": "try", "choices": ["always", "never", "starttls", "try"]},
        "sender": {"type": "str", "required": True},
        "to": {"type": "list", "elements": "str", "required": True},
        "subject": {"type": "str", "required": True},
        "body": {"type": "str"},
        "subtype": {"type": "str", "default": "plain", "choices": ["html", "plain"]},
        "message_id": {"type": "str"},
        "attach": {"type": "list", "elements": "path"},
        "timeout": {"type": "float", "default": 20.0},
    },
    required_together=(("username", "password"),),
)


_LOCAL_USER = re.compile(r"[\w.+-]+", re.ASCII)
_TLS_HINT = (
    "Use secure: always for port 465, and starttls for 587. For a private certificate authority, set SSL_CERT_FILE."
)


def mail(options: Mapping[str, Any], context: Context) -> Outcome:
    """Send one mail. In check mode it is put together, and not sent."""
    if options["password"]:
        context.hide(options["password"])
    if options["timeout"] <= 0:
        raise ConfigurationError("timeout must be more than 0 seconds.")
    message = _message(options, context)
    result = {"to": list(options["to"])}
    if context.check_mode:
        return Outcome(result, changed=True)
    refused = _send(message, options)
    if refused:
        recipients = "; ".join(f"{address}: {reason}" for address, reason in refused.items())
        return Outcome(
            result, changed=True, failure=f"The mail was delivered to the other recipients, but not to {recipients}."
        )
    return Outcome(result, changed=True)


OPERATION = mail


def _message(options: Mapping[str, Any], context: Context) -> EmailMessage:
    """Put the mail together.

    Raises ConfigurationError for addresses that are none, for text that cannot be sent, and for files that cannot be
    read.
    """
    if not options["to"]:
        raise ConfigurationError("to has no address.")
    for name in ("sender", "to"):
        for address in [options[name]] if name == "sender" else options[name]:
            _require_address(name, address)
    message = EmailMessage(policy=SMTP)
    message["From"] = options["sender"].strip()
    message["To"] = ", ".join(each.strip() for each in options["to"])
    message["Date"] = format_datetime(context.clock.now())
    message["Message-ID"] = _message_id(options["message_id"], message["From"].addresses[0].domain)
    try:
        message["Subject"] = " ".join(options["subject"].split())
        message.set_content(options["body"] or "", subtype=options["subtype"])
        for path in options["attach"] or ():
            _attach(message, Path(path))
        # A header is encoded only now.
        message.as_bytes()
    except UnicodeError:
        raise ConfigurationError(
            "The mail contains half a character (a lone surrogate), which cannot be sent."
        ) from None
    return message


def _message_id(text: str | None, domain: str) -> str:
    """Return a Message-ID: the same for the same text, and another one for each mail without a text."""
    if text is None:
        return make_msgid(domain=domain or None)
    return f"<{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:40]}@{domain or 'localhost'}>"


def _require_address(option: str, text: str) -> None:
    """Refuse a text that is not just one address: Python would take the first of several, and drop the others."""
    try:
        header = SMTP.header_factory("To", text)
        groups, defects = header.groups, header.defects
    except (ValueError, IndexError, MessageError):
        groups, defects = (), ()
    addresses = [each for group in groups for each in group.addresses]
    if len(addresses) != 1 or groups[0].display_name or not _is_flawless(addresses[0].addr_spec, defects):
        raise ConfigurationError(
            f"{option}: {text!r} is not a single address.",
            hint="Write jo@example.org or Jo <jo@example.org>. Separate several addresses by commas, or use a list.",
        )
    if not addresses[0].addr_spec.isascii():
        raise ConfigurationError(
            f"{option}: {addresses[0].addr_spec!r} is not an address that every mail server accepts."
        )


def _is_flawless(address: str, defects: Iterable[Exception]) -> bool:
    """Whether Python found nothing wrong with an address, but that it is the name of a local user or an old form."""
    if _LOCAL_USER.fullmatch(address):
        return True
    return "@" in address and all(isinstance(each, ObsoleteHeaderDefect) for each in defects)


def _addresses(message: EmailMessage) -> list[str]:
    """Return the sender's address, then those of the recipients."""
    return [each.addr_spec for name in ("From", "To") for each in message[name].addresses]


def _attach(message: EmailMessage, path: Path) -> None:
    try:
        content = read_file(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be attached: {error.strerror}.") from None
    kind, encoding = mimetypes.guess_type(path.name)
    main, _separator, sub = (kind if kind and not encoding else "application/octet-stream").partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=one_line(path.name))


def _send(message: EmailMessage, options: Mapping[str, Any]) -> dict[str, str]:
    """Hand the mail to the server. Returns the recipients that it refused, with its reasons, if it took others."""
    where = f"{options['host']}:{options['port']}"
    try:
        with _connection(options) as server:
            if options["username"]:
                server.login(options["username"], options["password"])
            # Not send_message(), which puts > before lines that begin with "From ".
            sender, *recipients = _addresses(message)
            refused = server.sendmail(sender, recipients, message.as_bytes())
    except smtplib.SMTPAuthenticationError as error:
        raise AuthenticationFailed(f"The mail server {where} refused the login: {_words(error.smtp_error)}.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise Refused(f"The mail server {where} refused all recipients: {_reasons(error.recipients)}.") from None
    except smtplib.SMTPServerDisconnected as error:
        # smtplib reports a timeout in this way, too.
        silent = isinstance(error.__context__, TimeoutError)
        raise (
            _silent(where, options) if silent else Unreachable(f"The mail server {where} closed the connection.")
        ) from None
    except smtplib.SMTPResponseException as error:
        raise Refused(f"The mail server {where} refused the mail: {_words(error.smtp_error)}.") from None
    except smtplib.SMTPNotSupportedError:
        raise Refused(f"The mail server {where} does not offer {_needs(options)}.") from None
    except ssl.SSLError as error:
        raise Unreachable(
            f"No secure connection to the mail server {where}: {error.reason or error}.", hint=_TLS_HINT
        ) from None
    except TimeoutError:
        raise _silent(where, options) from None
    except OSError as error:
        raise Unreachable(f"The mail server {where} cannot be reached: {error.strerror or error}.") from None
    return {address: _words(reason) for address, (_code, reason) in refused.items()}


def _silent(where: str, options: Mapping[str, Any]) -> Unreachable:
    return Unreachable(f"The mail server {where} did not respond within {options['timeout']:g} seconds.")


def _connection(options: Mapping[str, Any]) -> smtplib.SMTP:
    """Connect, with the security of the options. With TLS, the server's certificate is checked."""
    host, port, secure, timeout = (options[name] for name in ("host", "port", "secure", "timeout"))
    if secure == "always":
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=timeout)
    try:
        _secure(server, options)
    except BaseException:
        server.close()
        raise
    return server


def _secure(server: smtplib.SMTP, options: Mapping[str, Any]) -> None:
    """Change to TLS if the options require it, or if it can be tried.

    It is not tried with this machine itself: no one can listen, and mail servers there have self-signed certificates.
    """
    server.ehlo_or_helo_if_needed()
    tried = options["secure"] == "try" and not is_loopback(options["host"])
    offered = server.has_extn("starttls")
    if options["secure"] == "starttls" or (tried and offered):
        server.starttls(context=ssl.create_default_context())
    elif tried and options["password"]:
        raise ConfigurationError(
            f"The mail server {options['host']} offers no encryption, so the password was not sent.",
            hint="Use secure: always for port 465, or secure: never to send it unencrypted.",
        )


def _needs(options: Mapping[str, Any]) -> str:
    wanted = ["STARTTLS"] if options["secure"] == "starttls" else []
    return " and ".join([*wanted, *(["a login"] if options["username"] else [])])


def _reasons(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {_words(reason)}" for address, (_code, reason) in recipients.items())


def _words(response: bytes | str) -> str:
    text = response.decode(errors="replace") if isinstance(response, bytes) else response
    return text.strip().rstrip(".")
