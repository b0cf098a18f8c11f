# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail arrives as it was meant, or the task fails with the reason; a password is sent to its server alone."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    Refused,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import mail as mail_module
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.mail import SPEC, mail
from ansible_collections.jetstream.cloud.tests.unit.fakes.certificates import server_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import LOGIN, MailServer, a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

# The simulated server minds that it is asked for a login over a connection that was encrypted from the start.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

USERNAME, PASSWORD = LOGIN
LETTER: dict[str, Any] = {
    "sender": "Jo Dœ <jo@example.org>",
    "to": ["jo@example.org", "Lab <lab@example.org>"],
    "subject": "Jetstream: 5 SU left",
    "body": "Größe\n.\nFrom here\n",
}


def send(server: MailServer, *, check_mode: bool = False, home: Path = Path("/nowhere"), **options: Any) -> Outcome:
    given = {**LETTER, "host": "127.0.0.1", "port": server.port, **options}
    return OperationRunner(home).run(SPEC, mail, check_mode=check_mode, **given)


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Return a certificate authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def test_a_mail_arrives_as_it_was_meant(tmp_path: Path) -> None:
    page = tmp_path / "usage.html"
    page.write_text("<!doctype html><p>ü")
    with a_mail_server() as server:
        outcome = send(server, attach=[str(page)])
    [got] = server.mails
    assert (outcome.changed, outcome.failure) == (True, None)
    assert (got.sender, got.to) == ("jo@example.org", ["jo@example.org", "lab@example.org"])
    assert (got.message["From"], got.message["Subject"]) == (LETTER["sender"], LETTER["subject"])
    assert got.message["Date"].datetime.isoformat() == "2026-11-23T18:57:00+00:00"
    assert got.message.get_body().get_content().splitlines() == LETTER["body"].splitlines()  # type: ignore[union-attr]
    [attached] = got.message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("usage.html", "text/html")
    assert attached.get_payload(decode=True) == page.read_bytes()


def test_a_mail_with_the_same_text_of_identity_has_the_same_id() -> None:
    identities = ("a notice", "a notice", "another", "ü\r\nX: y", None, None)
    with a_mail_server() as server:
        for identity in identities:
            send(server, message_id=identity)
    first, again, other, odd, *without = (each.message["Message-ID"] for each in server.mails)
    assert first == again
    assert len({first, other, odd, *without}) == 5
    assert re.fullmatch(r"<[0-9a-f]{40}@example\.org>", first)
    assert all(each.message["X"] is None for each in server.mails)


@pytest.mark.parametrize("secure", ["always", "starttls"])
def test_logs_in_where_the_server_has_proved_its_identity(known: trustme.CA, secure: str) -> None:
    how = {"tls" if secure == "always" else "starttls": server_context(known)}
    with a_mail_server(**how) as server:
        send(server, secure=secure, username=USERNAME, password=PASSWORD)
    assert [mail.encrypted for mail in server.mails] == [True]


@pytest.mark.parametrize("secure", ["always", "starttls", "try"])
def test_sends_nothing_to_a_server_that_is_another_one(secure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "is_loopback", lambda _host: False)
    how = {"tls" if secure == "always" else "starttls": server_context(trustme.CA())}
    with a_mail_server(**how) as server, pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        send(server, secure=secure, username=USERNAME, password=PASSWORD)
    assert server.mails == []


def test_tries_to_encrypt_on_the_way_to_another_machine(known: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "is_loopback", lambda _host: False)
    with a_mail_server(starttls=server_context(known)) as server:
        send(server, username=USERNAME, password=PASSWORD)
    assert [mail.encrypted for mail in server.mails] == [True]


def test_does_not_send_a_password_in_the_clear_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "is_loopback", lambda _host: False)
    with a_mail_server() as server, pytest.raises(ConfigurationError, match="offers no encryption"):
        send(server, username=USERNAME, password=PASSWORD)


def test_insists_on_starttls_where_it_was_requested() -> None:
    with a_mail_server() as server, pytest.raises(Refused, match="STARTTLS"):
        send(server, secure="starttls")
    assert server.mails == []


def test_reports_that_a_login_was_refused_and_not_with_what(known: trustme.CA) -> None:
    with a_mail_server(starttls=server_context(known)) as server, pytest.raises(AuthenticationFailed) as raised:
        send(server, secure="starttls", username=USERNAME, password="hunter2")
    assert "hunter2" not in str(raised.value)
    assert raised.value.__suppress_context__
    assert server.mails == []


def test_refused_recipients_are_named() -> None:
    with a_mail_server() as server:
        outcome = send(server, to=["jo@example.org", "nobody@example.org"])
    assert server.mails[0].to == ["jo@example.org"]
    assert outcome.failure == (
        "The mail was delivered to the other recipients, but not to nobody@example.org: 5.1.1 There is no such user."
    )


def test_a_mail_that_no_recipient_accepted_fails() -> None:
    with (
        a_mail_server() as server,
        pytest.raises(Refused, match=r"refused all recipients: nobody@example\.org: 5\.1\.1"),
    ):
        send(server, to=["nobody@example.org"])


def test_reports_that_no_server_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as no_progress:
        port = no_progress.getsockname()[1]
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port} did not respond within 0.1 seconds"):
            OperationRunner(Path("/nowhere")).run(SPEC, mail, **LETTER, host="127.0.0.1", port=port, timeout=0.1)
    with pytest.raises(Unreachable, match="Connection refused"):
        OperationRunner(Path("/nowhere")).run(SPEC, mail, **LETTER, host="127.0.0.1", port=port)


@pytest.mark.parametrize(
    "options",
    [
        {"to": ["jo@example.org\nBcc: all@example.org"]},
        {"sender": "jo@example.org\r\nX: y"},
        {"to": [" "]},
        {"to": []},
        {"attach": ["/dev/zero"]},
        {"subject": "half \ud83d"},
        {"body": "half \ud83d"},
        {"to": ["jo@exämple.org"]},
        {"sender": ""},
        {"timeout": 0},
        {"timeout": -1},
        {"attach": ["/nowhere/usage.html"]},
    ],
)
def test_a_mail_that_cannot_be_sent_is_refused(options: dict[str, Any]) -> None:
    with a_mail_server() as server, pytest.raises(JetstreamError):
        send(server, **options)
    assert server.mails == []


@pytest.mark.parametrize(
    "text",
    [
        "a@example.org; b@example.org",
        "a@example.org;b@example.org",
        "a@example.org b@example.org",
        "a@example.org,b@example.org",
        "a@example.org\tb@example.org",
        "a@example.org and b@example.org",
        "a@example.org | b@example.org",
        "A <a@example.org>; B <b@example.org>",
        "A <a@example.org> <b@example.org>",
        "Team: a@example.org, b@example.org;",
        "mailto:a@example.org",
        "Ada Lovelace a@example.org",
        "Ada Lovelace",
        "Lovelace, Ada <a@example.org>",
        "<a@example.org",
        "a@",
        "@example.org",
        "a@b@example.org",
        "<>",
    ],
)
@pytest.mark.parametrize("option", ["to", "sender"])
def test_a_recipient_that_is_not_one_address_is_refused_before_anything_is_sent(text: str, option: str) -> None:
    with a_mail_server() as server, pytest.raises(ConfigurationError, match=f"{option}: .* is not a single address"):
        send(server, **{option: text if option == "sender" else ["jo@example.org", text]})
    assert server.mails == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("root", "root"),
        (" jo@example.org ", "jo@example.org"),
        ("<jo@example.org>", "jo@example.org"),
        ("Dr. Jo Doe <jo@example.org>", "jo@example.org"),
        ('"Doe, Jo" <jo@example.org>', "jo@example.org"),
        ("jo+jetstream@example.org (work)", "jo+jetstream@example.org"),
    ],
)
def test_an_address_may_be_written_in_any_way_that_mail_knows(text: str, address: str) -> None:
    with a_mail_server() as server:
        send(server, to=[text])
    assert server.mails[0].to == [address]


def test_a_subject_stays_on_its_line() -> None:
    with a_mail_server() as server:
        send(server, subject="Jetstream\nBcc: all@example.org")
    assert server.mails[0].message["Subject"] == "Jetstream Bcc: all@example.org"
    assert server.mails[0].message["Bcc"] is None


def test_check_mode_sends_nothing() -> None:
    with a_mail_server() as server:
        assert send(server, check_mode=True).changed
    assert server.mails == []
