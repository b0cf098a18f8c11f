# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage report is printed, noted, written as a page, and mailed to a mail server."""

from __future__ import annotations

import json
import re
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
    history = Path.home() / ".local" / "share" / "jetstream" / "usage.jsonl"
    with tempfile.TemporaryDirectory() as folder, mail_server() as server:
        page = Path(folder) / "usage.html"
        said = report()
        assert "18,759 of 50,000 SU remain, 62 % used." in said
        assert "At the pace of this moment, 2,664 SU a day, it lasts until" in said
        [noted] = [json.loads(line) for line in history.read_text().splitlines()]
        assert (noted["remaining"], noted["cloud"]) == ("18759.25", "Atmosphere")
        assert server.mails == []

        report(
            f"dest={page}",
            "mail_to=jo@example.org,lab@example.org",
            "smtp_host=127.0.0.1",
            f"smtp_port={server.port}",
        )
        assert len(history.read_text().splitlines()) == 1
        assert "<svg" in page.read_text()
        [mail] = server.mails
        assert mail.to == ["jo@example.org", "lab@example.org"]
        assert re.fullmatch(
            r"Jetstream, demo at 127\.0\.0\.1: TG-GEO160014: \d+ days, 18,759 SU", mail.message["Subject"]
        )
        [attached] = mail.message.iter_attachments()
        assert attached.get_payload(decode=True) == page.read_bytes()

        # The older names of the variables are still taken.
        older = Path(folder) / "older.jsonl"
        report("charts=false", "days=7", f"page={page}", f"record={older}")
        assert "<svg" not in page.read_text()
        assert older.exists()
        assert "5,328 SU a day" in report('{"rates": {"families": {"m1": 2}}}')
        (Path(folder) / "lab.j2").write_text("The lab of {{ account.user }}")
        assert "The lab of demo" in report(f"text_template={folder}/lab.j2")
        server.mails.clear()
        refused = report("mail_to=a@example.org; b@example.org".replace(" ", ""), f"smtp_port={server.port}", status=2)
        assert "is not a single address" in refused
        assert server.mails == []
        assert "mailer is telegraph, but must be one of" in report("mailer=telegraph", status=2)
        assert '"b@example.org" belongs to no variable.' in report("mail_to=a@example.org, b@example.org", status=2)
        assert "is given, but empty. Remove it." in report("mail_to=", status=2)
        assert "is given, but empty. Remove it." in report("page=", status=2)
        report("mail_to=jo@example.org", "smtp_host=127.0.0.1", "smtp_port=9", status=2)


if __name__ == "__main__":
    main()
