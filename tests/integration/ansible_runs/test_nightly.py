# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook nightly: all parts in one run, one mail, a dead man's switch, and what does not end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import environment, program
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_shelve_idle import Lab
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import MailServer, a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import Webhook, a_webhook

STATE = Path(".local/state/jetstream")
SLEEPING = "shelved_offloaded"


class Nights(Lab):
    """johndoe's instances, two of which follow a schedule whose last stop was an hour ago."""

    def __init__(self, home: Path, server: Server) -> None:
        super().__init__(home, server)
        now = datetime.now(UTC)
        start, stop = (f"{now - timedelta(hours=hours):%H:%M}" for hours in (3, 1))
        (home / "schedules.yml").write_text(
            f'schedules:\n  lab: {{time_zone: UTC, days: daily, start: "{start}", stop: "{stop}"}}\n'
            "rules:\n  - {schedule: lab, name: lab-*}\n"
        )

    def options(self, mails: MailServer | None, hook: Webhook | None) -> list[str]:
        """Return the variables of a night, of which those with secrets are in a file."""
        options = ["apply=true", "trial_days=0", "sweep_minutes=0", "pause_seconds=2", "schedules=schedules.yml"]
        options += ["charts=false"]
        if mails:
            options += ["mail_to=pi@example.edu", f"smtp_port={mails.port}", "smtp_secure=never"]
        if hook:
            (self.home / "secrets.yml").write_text(f"ping_url: {hook.url}/\n")
            options += ["@secrets.yml"]
        return options

    def night(
        self, *more: str, mails: MailServer | None = None, hook: Webhook | None = None, check: bool = False
    ) -> CompletedProcess[str]:
        ended = self.run(*self.options(mails, hook), *more, playbook="nightly", check=check)
        assert "WARNING" not in ended.stdout
        assert not hook or hook.url not in ended.stdout
        return ended

    def forget_the_last_edge(self) -> None:
        """Let the last run of the schedules have been a day ago."""
        path = self.home / STATE / "schedules.json"
        record = json.loads(path.read_text())
        for row in record["instances"].values():
            row["edge"] = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        path.write_text(json.dumps(record))

    def states(self, *names: str) -> list[str]:
        return [self.state(name) for name in names]


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with Server(fleet(names=("web", "db", "lab-1", "lab-2", "off"), states={"active": 4, "shutoff": 1})) as server:
        yield Nights(tmp_path, server)


def test_a_night_is_one_run_with_one_mail(nights: Nights) -> None:
    nights.rest("web")
    with a_mail_server() as mails, a_webhook() as hook:
        first = nights.night(mails=mails, hook=hook)
        assert first.returncode == 0, first.stdout
        assert "activity      4 of 4 running instances were read." in first.stdout
        # A notice to the owner of web, and the report.
        subjects = [each.message["Subject"] for each in mails.mails]
        assert len(subjects) == 2
        assert "web" in subjects[0]
        assert subjects[1].startswith("Jetstream: usage report")
        record = nights.home / STATE / "nightly.json"
        assert record.stat().st_mode & 0o777 == 0o600

        nights.told_long_ago()
        nights.forget_the_last_edge()
        second = nights.night(mails=mails, hook=hook)
        assert second.returncode == 0, second.stdout
        assert mails.mails[2].message["Subject"] == "Jetstream: 3 shelved"
        text = mails.mails[2].message.get_content()
        assert "== scheduled ==" in text
        assert "== shelve_idle ==" in text
        assert "usage_report  not due: at most once a day" in text
        assert nights.states("web", "lab-1", "lab-2", "db") == [SLEEPING, SLEEPING, SLEEPING, "active"]
        acts = nights.actions()

        third = nights.night(mails=mails, hook=hook)
        assert third.returncode == 0, third.stdout
        assert "nothing to do" in third.stdout
        assert (len(mails.mails), nights.actions()) == (3, acts)
    assert hook.fetched == ["/hooks/a-secret/"] * 3


def test_a_part_that_fails_ends_no_other_and_is_mailed_once(nights: Nights) -> None:
    (nights.home / "schedules.yml").write_text("schedules:\n  lab: {time_zone: UTC, days: mondey, stop: 9:00}\n")
    with a_mail_server() as mails, a_webhook() as hook:
        failed = nights.night("parts=activity,scheduled,hygiene", mails=mails, hook=hook)
        assert failed.returncode == 2
        assert f"scheduled     FAILED: {nights.home}/schedules.yml, line 2: days: mondey is not a day." in failed.stdout
        assert r"\n" not in failed.stdout
        assert "hygiene       not due" not in failed.stdout
        [mail] = mails.mails
        assert mail.message["Subject"].startswith("Jetstream: 1 failed (scheduled)")
        assert "== hygiene ==" in mail.message.get_content()
        assert hook.fetched == ["/hooks/a-secret/fail"]
        # The receiver is broken now, which is said and changes nothing.
        hook.status = 500
        again = nights.night("parts=activity,scheduled", mails=mails, hook=hook)
        assert again.returncode == 2
        assert "The request to ping_url failed (status 500). Check the URL." in again.stdout
        assert len(mails.mails) == 1
        well = nights.night("parts=activity", mails=mails, hook=hook)
        assert well.returncode == 0, well.stdout
        assert "failed (status 500)" in well.stdout


def test_a_state_folder_that_is_not_mounted_is_mailed_once_and_nothing_runs(nights: Nights) -> None:
    shared = nights.home / "shared"
    (nights.home / "run").mkdir(mode=0o700)
    nights.more |= {"JETSTREAM_STATE_PATH": str(shared), "XDG_RUNTIME_DIR": str(nights.home / "run")}
    sentence = f"JETSTREAM_STATE_PATH is {shared}, which is not a folder. Mount the volume, or create the folder once."
    # The first mail server is down.
    down = nights.night("mail_to=pi@example.edu", "smtp_port=9", "smtp_secure=never")
    assert down.returncode == 2, down.stdout
    assert f"{sentence} mail: " in " ".join(down.stdout.split())
    with a_mail_server() as mails, a_webhook() as hook:
        for _each in range(2):
            ended = nights.night(mails=mails, hook=hook)
            assert ended.returncode == 2, ended.stdout
            assert sentence in " ".join(ended.stdout.split())
        [mail] = mails.mails
        assert mail.message["Subject"] == "Jetstream: 1 failed (the record)"
        assert sentence in " ".join(mail.message.get_content().split())
        assert hook.fetched == ["/hooks/a-secret/fail"] * 2
        assert (shared.exists(), nights.actions()) == (False, 0)
        shared.mkdir()
        assert nights.night("parts=hygiene", mails=mails, hook=hook).returncode == 0
        assert (shared / "nightly.json").exists()


def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_run(nights: Nights) -> None:
    with a_mail_server() as mails, a_webhook() as hook:
        parts = "parts=budget_guard,usage_report"
        down = nights.night(parts, "mail_to=pi@example.edu", "smtp_port=9", hook=hook)
        assert down.returncode == 2, down.stdout
        assert "the mail      FAILED: " in down.stdout
        assert hook.fetched == ["/hooks/a-secret/fail"]
        up = nights.night(parts, mails=mails, hook=hook)
        assert up.returncode == 0, up.stdout
        assert "usage report" in mails.mails[0].message["Subject"]
        assert hook.fetched[1:] == ["/hooks/a-secret/"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["ping_ulr=x"], "ping_ulr: did you mean ping_url?"),
        (["parts=hygeine"], "parts: there is no part hygeine."),
        (["report_hour=24"], "report_hour is 24, but must be 0 to 23."),
        (["pause_seconds=151"], "pause_seconds is 151, but must be between 1 and 150."),
    ],
)
def test_a_mistake_is_refused_before_a_request(nights: Nights, values: list[str], words: str) -> None:
    with a_webhook() as hook:
        (nights.home / "secrets.yml").write_text(f"ping_url: {hook.url}\n")
        ended = nights.run("@secrets.yml", *values, playbook="nightly")
    assert ended.returncode == 2
    assert words in " ".join(ended.stdout.split())
    assert (list(nights.server.requests), hook.fetched) == ([], [])


def test_without_apply_and_in_check_mode_nothing_is_changed(nights: Nights) -> None:
    nights.rest("web")
    first = nights.run("schedules=schedules.yml", playbook="scheduled")
    assert first.returncode == 0, first.stdout
    nights.forget_the_last_edge()
    with a_mail_server() as mails, a_webhook() as hook:
        options = [each for each in nights.options(mails, hook) if each != "apply=true"]
        before = (nights.home / STATE / "schedules.json").read_bytes()
        shown = nights.run(*options, "parts=scheduled,shelve_idle", playbook="nightly")
        assert shown.returncode == 0, shown.stdout
        assert "would shelve" in shown.stdout
        assert "Nothing was changed. To send notices and act: -e apply=true" in shown.stdout
        assert (nights.home / STATE / "schedules.json").read_bytes() == before
        assert hook.fetched == ["/hooks/a-secret/"]

        files = {path: path.read_bytes() for path in (nights.home / ".local").rglob("*") if path.is_file()}
        checked = nights.night(mails=mails, hook=hook, check=True)
        assert checked.returncode == 0, checked.stdout
        assert {path: path.read_bytes() for path in (nights.home / ".local").rglob("*") if path.is_file()} == files
        assert (mails.mails, hook.fetched, nights.actions()) == ([], ["/hooks/a-secret/"], 0)


def test_a_run_that_is_killed_is_told_and_finished_by_the_next(nights: Nights) -> None:
    assert nights.run("schedules=schedules.yml", playbook="scheduled").returncode == 0
    nights.forget_the_last_edge()
    with a_mail_server() as mails:
        words = [word for option in nights.options(mails, None) for word in ("-e", option)]
        running = subprocess.Popen(
            [program("ansible-playbook"), "-i", "localhost,", "jetstream.cloud.nightly", *words],
            env={**environment(nights.home, nights.server.url), **nights.more},
            cwd=nights.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        deadline = time.monotonic() + 60
        while not nights.actions():
            assert running.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(timeout=10)
        assert mails.mails == []
        ended = nights.night(mails=mails)
        assert ended.returncode == 0, ended.stdout
        text = mails.mails[-1].message.get_content()
        assert "did not end.\r\n" in text
        # What the killed run has done and could not report is in it, or in the report of what this run has done itself.
        assert nights.states("lab-1", "lab-2") == [SLEEPING, SLEEPING]
        assert all(f"{name} was to be shelved" in text or "== scheduled ==" in text for name in ("lab-1", "lab-2"))
        assert "lab-1" in text
        assert "lab-2" in text
        assert json.loads((nights.home / STATE / "acts.json").read_text())["acts"] == {}
        assert nights.actions() == 2
        assert "did not end" not in nights.night(mails=mails).stdout
