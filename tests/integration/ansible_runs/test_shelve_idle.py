# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the notice to the act by the playbook alone, with a mail server, a webhook, and a simulated cloud."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import Surroundings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.connect import connect, resolve
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import HOUR
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Store, key_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import MailServer, a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import a_webhook
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import BOOTED, TRANSIT, reading

READINGS = Path(".local/state/jetstream/readings")
NOTICES = Path(".local/state/jetstream/decisions/notices.json")
# Plays an ssh to an instance that is idle, to one that has a job now, and to one that is gone.
SSH = """#!{python}
import os, sys, time
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import BOOTED, probe_text
arguments = " ".join(sys.argv)
with open(os.environ["SSH_LOG"], "a") as log:
    log.write(arguments + "\\n")
if f" {os.environ['DEAD_ADDRESS']} " in arguments:
    sys.exit("ssh: connect to host: No route to host")
busy = f" {os.environ['BUSY_ADDRESS']} " in arguments
now = time.time()
sections = {"probe": ["format 1", "uid 0", f"clock {int(now)}"]}
print(probe_text(now - float(os.environ["BOOTED_AT"]), **sections, **({"slurm": ["jobs 1"]} if busy else {})), end="")
"""


class Lab:
    """johndoe's instances in a simulated cloud, and his runs of the playbook."""

    def __init__(self, home: Path, server: Server) -> None:
        self.home = home
        self.server = server
        self.booted = datetime.now(UTC).timestamp() - 20 * HOUR
        (home / "ssh").write_text(SSH.replace("{python}", sys.executable))
        (home / "ssh").chmod(0o755)
        self.more = {
            "SSH_LOG": str(home / "ssh.log"),
            "DEAD_ADDRESS": "nowhere",
            "BUSY_ADDRESS": "nowhere",
            "BOOTED_AT": str(self.booted),
            "ANSIBLE_SSH_EXECUTABLE": str(home / "ssh"),
        }

    def run(self, *values: str, playbook: str = "shelve_idle", check: bool = False) -> CompletedProcess[str]:
        given = [word for value in values for word in ("-e", value)]
        arguments = [f"jetstream.cloud.{playbook}", "-i", "localhost,", *given, *(["--check"] if check else [])]
        return run_playbook(*arguments, home=self.home, url=self.server.url, more=self.more)

    def apply(self, mails: MailServer, *values: str) -> CompletedProcess[str]:
        options = {
            "apply": "true",
            "trial_days": "0",
            "sweep_minutes": "0",
            "pause_seconds": "2",
            "mail_to": "pi@example.edu",
            "smtp_port": str(mails.port),
            "smtp_secure": "never",
        }
        files = [each for each in values if each.startswith("@")]
        options |= dict(each.split("=", 1) for each in values if not each.startswith("@"))
        return self.run(*(f"{name}={value}" for name, value in options.items()), *files)

    def rest(self, *names: str, hours: float = 6) -> None:
        """Let instances have been idle, by readings of which the newest has just arrived."""
        store = Store(self.home / READINGS, SystemClock())
        for each in self.instances():
            if each.name in names:
                for number in range(int(hours * 4), -1, -1):
                    moment = datetime.now(UTC).timestamp() - number * HOUR / 4
                    clock = ["format 1", "uid 0", f"clock {int(moment)}"]
                    late = self.booted - BOOTED - TRANSIT
                    store.add(key_of(each), reading(moment - self.booted, late=late, probe=clock))

    def instances(self) -> list[Instance]:
        """Return johndoe's instances."""
        login = {"api_url": self.server.url, "username": "johndoe", "password": "pass"}
        surroundings = Surroundings({}, self.home, SystemClock(), lambda _secret: None)
        with closing(connect(resolve(login, {}, self.home), surroundings)) as cloud:
            return [each for each in cloud.list_instances(live=True) if each.owner == "johndoe"]

    def state(self, name: str) -> str:
        return str(dict(self.server.world.states())[name])

    def address(self, name: str) -> str:
        return str(next(each.ip_address for each in self.server.world.instances if each.name == name))

    def told_long_ago(self) -> None:
        """Let all notices have been delivered an hour earlier than they were."""
        path = self.home / NOTICES
        record = json.loads(path.read_text())
        for each in record["instances"]:
            delivered = each.get("notice", {}).get("delivered", {})
            delivered |= {channel: at - 61 * 60 for channel, at in delivered.items()}
        path.write_text(json.dumps(record))

    def actions(self) -> int:
        return len(self.server.requests.matching("POST", r".*/action"))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    world = fleet(names=("web", "db", "gpu", "off"), states={"active": 3, "shutoff": 1})
    add_colleague(world)
    with Server(world) as server:
        yield Lab(tmp_path, server)


def test_an_idle_instance_is_told_of_and_shelved_after_the_grace_time(lab: Lab) -> None:
    lab.rest("web", "db", "gpu")
    lab.more |= {"BUSY_ADDRESS": lab.address("db"), "DEAD_ADDRESS": lab.address("gpu")}
    with a_mail_server() as mails, a_webhook() as hook:
        webhook = f"webhook_url={hook.url}"
        first = lab.apply(mails, webhook)
        assert first.returncode == 0, first.stdout
        assert hook.url not in first.stdout
        [mail] = mails.mails
        assert mail.to == ["pi@example.edu"]
        assert "web" in mail.message["Subject"]
        text = mail.message.get_content()
        assert "web (" in text
        assert "nothing happened for 360 min" in text
        assert "SU per hour" in text
        assert "jetstream.cloud.keep -e instance=" in text
        assert "in 60 minutes at the earliest" in text
        [post] = hook.posts
        assert post["text"].splitlines()[:3] == text.splitlines()[:3]
        # A second run in the same minute tells nobody again, and acts on nothing.
        again = lab.apply(mails, webhook)
        assert again.returncode == 0, again.stdout
        assert (len(mails.mails), len(hook.posts), lab.actions()) == (1, 1, 0)
        assert "waits until" in again.stdout.replace("\n", " ")

        lab.told_long_ago()
        last = lab.apply(mails, webhook)
        assert last.returncode == 0, last.stdout
        assert "1 instance was shelved." in last.stdout
    assert [lab.state(name) for name in ("web", "db", "gpu")] == ["shelved_offloaded", "active", "active"]
    assert lab.actions() == 1
    assert len(mails.mails) == 2
    assert mails.mails[1].message["Subject"] == "Jetstream: 1 idle instance was shelved"
    # What was done is posted as well.
    subject, block = hook.posts[1]["text"].split("\n```\n", 1)
    assert subject == "Jetstream: 1 idle instance was shelved"
    assert block.splitlines()[0] == mails.mails[1].message.get_content().splitlines()[0]
    assert len(hook.posts) == 2
    requests = len(list(lab.server.requests))
    why = lab.run("instance=web", "width=0", playbook="why")
    assert why.returncode == 0, why.stdout
    assert len(list(lab.server.requests)) == requests
    assert "A notice about web was delivered to pi@example.edu." in why.stdout
    assert "web was shelved" in why.stdout
    spared = lab.run("instance=db", "width=0", playbook="why")
    assert "db was active by the rule slurm: 1 Slurm job" in spared.stdout


def test_a_notice_that_a_killed_run_had_sent_is_known_as_the_same(lab: Lab) -> None:
    lab.rest("web")
    with a_mail_server() as mails, a_webhook() as hook:
        assert lab.apply(mails, f"webhook_url={hook.url}").returncode == 0
        # As if the run had been killed right after it had sent them.
        path = lab.home / NOTICES
        record = json.loads(path.read_text())
        for each in record["instances"]:
            if "notice" in each:
                each["notice"] |= {"claimed": each["notice"]["begun"] - 700, "delivered": {}}
                each["notice"]["begun"] = each["notice"]["claimed"]
        path.write_text(json.dumps(record))
        for _run in range(2):
            assert lab.apply(mails, f"webhook_url={hook.url}").returncode == 0
    _first, mail = mails.mails
    told = "You may have received this notice before: the run that sent it ended before it recorded the delivery."
    assert mail.message.get_content().splitlines()[0] == told
    assert hook.posts[1]["text"].splitlines()[0] == told
    assert told not in _first.message.get_content()
    begun = record["instances"][0]["notice"]["begun"]
    assert mail.message["Message-ID"] == message_id(f"{lab.instances()[0].uuid}.{begun:.3f}")


def message_id(text: str) -> str:
    """Return the ID of a mail of the sender pi@example.edu."""
    return f"<{hashlib.sha256(text.encode()).hexdigest()[:40]}@example.edu>"


def test_what_is_unknown_is_listed_with_why_and_a_way_to_know_more(lab: Lab) -> None:
    lab.rest("web")
    said = " ".join(lab.run("trial_days=0", "width=0").stdout.split())
    assert "Running instances with an unknown verdict, treated as active: 2 NAME WHY KEPT BECAUSE" in said
    assert "db no reading was taken yet - gpu no reading was taken yet - " in said
    assert "Take readings with jetstream.cloud.activity. A verdict needs those of a window" in said
    assert "Without readings: -e console_only=true relies on the console" in said
    alone = " ".join(lab.run("trial_days=0", "console_only=true").stdout.split())
    assert "Running instances with an unknown verdict, treated as active: 2" in alone
    assert "Without readings," not in alone
    lab.rest("db", "gpu")
    assert "unknown verdict, treated as active" not in lab.run("trial_days=0").stdout


def test_a_mail_server_that_is_down_puts_nobody_away(lab: Lab) -> None:
    lab.rest("web")
    with a_mail_server() as mails:
        down = lab.apply(mails, "smtp_port=9")
        assert down.returncode == 2
        assert "A notice was not delivered; the next run sends it again: web: The mail server" in down.stdout
        assert mails.mails == []
        up = lab.apply(mails)
        assert up.returncode == 0, up.stdout
        assert len(mails.mails) == 1
    assert lab.actions() == 0


def test_without_apply_nothing_is_sent_and_it_says_so(lab: Lab) -> None:
    lab.rest("web")
    with a_mail_server() as mails:
        ended = lab.run("trial_days=0", "mail_to=pi@example.edu", f"smtp_port={mails.port}", "smtp_secure=never")
        assert ended.returncode == 0, ended.stdout
        assert mails.mails == []
    assert "its owner would get a notice" in " ".join(ended.stdout.split())
    assert "Nothing was changed. To send notices and act: -e apply=true" in ended.stdout
    assert lab.actions() == 0


def test_the_trial_says_when_it_ends(lab: Lab) -> None:
    lab.rest("web", hours=12)
    with a_mail_server() as mails:
        ended = lab.apply(mails, "trial_days=7")
        assert mails.mails == []
    assert ended.returncode == 0, ended.stdout
    said = ended.stdout.replace("\n", " ")
    assert "The trial: the evidence began 0.5 days ago, and the trial lasts 7 days (trial_days)." in said
    # Once, and not in the row as well.
    assert said.count("trial_days") == 1


def test_owners_are_told_by_their_own_addresses_and_teams_by_a_card(lab: Lab) -> None:
    lab.rest("web")
    (lab.home / "owners.yml").write_text("owner_mail: {johndoe: john@example.edu}")
    with a_mail_server() as mails, a_webhook() as hook:
        (lab.home / "hook.yml").write_text(f"webhook_url: {hook.url}")
        more = [f"@{lab.home}/owners.yml", f"@{lab.home}/hook.yml", "webhook_format=teams"]
        hook.status = 500
        broken = lab.apply(mails, *more)
        assert broken.returncode == 2
        assert "web: The webhook responded with status 500" in broken.stdout
        assert hook.url not in broken.stdout
        hook.status = 202
        mended = lab.apply(mails, *more)
        assert mended.returncode == 0, mended.stdout
    # The mail was delivered at once, and is not sent twice.
    assert [each.to for each in mails.mails] == [["john@example.edu"]]
    card = hook.posts[1]["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert "Z or earlier: " in card["body"][0]["inlines"][0]["text"]


def test_a_template_of_ones_own_and_a_name_that_is_a_template(lab: Lab) -> None:
    for each in lab.server.world.instances:
        if each.name == "web":
            each.name = "{{ 7 * 191 }}"
    (lab.home / "notice.j2").write_text("Idle: {{ jetstream_told | map(attribute='label') | join }}")
    lab.rest("{{ 7 * 191 }}")
    with a_mail_server() as mails:
        ended = lab.apply(mails, "notice_template=notice.j2")
    assert ended.returncode == 0, ended.stdout
    assert mails.mails[0].message.get_content().strip() == "Idle: {{ 7 * 191 }}"


def test_check_mode_sends_nothing_and_changes_nothing(lab: Lab) -> None:
    lab.rest("web")
    before = {path: path.read_bytes() for path in (lab.home / ".local").rglob("*") if path.is_file()}
    with a_mail_server() as mails:
        options = ["apply=true", "trial_days=0", "mail_to=pi@example.edu", f"smtp_port={mails.port}"]
        ended = lab.run(*options, check=True)
        assert mails.mails == []
    assert ended.returncode == 0, ended.stdout
    assert "Nothing was changed (check mode)." in ended.stdout
    assert {path: path.read_bytes() for path in (lab.home / ".local").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["apply=true"], "apply=true requires mail_to, owner_mail or webhook_url"),
        (["owner_mail=john@example.edu"], "owner_mail must be a dictionary"),
        (["pause_seconds=151"], "pause_seconds is 151, but must be between 1 and 150."),
        (["action=stop"], "action"),
        (["do=delete"], "do is delete, but must be one of shelve, stop, suspend"),
    ],
)
def test_wrong_variables_end_it_before_a_request(lab: Lab, values: list[str], words: str) -> None:
    ended = lab.run(*values)
    assert ended.returncode == 2
    assert words in ended.stdout
    assert list(lab.server.requests) == []


def test_what_is_shut_off_is_shelved_by_the_sweep(lab: Lab) -> None:
    with a_mail_server() as mails:
        ended = lab.apply(mails, "sweep_minutes=1")
    # Its history tells that it has been off for long.
    assert ended.returncode == 0, ended.stdout
    assert lab.state("off") == "shelved_offloaded", ended.stdout
    assert [lab.state(name) for name in ("web", "db", "gpu")] == ["active", "active", "active"]
    assert lab.actions() == 1
