# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights of a simulated fleet, by the programs that run playbooks where many work."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import Surroundings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.connect import connect, resolve
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_nightly import Nights
from ansible_collections.jetstream.cloud.tests.runner.nodes import Json, Node, new_job
from ansible_collections.jetstream.cloud.tests.simulator import Server
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import MailServer

# Found in no file but those that have it from here.
PASSWORD = "Pa55-of-johndoe"
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that ended: its exit status, what the terminal showed, what was recorded, and the results of its tasks."""

    status: int
    shown: str
    recorded: str
    results: list[Json]


class NodeNights(Nights):
    """johndoe's instances, two of which follow a schedule, and the nights that a node runs."""

    def __init__(self, node: Node, server: Server) -> None:
        super().__init__(node.home, server)
        self.node = node

    @property
    def login(self) -> dict[str, str]:
        """Return the login, and the ssh that leads to the simulated instances, as variables of the environment."""
        login = {"JETSTREAM_API_URL": self.server.url, "JETSTREAM_USERNAME": "johndoe", "JETSTREAM_PASSWORD": PASSWORD}
        return {**login, **self.more}

    def instances(self) -> list[Instance]:
        """Return johndoe's instances."""
        login = {"api_url": self.server.url, "username": "johndoe", "password": PASSWORD}
        # The tests' own login leaves no token on the node.
        surroundings = Surroundings({"JETSTREAM_CACHE_TOKENS": "no"}, self.home, SystemClock(), lambda _secret: None)
        with closing(connect(resolve(login, {}, self.home), surroundings)) as cloud:
            return [each for each in cloud.list_instances(live=True) if each.owner == "johndoe"]

    def variables(self, mails: MailServer) -> Json:
        """Return the variables of a night."""
        return {
            "apply": True,
            "trial_days": 0,
            "sweep_minutes": 0,
            "pause_seconds": 2,
            "charts": False,
            "schedules": str(self.home / "schedules.yml"),
            "mail_to": "pi@example.edu",
            "smtp_port": mails.port,
            "smtp_secure": "never",
        }

    def by_navigator(self, playbook: str, variables: Mapping[str, object]) -> FinishedRun:
        """Run a playbook by ansible-navigator, without a container."""
        given, artifact = self.node.tmp / "variables.json", self.node.tmp / "artifact.json"
        given.write_text(json.dumps(dict(variables)))
        words = ["run", f"jetstream.cloud.{playbook}", "--execution-environment", "false", "--mode", "stdout"]
        words += ["--inventory", "localhost,", "--playbook-artifact-save-as", str(artifact)]
        words += ["--log-file", str(self.node.tmp / "navigator.log"), "-e", f"@{given}"]
        ended = self.node.run("ansible-navigator", *words, more=self.login)
        record = json.loads(artifact.read_text())
        assert record["status"] == ("successful" if ended.returncode == 0 else "failed")
        tasks = [task for play in record["plays"] for task in play["tasks"]]
        return FinishedRun(
            ended.returncode,
            _plain(ended.stdout.decode()),
            _plain("\n".join(record["stdout"])),
            [task["res"] for task in tasks if "res" in task],
        )

    def by_runner(self, playbook: str, variables: Mapping[str, object]) -> FinishedRun:
        """Run a playbook by ansible-runner, with a private data directory of its own."""
        number = len(list(self.node.tmp.glob("job-*")))
        job = new_job(self.node.tmp / f"job-{number}", variables, environ=self.login)
        named = ("-p", f"jetstream.cloud.{playbook}", "--ident", job.ident)
        ended = self.node.run("ansible-runner", "run", job.folder, *named)
        assert job.status == ended.returncode
        return FinishedRun(ended.returncode, _plain(ended.stdout.decode()), _plain(job.output), job.results)


def _plain(text: str) -> str:
    return _COLOR.sub("", text).replace("\r\n", "\n")
