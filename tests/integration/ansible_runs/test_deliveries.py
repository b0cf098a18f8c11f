# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each channel stands for itself: what one did not take is sent again to that alone, by every playbook with both."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import environment, program
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_nightly import SLEEPING, Nights
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import MailServer, a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import Webhook, a_webhook

LOST = 2
NEWS = "parts=budget_guard"


class Channels(Nights):
    """johndoe with a mail server and a webhook, each of which may be down, and an allocation at 91 per cent."""

    def __init__(self, home: Path, server: Server, mails: MailServer, hook: Webhook) -> None:
        super().__init__(home, server)
        self.mails = mails
        self.hook = hook
        self.mail_is_up = True
        (home / "both.yml").write_text(f"webhook_url: {hook.url}\nmail_to: pi@example.edu\nsmtp_secure: never\n")

    @contextmanager
    def down(self, channel: str) -> Iterator[None]:
        """Let a channel be down for a while."""
        if channel == "mail":
            self.mail_is_up = False
        else:
            self.hook.status = 503
        try:
            yield
        finally:
            self.mail_is_up = True
            self.hook.status = 200

    def given(self, *values: str) -> list[str]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            nobody = free.getsockname()[1]
        return ["@both.yml", f"smtp_port={self.mails.port if self.mail_is_up else nobody}", *values]

    def play(self, playbook: str, *values: str, status: int = 0) -> str:
        """Run a playbook, and return what it prints."""
        values = (*values, "charts=false") if playbook == "nightly" else values
        ended = self.run(*self.given(*values), playbook=playbook)
        assert ended.returncode == status, ended.stdout
        assert self.hook.url not in ended.stdout
        return str(ended.stdout)

    def taken(self) -> tuple[list[str], list[str]]:
        """Return the subjects of the mails and the posts that were taken since the last call."""
        subjects = [str(each.message["Subject"]) for each in self.mails.mails]
        posts = [str(each["text"].splitlines()[0]) for each in self.hook.posts] if self.hook.status == 200 else []
        self.mails.mails.clear()
        self.hook.posts.clear()
        return subjects, posts

    def texts(self, channel: str) -> list[str]:
        """Return the texts that a channel was sent since the last call of ``taken``."""
        mails = [str(each.message.get_content()) for each in self.mails.mails]
        return mails if channel == "mail" else [str(each["text"]) for each in self.hook.posts]

    def start(self, playbook: str, *values: str) -> subprocess.Popen[str]:
        """Start a playbook."""
        values = (*values, "charts=false") if playbook == "nightly" else values
        words = [word for value in self.given(*values) for word in ("-e", value)]
        return subprocess.Popen(
            [program("ansible-playbook"), "-i", "localhost,", f"jetstream.cloud.{playbook}", *words],
            env={**environment(self.home, self.server.url), **self.more},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )


@pytest.fixture
def channels(tmp_path: Path) -> Iterator[Channels]:
    names, states = ("web", "db", "lab-1", "lab-2", "off"), {"active": 4, "shutoff": 1}
    world = fleet(names=names, states=states, compute_allowed=10000, compute_used=9100.0)
    world.allocation_sources[0].end_date = world.now() + timedelta(days=30)
    with Server(world) as server, a_mail_server() as mails, a_webhook() as hook:
        yield Channels(tmp_path, server, mails, hook)


@pytest.mark.parametrize("channel", ["mail", "webhook"])
@pytest.mark.parametrize(
    ("playbook", "values", "words"),
    [
        ("budget_guard", (), "NEW: 91."),
        ("nightly", (NEWS,), "NEW: 91."),
        ("hygiene", (), "off"),
        ("scheduled", ("schedules=schedules.yml",), "lab-1"),
    ],
)
def test_a_channel_that_was_down_is_sent_what_it_missed_and_the_other_nothing_twice(
    channels: Channels, playbook: str, values: tuple[str, ...], words: str, channel: str
) -> None:
    other = "webhook" if channel == "mail" else "mail"
    if playbook == "scheduled":
        channels.play(playbook, *values)
        channels.forget_the_last_edge()
    with channels.down(channel):
        said = channels.play(playbook, *values, status=LOST)
        assert ("The mail server" if channel == "mail" else "The webhook responded with status 503.") in said
        # A second run while it is down sends nothing twice to the other.
        channels.play(playbook, *values, status=LOST)
        assert [words in text for text in channels.texts(other)] == [True]
    channels.mails.mails.clear()
    channels.hook.posts.clear()
    channels.play(playbook, *values)
    mails, posts = channels.taken()
    assert (len(mails), len(posts)) == ((1, 0) if channel == "mail" else (0, 1))
    # Each run of hygiene makes a new report.
    if playbook != "hygiene":
        channels.play(playbook, *values)
    assert channels.taken() == ([], [])


def test_a_night_whose_mail_server_is_down_tells_both_channels_everything_once(channels: Channels) -> None:
    channels.rest("web")
    channels.play("scheduled", "schedules=schedules.yml")
    channels.forget_the_last_edge()
    night = ("schedules=schedules.yml", "apply=true", "trial_days=0", "sweep_minutes=0", "pause_seconds=2")
    with channels.down("mail"):
        said = channels.play("nightly", *night, status=LOST)
        assert "the mail      FAILED: The mail server" in said
        assert "failed (shelve_idle, the mail)" in said
        mails, posts = channels.taken()
        # The notice to the owner of web, and the report, which may be long.
        assert (mails, len(set(posts))) == ([], 2)
        assert "2 shelved" in posts[-1]
        assert "usage report" in posts[-1]
        channels.play("nightly", *night, status=LOST)
        # The failure of the part shelve_idle goes on, and is told once a day.
        assert channels.taken() == ([], [])
    channels.play("nightly", *night)
    subjects = [str(each.message["Subject"]) for each in channels.mails.mails]
    assert channels.hook.posts == []
    assert len(subjects) == 2
    assert "web" in subjects[0]
    report = channels.mails.mails[1].message.get_content()
    assert "NEW: 91." in report
    assert report.count("== usage_report ==") == 1
    assert report.count("2 turned off.") == 1
    assert "could not be delivered before" in report
    channels.taken()
    channels.play("nightly", *night)
    assert channels.taken() == ([], [])


def test_a_night_whose_webhook_is_down_tells_both_channels_everything_once(channels: Channels) -> None:
    channels.play("scheduled", "schedules=schedules.yml")
    channels.forget_the_last_edge()
    night = ("schedules=schedules.yml", "apply=true", "parts=scheduled,budget_guard,usage_report,hygiene")
    with channels.down("webhook"):
        said = channels.play("nightly", *night, status=LOST)
        assert "the webhook   FAILED: The webhook responded with status 503." in said
        [mail] = channels.mails.mails
        assert mail.message["Subject"].strip().startswith("Jetstream: 2 shelved, 2 budget thresholds, usage report, ")
        channels.play("nightly", *night, status=LOST)
        assert len(channels.mails.mails) == 1
    channels.mails.mails.clear()
    channels.hook.posts.clear()
    channels.play("nightly", *night)
    assert channels.mails.mails == []
    text = "\n".join(each["text"] for each in channels.hook.posts)
    assert [text.count(words) for words in ("2 turned off.", "== usage_report ==", "== hygiene ==")] == [1, 1, 1]
    assert text.count("NEW: 91.") == 1
    channels.taken()
    channels.play("nightly", *night)
    assert channels.taken() == ([], [])
    assert channels.states("lab-1", "lab-2") == [SLEEPING, SLEEPING]


def test_what_was_shelved_for_the_budget_is_told_to_the_channel_that_was_down(channels: Channels) -> None:
    given = ("limit_percent=90", "never=web", "apply=true")
    with channels.down("mail"):
        said = channels.play("budget_guard", *given, status=LOST)
        assert "A notice was not delivered; the next run sends it again: mail: The mail server" in said
        channels.taken()
    channels.play("budget_guard", *given)
    [mail] = channels.mails.mails
    assert (
        "shelved for the budget" in str(mail.message["Subject"]) or "and 1 earlier message" in mail.message["Subject"]
    )
    text = mail.message.get_content()
    assert text.count("NEW: 91.") == 1
    assert "Shelved (91." in text
    assert channels.hook.posts == []


def test_an_owner_is_posted_a_notice_that_was_mailed_before(channels: Channels) -> None:
    channels.rest("web")
    given = ("apply=true", "trial_days=0", "sweep_minutes=0", "pause_seconds=2")
    with channels.down("webhook"):
        channels.play("shelve_idle", *given, status=LOST)
        channels.play("shelve_idle", *given, status=LOST)
        assert len(channels.mails.mails) == 1
    channels.taken()
    channels.play("shelve_idle", *given)
    mails, posts = channels.taken()
    assert (mails, len(posts)) == ([], 1)


def test_a_run_between_the_mail_and_the_post_of_another_posts_nothing(channels: Channels) -> None:
    """Each channel has a claim of its own: the mail that was recorded does not end that of the webhook."""
    channels.rest("web")
    given = ("apply=true", "trial_days=0", "sweep_minutes=0", "pause_seconds=2")

    def run_beside() -> None:
        channels.hook.before_response = bool
        channels.play("shelve_idle", *given)

    channels.hook.before_response = run_beside
    channels.play("shelve_idle", *given)
    mails, posts = channels.taken()
    assert (len(mails), len(posts)) == (1, 1)


@pytest.mark.parametrize(
    ("playbook", "values"), [("budget_guard", ()), ("nightly", ("parts=budget_guard,usage_report",))]
)
def test_of_two_processes_at_once_one_tells_a_threshold(
    channels: Channels, playbook: str, values: tuple[str, ...]
) -> None:
    running = [channels.start(playbook, *values) for _run in "ab"]
    said = [each.communicate(timeout=240)[0] for each in running]
    assert [each.returncode for each in running] == [0, 0], said
    for subjects in channels.taken():
        told = [each for each in subjects if "91." in each or "budget threshold" in each]
        assert len(set(told)) == 1
        # That there was another run is no news.
        assert len(subjects) == 1
        assert "usage" in told[0] or playbook == "budget_guard"


def test_of_two_runs_one_of_which_is_sending_one_tells_a_threshold(channels: Channels) -> None:
    beside: list[str] = []

    def run_beside() -> None:
        """Let a whole run happen between a post and the record of it."""
        channels.hook.before_response = bool
        beside.append(channels.play("budget_guard"))

    channels.hook.before_response = run_beside
    assert "NEW: 91." in channels.play("budget_guard")
    mails, posts = channels.taken()
    assert (len(mails), len(posts)) == (1, 1)
    assert ["NEW:" in said for said in beside] == [False]


def test_a_run_that_is_killed_while_it_posts_is_made_up_for_half_an_hour_later(channels: Channels) -> None:
    killed: list[subprocess.Popen[str]] = []
    channels.hook.before_response = lambda: os.killpg(killed[0].pid, signal.SIGKILL) if killed else None
    killed.append(channels.start("nightly", "parts=budget_guard,usage_report"))
    killed[0].communicate(timeout=120)
    assert killed.pop().returncode == -signal.SIGKILL
    assert len(channels.hook.posts) == 1
    channels.taken()
    # The run that was killed might still be at it.
    assert "did not end." in channels.play("nightly", "parts=budget_guard,usage_report")
    assert [each for of_channel in channels.taken() for each in of_channel if "usage" in each or "budget" in each] == []
    half_an_hour_passes(channels.home / ".local/state/jetstream")
    said = channels.play("nightly", "parts=budget_guard,usage_report")
    assert "usage_report  not due: at most once a day" in said
    # The mail was taken and recorded before the run was killed.
    assert channels.mails.mails == []
    [post] = channels.hook.posts
    assert "NEW: 91." in post["text"]
    assert post["text"].count("== usage_report ==") == 1
    channels.taken()
    channels.play("nightly", "parts=budget_guard,usage_report")
    assert channels.taken() == ([], [])


def half_an_hour_passes(state: Path) -> None:
    """Let every claim in the files be half an hour older."""
    before = datetime.now(UTC) - timedelta(minutes=31)
    text = f"{before:%Y-%m-%dT%H:%M:%SZ}"
    for name, rows in (("budget_told.json", "allocations"), ("outbox.json", "messages")):
        record = json.loads((state / name).read_text())
        for row in record[rows].values():
            if "claimed" in row:
                row["claimed"] = text
            for claim in row.get("claims", {}).values():
                claim["made"] = text
        (state / name).write_text(json.dumps(record))
    record = json.loads((state / "nightly.json").read_text())
    record["claims"] = dict.fromkeys(record["claims"], before.timestamp())
    (state / "nightly.json").write_text(json.dumps(record))
