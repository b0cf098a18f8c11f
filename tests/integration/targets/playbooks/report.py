# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage report is printed, noted, written as a page and mailed to a real mail server."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import MailServer


def report(*variables: str, status: int = 0) -> str:
    """Run the playbook in the folder where it is to write."""
    extra = [word for variable in variables for word in ("-e", variable)]
    ended = subprocess.run(
        ["ansible-playbook", "jetstream.cloud.usage_report", *extra],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(ended.stdout, flush=True)
    assert ended.returncode == status, ended.returncode
    return ended.stdout


@contextmanager
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def main() -> None:
    record = Path.home() / ".local" / "share" / "jetstream" / "usage.jsonl"
    with tempfile.TemporaryDirectory() as folder, mail_server() as server:
        page = Path(folder) / "usage.html"
        said = report()
        assert "TG-GEO160014: 18,759.2 of 50,000 SU left, 62.5 % used; 111 SU per hour now." in said
        [noted] = [json.loads(line) for line in record.read_text().splitlines()]
        assert noted["left"] == "18759.25"
        assert server.mails == []

        report(
            f"page={page}",
            "mail_to=jo@example.org,lab@example.org",
            "smtp_host=127.0.0.1",
            f"smtp_port={server.port}",
        )
        assert len(record.read_text().splitlines()) == 1
        assert "<svg" in page.read_text()
        [mail] = server.mails
        assert mail.to == ["jo@example.org", "lab@example.org"]
        assert mail.message["Subject"] == "Jetstream: TG-GEO160014 has 18,759.2 SU left"
        [attached] = mail.message.iter_attachments()
        assert attached.get_payload(decode=True) == page.read_bytes()

        report("charts=false", "days=7", f"page={page}")
        assert "<svg" not in page.read_text()
        assert " 222 SU per hour now." in report('{"rates": {"families": {"m1": 2}}}')
        assert "but not telegraph" in report("mailer=telegraph", status=2)
        assert '"b@example.org" belongs to no variable.' in report("mail_to=a@example.org, b@example.org", status=2)
        assert "is given, but empty. Leave it out." in report("mail_to=", status=2)
        assert "is given, but empty. Leave it out." in report("page=", status=2)
        report("mail_to=jo@example.org", "smtp_host=127.0.0.1", "smtp_port=9", status=2)


if __name__ == "__main__":
    main()
