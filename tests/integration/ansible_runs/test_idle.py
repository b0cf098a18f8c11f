# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a login to the table of what lies idle: readings over ssh, their verdicts, the mail, and keep marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import HOUR
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Key, Store
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.decisions import DecisionLog
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.records import Event, Record
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import BOOTED, TRANSIT, reading

READINGS = Path(".local/state/jetstream/readings")
# Plays an ssh that leads to this machine, and to nowhere for one address. Ansible gives the command as the last word.
SSH = """#!/bin/sh
echo "$@" >>"$SSH_LOG"
case "$*" in *" $DEAD_ADDRESS "*) echo "ssh: connect to host: No route to host" >&2; exit 255;; esac
for word; do command=$word; done
exec sh -c "$command"
"""
SUDO = """#!/bin/sh
while [ "$1" != /bin/sh ]; do shift; done
exec "$@"
"""


class Lab:
    """A user with three running instances, a stopped one, and a colleague who has some, too."""

    def __init__(self, home: Path, server: Server) -> None:
        self.home = home
        self.server = server
        self.more = {"SSH_LOG": str(home / "ssh.log"), "DEAD_ADDRESS": "nowhere"}
        for name, text in {"ssh": SSH, "sudo": SUDO}.items():
            (home / name).write_text(text)
            (home / name).chmod(0o755)
        self.more |= {"ANSIBLE_SSH_EXECUTABLE": str(home / "ssh"), "ANSIBLE_BECOME_EXE": str(home / "sudo")}

    def run(self, playbook: str, *values: str, inventory: str = "localhost,", status: int = 0) -> str:
        """Run a playbook that ends with that status and without a warning, and return what it prints."""
        given = [word for value in values for word in ("-e", value)]
        ended = run_playbook(
            f"jetstream.cloud.{playbook}", "-i", inventory, *given, home=self.home, url=self.server.url, more=self.more
        )
        assert ended.returncode == status, ended.stdout
        assert "WARNING" not in ended.stdout
        return ended.stdout

    def connections(self) -> list[str]:
        """Return the arguments of every ssh that was started."""
        log = self.home / "ssh.log"
        return log.read_text().splitlines() if log.exists() else []

    def files(self) -> dict[str, Path]:
        """Return the files of readings by UUID."""
        return {path.stem: path for path in (self.home / READINGS).glob("*/*/*.json")}

    def address(self, name: str) -> str:
        return str(next(each.ip_address for each in self.server.world.instances if each.name == name))

    def uuid(self, name: str) -> str:
        return str(next(each.uuid for each in self.server.world.instances if each.name == name))

    def rest(self, name: str, **sections: Any) -> None:
        """Let an instance have been idle for six hours, by readings of which the newest has just arrived.

        ``sections``: what else the readings show.
        """
        path = self.files()[self.uuid(name)]
        key = Key(unquote(path.parents[1].name), unquote(path.parent.name), path.stem)
        path.unlink()
        store = Store(self.home / READINGS, SystemClock())
        late = datetime.now(UTC).timestamp() - (BOOTED + TRANSIT + 6 * HOUR) - 1
        for number in range(25):
            uptime = number * HOUR / 4
            clock = ["format 1", "uid 0", f"clock {BOOTED + int(uptime + late)}"]
            store.add(key, reading(uptime, late=late, probe=clock, **sections))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    world = fleet(names=("web", "db", "gpu", "off"), states={"active": 3, "shutoff": 1})
    add_colleague(world)
    with Server(world) as server:
        yield Lab(tmp_path, server)


def test_readings_are_taken_of_ones_own_running_instances_and_what_fails_is_named(lab: Lab) -> None:
    lab.more["DEAD_ADDRESS"] = lab.address("db")
    said = lab.run("activity", "host_keys=accept_new", "jump_host=ubuntu@gate.example.org", "host_timeout=60")
    assert "2 of 3 running instances were read." in said
    before, _mark, table = said.partition("NOT READ")
    assert "No route to host" in table
    assert f"Try a connection: ssh exouser@{lab.address('db')}." in table
    # It is nothing that went wrong in the run.
    assert not re.search(r"ERROR|fatal|UNREACHABLE", before)
    assert lab.files().keys() == {lab.uuid("web"), lab.uuid("gpu"), lab.uuid("db")}
    kept = {name: json.loads(lab.files()[lab.uuid(name)].read_text()) for name in ("web", "db")}
    assert (kept["db"]["last"], kept["db"]["failed"]["reason"]) == (None, "ssh: connect to host: No route to host")
    assert kept["web"]["failed"] is None
    words = (
        "no reading was taken yet; the last attempt to read it, just now, failed: ssh: connect to host: No route to "
        "host"
    )
    assert words in " ".join(lab.run("idle", "width=0").split())
    options = "-o StrictHostKeyChecking=accept-new -o ProxyJump=ubuntu@gate.example.org"
    assert all(options in each for each in lab.connections())


def test_an_inventory_says_which_are_read_and_how(lab: Lab) -> None:
    (lab.home / "hosts.yml").write_text("all: {hosts: {web: {ansible_connection: local}}}")
    said = lab.run("activity", inventory="hosts.yml")
    assert "1 of 3 running instances were read." in said
    assert "is not in the inventory" in said
    assert lab.connections() == []
    assert lab.files().keys() == {lab.uuid("web")}


def test_without_a_running_instance_nothing_is_read_and_nothing_is_warned_of(lab: Lab) -> None:
    for name in ("web", "db", "gpu"):
        lab.server.world.force(name, "shutoff")
    assert "0 of 0 running instances were read." in lab.run("activity")
    assert lab.connections() == []


def test_what_lies_idle_is_shown_mailed_and_left_as_it_is(lab: Lab) -> None:
    lab.run("activity")
    lab.rest("web")
    lab.files()[lab.uuid("db")].unlink()
    states = dict(lab.server.world.states())
    with a_mail_server() as mails:
        said = lab.run("idle", "mail_to=pi@example.edu", f"smtp_port={mails.port}", "smtp_secure=never")
    assert "1 instance has been idle for at least 6.0 hours, and cost at least 6" in said
    assert "db    no reading was taken yet" in said
    assert "Running instances with an unknown verdict, treated as active: " in said
    assert "Take readings with jetstream.cloud.activity." in said
    # The third is this machine, on which somebody may work.
    assert "3 running: 1 idle, " in said
    narrow = lab.run("idle", "width=80")
    table = narrow[narrow.index("NAME ") :].splitlines()[0]
    assert "IDLE SINCE" in table
    assert "KEPT BECAUSE" not in table
    assert " unknown. Nothing was changed." in said
    assert states == lab.server.world.states()
    [mail] = mails.mails
    assert mail.to == ["pi@example.edu"]
    assert mail.message["Subject"] == "Jetstream: 1 of 3 running instances are idle"
    assert "1 instance has been idle" in mail.message.get_content()


def test_the_active_ones_are_named_up_to_ten(tmp_path: Path) -> None:
    names = [f"n{number:02}" for number in range(12)]
    with Server(fleet(names=names)) as server:
        lab = Lab(tmp_path, server)
        lab.run("activity")
        for name in names[:2]:
            lab.rest(name, slurm=["jobs 1"])
        for name in names[2:]:
            lab.files()[lab.uuid(name)].unlink()
        assert "12 running: 0 idle, 2 active (n00, n01), 10 unknown. Nothing was changed." in lab.run("idle")
        lab.run("activity")
        for name in names:
            lab.rest(name, slurm=["jobs 1"])
        ten = ", ".join(names[:10])
        assert f"12 running: 0 idle, 12 active ({ten} and 2 more), 0 unknown." in lab.run("idle")


def test_what_was_saved_in_a_week_is_told(lab: Lab) -> None:
    assert "in the last 7 days" not in lab.run("idle")
    now = datetime.now(UTC)
    act = Record(
        now - timedelta(hours=5), Event.DONE, "site", "project", "uuid", "web", status="active", action="shelve",
        applies=True, saves_su_per_hour=2.0,
    )  # fmt: skip
    seen = replace(act, at=now - timedelta(hours=1), event=Event.DECIDED, status="shelved_offloaded")
    DecisionLog(lab.home / ".local/state/jetstream/decisions", SystemClock()).write([act, seen])
    assert "shelve_idle saved 8.0 SU in the last 7 days." in lab.run("idle")


def test_a_replay_shows_what_the_rules_would_have_done(lab: Lab) -> None:
    lab.run("activity")
    lab.rest("web")
    settings = lab.home / "idle_settings.yml"
    settings.write_text("instances: [{name: web, settings: {window_minutes: 120}}]")
    said = lab.run("idle", "replay=1d", f"settings_path={settings}", "width=0")
    # Six hours, less a window of two and the grace time.
    assert "1 warning, 0 spared in the grace time, 1 action." in said
    assert "That would have saved 3 SU, in 3 hours." in said
    assert "NAME  READ HOURS  WARNED  SPARED  ACTIONS  USED SOON  SAVED HOURS  SAVED SU" in said


def test_without_readings_there_is_nothing_to_replay(lab: Lab) -> None:
    said = lab.run("idle", "replay=14d")
    assert "There are no readings to replay since " in said
    assert "would have" not in said


def test_a_keep_mark_is_set_reported_and_taken_away(lab: Lab) -> None:
    lab.run("activity")
    lab.rest("web")
    until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    assert f"to be kept until {until}T23:59:59Z" in lab.run("keep", "instance=web", f"keep_until={until}")
    assert f"it is kept until {until}" in lab.run("idle")
    later = lab.run("keep", "instance=web", f"keep_from={until}", "hours=8")
    assert f"to be kept from {until}T00:00:00Z until {until}T08:00:00Z, by the file" in later
    assert "no keep mark" in lab.run("keep", "instance=web", "undo=true")
    assert "it is kept until" not in lab.run("idle")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "keep requires hours, keep_until or undo=true. Example: -e hours=8"),
        (["undo=false"], "keep requires hours, keep_until or undo=true. Example: -e hours=8"),
        (
            ["hours=8", "undo=true"],
            "hours and undo=true are mutually exclusive. Set only one of them.",
        ),
    ],
)
def test_a_keep_mark_without_one_end_is_refused_before_a_request(lab: Lab, values: list[str], words: str) -> None:
    said = lab.run("keep", "instance=web", *values, status=2)
    assert words in " ".join(said.split())
    assert list(lab.server.requests) == []


def test_an_address_inside_of_the_cloud_is_shown_with_the_way_to_it(lab: Lab) -> None:
    lab.server.world.force("db", address="10.0.0.7")
    lab.more["DEAD_ADDRESS"] = "10.0.0.7"
    said = lab.run("activity")
    assert "db    10.0.0.7  " in said
    assert "through one that has it: -e jump_host=USER@ADDRESS" in said
