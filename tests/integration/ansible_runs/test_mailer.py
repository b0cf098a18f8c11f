# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports that community.general mails. In its place is a module of the same name and arguments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import PLUGINS, run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server

# The arguments of community.general.mail 13.5.0. It sends its attachments as files, and the body as plain text.
MAIL_MODULE = """
import email.message, os, smtplib
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(
    argument_spec=dict(
        username=dict(type="str"),
        password=dict(type="str", no_log=True),
        host=dict(type="str", default="localhost"),
        port=dict(type="int", default=25),
        ehlohost=dict(type="str"),
        sender=dict(type="str", default="root", aliases=["from"]),
        to=dict(type="list", elements="str", default=["root"], aliases=["recipients"]),
        cc=dict(type="list", elements="str", default=[]),
        bcc=dict(type="list", elements="str", default=[]),
        subject=dict(type="str", required=True, aliases=["msg"]),
        body=dict(type="str"),
        attach=dict(type="list", elements="path", default=[]),
        headers=dict(type="list", elements="str", default=[]),
        charset=dict(type="str", default="utf-8"),
        subtype=dict(type="str", default="plain", choices=["html", "plain"]),
        secure=dict(type="str", default="try", choices=["always", "never", "starttls", "try"]),
        timeout=dict(type="int", default=20),
        message_id_domain=dict(type="str", default="ansible"),
    ),
    required_together=[["password", "username"]],
)
given = module.params
message = email.message.EmailMessage()
message["From"], message["To"], message["Subject"] = given["sender"], ", ".join(given["to"]), given["subject"]
message["X-Mailer"] = "Ansible mail module"
message.set_content(given["body"] or given["subject"])
for path in given["attach"]:
    with open(path, "rb") as file:
        name = os.path.basename(path)
        message.add_attachment(file.read(), maintype="application", subtype="octet-stream", filename=name)
try:
    with smtplib.SMTP(given["host"], given["port"], timeout=given["timeout"]) as server:
        server.send_message(message)
except (OSError, smtplib.SMTPException) as error:
    module.fail_json(rc=1, msg=f"Unable to Connect {given['host']}:{given['port']}: {error}")
module.exit_json(msg="Mail sent successfully", result={})
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(fleet(3)) as served:
        yield served


def report(folder: Path, server: Server, *values: str) -> tuple[int, str]:
    """Run the playbook with community.general as the mailer. Returns its status, and all that it printed."""
    modules = folder / "collections" / "ansible_collections" / "community" / "general" / "plugins" / "modules"
    modules.mkdir(parents=True)
    (modules / "mail.py").write_text(MAIL_MODULE, encoding="utf-8")
    extra = [word for each in ("mailer=community.general.mail", *values) for word in ("-e", each)]
    paths = os.pathsep.join([str(folder / "collections"), str(PLUGINS.parents[3])])
    arguments = ["-i", "localhost,", "jetstream.cloud.usage_report", *extra]
    ended = run_playbook(*arguments, home=folder, url=server.url, more={"ANSIBLE_COLLECTIONS_PATH": paths})
    return ended.returncode, ended.stdout


def test_a_report_is_mailed_by_community_general_with_the_page_attached(server: Server, tmp_path: Path) -> None:
    with a_mail_server() as mails:
        status, said = report(
            tmp_path, server, "mail_to=pi@example.edu,ada@example.edu", "dest=page.html", f"smtp_port={mails.port}"
        )
        assert status == 0, said
        [mail] = mails.mails
    assert sorted(mail.to) == ["ada@example.edu", "pi@example.edu"]
    assert mail.message["X-Mailer"] == "Ansible mail module"
    assert mail.message["Subject"].startswith("Jetstream, johndoe at 127.0.0.1: ")
    texts = [each.get_content() for each in mail.message.walk() if each.get_content_type() == "text/plain"]
    assert any("SU in the last" in each for each in texts)
    [page] = mail.message.iter_attachments()
    assert page.get_filename() == "page.html"
    assert b"<!doctype html>" in page.get_payload(decode=True)


def test_addresses_that_it_would_misread_are_refused_before_it_is_asked(server: Server, tmp_path: Path) -> None:
    with a_mail_server() as mails:
        status, said = report(tmp_path, server, "mail_to='a@example.org; b@example.org'", f"smtp_port={mails.port}")
        assert status == 2
        assert mails.mails == []
    assert "a@example.org; b@example.org" in said


def test_a_mail_that_it_cannot_send_fails_the_playbook(server: Server, tmp_path: Path) -> None:
    status, said = report(tmp_path, server, "mail_to=pi@example.edu", "smtp_port=1")
    assert status == 2
    assert "Connection refused" in said, said
