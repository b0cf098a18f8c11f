# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nightly where nothing can be stored: a full disk and a read-only one, mounted for real in a namespace of its own.

Nothing is acted on without its record, what needs none runs, and that is mailed once.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import environment, program
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_install_schedule import Machine
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_nightly import SLEEPING, STATE, Nights
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import MailServer, a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import Webhook, a_webhook

# $1 is the folder to break; the command follows. Files that are in it can still be read.
BREAK = {
    "full": (
        'copy=$(mktemp -d) && cp -a "$1/." "$copy" && mount -t tmpfs -o size=1m tmpfs "$1" && cp -a "$copy/." "$1"'
        ' && rm -rf "$copy"; head -c 2000000 /dev/zero >"$1/full" 2>/dev/null; shift; exec "$@"'
    ),
    "read-only": 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"',
}


class FullNights(Nights):
    """Nights whose state folder may be broken for a run."""

    def on(self, how: str, *words: str, folder: Path | None = None) -> CompletedProcess[str]:
        """Run a command while a folder, or else the state folder, is broken."""
        broken = folder or self.home / STATE
        return subprocess.run(
            [*UNSHARE, "sh", "-c", BREAK[how], "sh", str(broken), *words],
            env={**environment(self.home, self.server.url), **self.more},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def broken_night(self, how: str, mails: MailServer, hook: Webhook) -> CompletedProcess[str]:
        given = [word for option in self.options(mails, hook) for word in ("-e", option)]
        return self.on(how, program("ansible-playbook"), "-i", "localhost,", "jetstream.cloud.nightly", *given)


def _unshare() -> list[str]:
    """Return the command that gives a program a namespace of mounts, as root or as a user; empty if neither may."""
    for words in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        tried = subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
        if tried.returncode == 0:
            return words
    return []


UNSHARE = _unshare()
pytestmark = pytest.mark.skipif(not UNSHARE, reason="mounting needs root, or namespaces of users")


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[FullNights]:
    (tmp_path / "run").mkdir(mode=0o700)
    with Server(fleet(names=("web", "db", "lab-1", "lab-2", "off"), states={"active": 4, "shutoff": 1})) as server:
        found = FullNights(tmp_path, server)
        found.more["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
        yield found


@pytest.mark.parametrize("how", sorted(BREAK))
def test_without_a_record_nothing_is_done_and_that_is_mailed_once(nights: FullNights, how: str) -> None:
    nights.rest("web")
    with a_mail_server() as mails, a_webhook() as hook:
        assert nights.night("parts=activity,scheduled,shelve_idle", mails=mails).returncode == 0
        # A notice of web was delivered long ago, and the schedule has stopped its instances since.
        nights.told_long_ago()
        nights.forget_the_last_edge()
        mails.mails.clear()

        first = nights.broken_night(how, mails, hook)
        assert first.returncode == 2, first.stdout
        reason = "No space left on device" if how == "full" else "Read-only file system"
        assert f"nightly.json, cannot be written: {reason}." in " ".join(first.stdout.split())
        # Where there is no deadline, nothing of it has to be written.
        for part in ("scheduled", "shelve_idle", *(["deadlines"] if how == "read-only" else [])):
            assert f"{part:12}  FAILED: " in first.stdout
        for part in ("usage_report", "hygiene"):
            assert f"{part:12}  FAILED: " not in first.stdout
        assert nights.actions() == 0
        [mail] = mails.mails
        assert "failed (the record, " in mail.message["Subject"]
        text = mail.message.get_content()
        assert reason in text
        assert "== hygiene ==" in text
        assert hook.fetched == ["/hooks/a-secret/fail"]

        # The spare record keeps the next one from mailing the same again.
        second = nights.broken_night(how, mails, hook)
        assert second.returncode == 2, second.stdout
        assert "usage_report  not due: at most once a day" in second.stdout
        assert (len(mails.mails), nights.actions()) == (1, 0)

        mended = nights.night(mails=mails, hook=hook)
        assert mended.returncode == 0, mended.stdout
        assert "usage_report  not due: at most once a day" in mended.stdout
        assert nights.states("web", "lab-1", "lab-2") == [SLEEPING] * 3
        assert nights.actions() == 3
        assert list((nights.home / "run" / "jetstream").glob("*.json")) == []


def test_a_folder_of_decisions_that_is_full_keeps_instances_and_the_rest_runs(nights: FullNights) -> None:
    nights.rest("web")
    with a_mail_server() as mails, a_webhook() as hook:
        assert nights.night("parts=activity,shelve_idle", mails=mails).returncode == 0
        nights.told_long_ago()
        mails.mails.clear()
        given = [word for option in nights.options(mails, hook) for word in ("-e", option)]
        ended = nights.on(
            *("full", program("ansible-playbook"), "-i", "localhost,", "jetstream.cloud.nightly", *given),
            folder=nights.home / STATE / "decisions",
        )
        assert ended.returncode == 2, ended.stdout
        assert "shelve_idle   FAILED: " in ended.stdout
        assert nights.state("web") == "active"
        assert "failed (shelve_idle)" in mails.mails[-1].message["Subject"]


def test_a_job_whose_log_and_lock_cannot_be_written_runs_and_says_so(tmp_path: Path) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    with Server(fleet(names=("web",), states={"active": 1})) as server:
        machine = Machine(tmp_path, server)
        machine.install("variables_path=nightly.yml")
        (machine.home / STATE).mkdir(parents=True, exist_ok=True)
        # The lock and the log do not exist yet. Ansible's own temporary files are on the same disk.
        (machine.home / ".ansible").mkdir(exist_ok=True)
        ended = subprocess.run(
            [
                *(*UNSHARE, "sh", "-c", BREAK["full"], "sh", str(machine.home / ".ansible")),
                *("sh", "-c", BREAK["full"], "sh", str(machine.home / STATE), "/bin/sh", str(machine.script)),
            ],
            env={**machine.environment(), "XDG_RUNTIME_DIR": str(runtime)},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 2, ended.stdout
        assert "nightly.json, cannot be written: " in " ".join(ended.stdout.split())
        assert "hygiene       No findings." in ended.stdout
        # Its own log is gone again.
        assert [each.name for each in runtime.iterdir()] == ["jetstream"]
