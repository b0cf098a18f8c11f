# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook scheduled, run as cron would: the table, the calendar, the mail, and what it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server

STATE = Path(".local/state/jetstream/schedules.json")


class Lab:
    """Two machines of a course, which run, and a file of schedules whose last stop was an hour ago."""

    def __init__(self, home: Path, server: Server) -> None:
        self.home = home
        self.server = server
        now = datetime.now(UTC)
        start, stop = (f"{now - timedelta(hours=hours):%H:%M}" for hours in (3, 1))
        (home / "schedules.yml").write_text(
            f'schedules:\n  lab: {{time_zone: UTC, days: daily, start: "{start}", stop: "{stop}"}}\n'
            "rules:\n  - {schedule: lab, name: lab-*}\n"
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run the playbook, and return what it prints."""
        words = ("-i", "localhost,", "-e", "schedules=schedules.yml", *arguments)
        ended = run_playbook("jetstream.cloud.scheduled", *words, home=self.home, url=self.server.url)
        assert ended.returncode == status, ended.stdout
        assert "WARNING" not in ended.stdout
        return ended.stdout

    def forget_the_last_edge(self) -> None:
        """Let the last run have been a day ago."""
        record = json.loads((self.home / STATE).read_text())
        for row in record["instances"].values():
            row["edge"] = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        (self.home / STATE).write_text(json.dumps(record))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Server(fleet(names=("lab-1", "lab-2", "web"))) as server:
        yield Lab(tmp_path, server)


def test_a_stop_is_shown_carried_out_mailed_and_not_repeated(lab: Lab) -> None:
    assert "new in this schedule" in lab.run()
    lab.forget_the_last_edge()
    ahead = lab.run("--check", "-e", "calendar=lab.ics")
    assert "would shelve" in ahead
    assert "The coming days:" in ahead
    assert ahead.count("lab-1, lab-2") == 14
    assert (lab.home / "lab.ics").read_bytes().count(b"BEGIN:VEVENT") == 7
    assert set(lab.server.world.states().values()) == {"active"}
    with a_mail_server() as mails:
        mail = ("-e", f"smtp_port={mails.port}", "-e", "smtp_secure=never", "-e", "mail_to=teacher@example.edu")
        done = lab.run(*mail)
        assert "2 turned off." in done
        assert "Missed, since no run took place at that time" in done
        again = lab.run(*mail)
        assert "Nothing was due." in again
        assert len(mails.mails) == 1
    states = lab.server.world.states()
    assert (states["lab-1"], states["lab-2"], states["web"]) == ("shelved_offloaded", "shelved_offloaded", "active")


def test_a_mistake_is_told_with_its_line(lab: Lab) -> None:
    (lab.home / "schedules.yml").write_text("schedules:\n  lab: {time_zone: UTC, days: mondey, stop: 9:00}\n")
    assert "schedules.yml, line 2: days: mondey is not a day. Did you mean monday?" in lab.run(status=2)
