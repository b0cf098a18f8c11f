# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook deadlines, run as cron would: told once through each channel, shelved once, and told by why."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import a_webhook

STATE = Path(".local/state/jetstream/deadlines.json")


class Course:
    """Two machines of a course whose deadline was an hour ago."""

    def __init__(self, home: Path, server: Server) -> None:
        self.home = home
        self.server = server
        at = datetime.now(UTC) - timedelta(hours=1)
        (home / "schedules.yml").write_text(
            "deadlines:\n"
            f'  - {{name: lab-*, shelve_at: "{at:%Y-%m-%dT%H:%M}", may_shelve: true}}\n'
            f'  - {{name: web, delete_warn_at: "{at + timedelta(days=6):%Y-%m-%dT%H:%M}"}}\n'
        )

    def run(self, *values: str, playbook: str = "deadlines", status: int = 0) -> str:
        """Run the playbook, and return what it prints."""
        given = [word for value in values for word in ("-e", value)]
        words = (f"jetstream.cloud.{playbook}", "-i", "localhost,", *given)
        ended = run_playbook(*words, home=self.home, url=self.server.url)
        assert ended.returncode == status, ended.stdout
        assert "WARNING" not in ended.stdout
        return ended.stdout

    def let_a_day_pass(self) -> None:
        """Let what was told have been told a day before."""
        record = json.loads((self.home / STATE).read_text())
        for row in record["instances"].values():
            for told in row["told"].values():
                for channel in told["channels"].values():
                    channel["first"] = f"{datetime.now(UTC) - timedelta(hours=25):%Y-%m-%dT%H:%M:%SZ}"
        (self.home / STATE).write_text(json.dumps(record))

    def states(self) -> dict[str, str]:
        return {name: words.partition(" ")[0] for name, words in self.server.world.states().items()}


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    with Server(fleet(names=("lab-1", "lab-2", "web"))) as server:
        yield Course(tmp_path, server)


def test_deadlines_are_told_once_and_carried_out_a_day_later(course: Course) -> None:
    said = course.run("schedules=schedules.yml", "width=0")
    assert "would be shelved: set apply=true" in said
    assert not (course.home / STATE).exists()
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    with a_mail_server() as mails, a_webhook() as webhook:
        mail = ("schedules=schedules.yml", "mail_to=teacher@example.edu", "smtp_secure=never", "apply=true")
        both = (*mail, f"smtp_port={mails.port}", f"webhook_url={webhook.url}")
        # A mail server that is down keeps no webhook from being told, and the mail is sent by the next run.
        down = course.run(*mail, f"smtp_port={nobody}", f"webhook_url={webhook.url}", status=2)
        assert "A notice of a deadline was not delivered; the next run sends it again" in down
        assert (len(mails.mails), len(webhook.posts)) == (0, 1)
        course.run(*both)
        course.run(*both)
        assert (len(mails.mails), len(webhook.posts)) == (1, 1)
        text = webhook.posts[0]["text"]
        assert "May be shelved now, which keeps its disks." in text
        assert "ansible localhost -m jetstream.cloud.jetstream_instance -a " in text
        assert text.count("jetstream.cloud.keep -e instance=") == 2
        assert set(course.states().values()) == {"active"}
        course.let_a_day_pass()
        done = course.run(*both)
        assert "2 shelved" in done
        assert (len(mails.mails), len(webhook.posts)) == (2, 2)
        assert course.states() == {"lab-1": "shelved_offloaded", "lab-2": "shelved_offloaded", "web": "active"}
        course.run(*both)
        assert (len(mails.mails), len(webhook.posts)) == (2, 2)
    why = course.run("instance=lab-1", "width=0", playbook="why")
    for words in (
        "announced by mail, now that it is reached",
        "announced by webhook",
        "about to be shelved",
        "shelve done",
    ):
        assert words in why


def test_of_two_runs_at_once_one_tells_a_deadline(course: Course) -> None:
    beside: list[str] = []
    with a_webhook() as webhook:
        given = ("schedules=schedules.yml", f"webhook_url={webhook.url}", "width=0")

        def run_beside() -> None:
            """Let a whole run happen between a post and the record of it."""
            webhook.before_response = bool
            beside.append(course.run(*given))

        webhook.before_response = run_beside
        first = course.run(*given)
        assert len(webhook.posts) == 1
        assert "is reached. No playbook shelves it." in first
        assert ["is reached." in said for said in beside] == [False]
        assert "No new deadline." in beside[0]


def test_owners_are_mailed_their_own_deadlines_and_the_others_come_to_the_teacher(course: Course) -> None:
    (course.home / "owners.yml").write_text("owner_mail: {johndoe: john@example.edu}")
    given = ("schedules=schedules.yml", "@owners.yml", "smtp_secure=never", "apply=true")
    with a_mail_server() as mails:
        mail = f"smtp_port={mails.port}"
        course.run(*given, mail)
        course.run(*given, mail)
        [notice] = mails.mails
        assert notice.to == ["john@example.edu"]
        assert notice.message["Subject"] == "Jetstream: lab-1, lab-2, web: a deadline is near or past"
        text = notice.message.get_content()
        assert text.startswith("delete_warn_at ")
        assert "May be shelved now, which keeps its disks." in text
        assert "MAY SHELVE" not in text
        # What was mailed to the owner counts, and what was done comes to the teacher.
        course.let_a_day_pass()
        course.run(*given, mail, "mail_to=teacher@example.edu")
        assert [each.to for each in mails.mails[1:]] == [["teacher@example.edu"]]
        assert mails.mails[1].message["Subject"].startswith("Jetstream: 2 shelved")
    assert "announced by mail" in course.run("instance=lab-1", playbook="why")


def test_an_owner_without_an_address_is_not_told_and_is_not_shelved(course: Course) -> None:
    (course.home / "owners.yml").write_text("owner_mail: {somebody: else@example.edu}")
    with a_mail_server() as mails:
        given = ("schedules=schedules.yml", "@owners.yml", f"smtp_port={mails.port}", "smtp_secure=never")
        said = course.run(*given, "apply=true", "notice_hours=0", status=2)
        assert "mail: owner_mail has no address of johndoe, and mail_to is not set" in " ".join(said.split())
        course.run(*given, "mail_to=teacher@example.edu")
        assert [each.to for each in mails.mails] == [["teacher@example.edu"]]
    assert set(course.states().values()) == {"active"}
    said = course.run("owner_mail=john@example.edu", status=2)
    assert "owner_mail must be a dictionary of owners and addresses" in " ".join(said.split())


def test_a_mistake_is_told_with_its_line_and_nothing_is_done(course: Course) -> None:
    (course.home / "schedules.yml").write_text("deadlines:\n- {name: lab-*, shelve_at: 2026-02-30, may_shelve: true}\n")
    said = course.run("schedules=schedules.yml", "mail_to=a@example.edu", "apply=true", status=2)
    assert "schedules.yml, line 2: 2026-02-30 is not a date." in said
    assert "apply: true requires channels" in course.run("apply=true", status=2)
