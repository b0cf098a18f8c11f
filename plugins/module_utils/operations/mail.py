# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jetstream_mail does."""

from __future__ import annotations

import mimetypes
import smtplib
import ssl
from collections.abc import Mapping
from email.errors import MessageError
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
from ..http.loopback import is_loopback
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec

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
        "attach": {"type": "list", "elements": "path"},
        "timeout": {"type": "float", "default": 20.0},
    },
    required_together=(("username", "password"),),
)


_TLS_HINT = "secure: always is for port 465, starttls for 587; SSL_CERT_FILE names a certificate authority of your own."


def mail(options: Mapping[str, Any], context: Context) -> Outcome:
    """Send one mail. In check mode it is put together, and not sent."""
    if options["password"]:
        context.hide(options["password"])
    message = _message(options, context)
    result = {"to": list(options["to"])}
    if context.check_mode:
        return Outcome(result, changed=True)
    refused = _send(message, options)
    if refused:
        who = "; ".join(f"{address}: {why}" for address, why in refused.items())
        return Outcome(result, changed=True, failure=f"The mail went to the others, but not to {who}.")
    return Outcome(result, changed=True)


OPERATION = mail


def _message(options: Mapping[str, Any], context: Context) -> EmailMessage:
    """Put the mail together. Raises ConfigurationError for addresses that are none, and files that cannot be read."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = options["sender"]
        message["To"] = ", ".join(options["to"])
        message["Subject"] = " ".join(options["subject"].split())
    except (ValueError, IndexError, MessageError):
        raise ConfigurationError("sender or to is not an address as it stands in a mail.") from None
    if not message["To"].addresses or len(message["From"].addresses) != 1:
        raise ConfigurationError("A mail needs one address in sender, and one or more in to.")
    if strange := [each for each in _addresses(message) if not each.isascii() or not each]:
        raise ConfigurationError(f"{strange[0]!r} is not an address that every mail server takes.")
    message["Date"] = format_datetime(context.clock.now())
    message["Message-ID"] = make_msgid(domain=message["From"].addresses[0].domain or None)
    message.set_content(options["body"] or "", subtype=options["subtype"])
    for name in options["attach"] or ():
        _attach(message, Path(name))
    return message


def _addresses(message: EmailMessage) -> list[str]:
    """Return the sender's address, then those of the receivers."""
    return [each.addr_spec for name in ("From", "To") for each in message[name].addresses]


def _attach(message: EmailMessage, path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be attached: {error.strerror}.") from None
    kind, encoding = mimetypes.guess_type(path.name)
    main, _separator, sub = (kind if kind and not encoding else "application/octet-stream").partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=path.name)


def _send(message: EmailMessage, options: Mapping[str, Any]) -> dict[str, str]:
    """Hand the mail to the server. Returns whom it refused, and why, where it took the mail for others."""
    where = f"{options['host']}:{options['port']}"
    try:
        with _connection(options) as server:
            if options["username"]:
                server.login(options["username"], options["password"])
            # Not send_message(), which puts > before lines that begin with "From ".
            sender, *receivers = _addresses(message)
            refused = server.sendmail(sender, receivers, message.as_bytes())
    except smtplib.SMTPAuthenticationError as error:
        raise AuthenticationFailed(f"The mail server {where} refused the login: {_words(error.smtp_error)}.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise Refused(f"The mail server {where} took the mail for nobody: {_reasons(error.recipients)}.") from None
    except smtplib.SMTPServerDisconnected as error:
        # This is how smtplib speaks of a time that is up, too.
        silent = isinstance(error.__context__, TimeoutError)
        raise (
            _silent(where, options) if silent else Unreachable(f"The mail server {where} ended the connection.")
        ) from None
    except smtplib.SMTPResponseException as error:
        raise Refused(f"The mail server {where} refused the mail: {_words(error.smtp_error)}.") from None
    except smtplib.SMTPNotSupportedError:
        raise Refused(f"The mail server {where} cannot do what this mail needs: {_needs(options)}.") from None
    except ssl.SSLError as error:
        raise Unreachable(
            f"No secure connection to the mail server {where}: {error.reason or error}.", hint=_TLS_HINT
        ) from None
    except TimeoutError:
        raise _silent(where, options) from None
    except OSError as error:
        raise Unreachable(f"The mail server {where} cannot be reached: {error.strerror or error}.") from None
    return {address: _words(why) for address, (_unused, why) in refused.items()}


def _silent(where: str, options: Mapping[str, Any]) -> Unreachable:
    return Unreachable(f"The mail server {where} did not answer within {options['timeout']:g} seconds.")


def _connection(options: Mapping[str, Any]) -> smtplib.SMTP:
    """Connect, as secure as was asked for. Whoever answers has to prove who it is wherever TLS is spoken."""
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
    """Change to TLS where that is asked for, or where it can be tried.

    On its way to this machine itself, a mail is seen by nobody, and mail servers there have made-up certificates.
    """
    server.ehlo_or_helo_if_needed()
    tried = options["secure"] == "try" and not is_loopback(options["host"])
    offered = server.has_extn("starttls")
    if options["secure"] == "starttls" or (tried and offered):
        server.starttls(context=ssl.create_default_context())
    elif tried and options["password"]:
        raise ConfigurationError(
            f"The mail server {options['host']} offers no encryption, so the password was not sent.",
            hint="secure: never sends it all the same; secure: always is for port 465.",
        )


def _needs(options: Mapping[str, Any]) -> str:
    wanted = ["STARTTLS"] if options["secure"] == "starttls" else []
    return " and ".join([*wanted, *(["a login"] if options["username"] else [])])


def _reasons(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {_words(why)}" for address, (_unused, why) in recipients.items())


def _words(said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return text.strip().rstrip(".")
