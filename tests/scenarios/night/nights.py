# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night on a cloud: scripted instances, a clock that a test moves on, and runs of the shipped playbooks."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import CALLBACKS
from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import VARIABLE, SharedClock
from ansible_collections.jetstream.cloud.tests.scenarios.night.probe_server import ProbeServer
from ansible_collections.jetstream.cloud.tests.scenarios.night.scripted_instances import ScriptedInstance, Span
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import Site
from ansible_collections.jetstream.cloud.tests.scenarios.night.switched_mail_server import SwitchedMailServer
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import Mail
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import a_webhook

# The minute of the day at which a night begins, and the time by which its clock is ahead of the machine's. That is more
# than any window, so that new servers are old enough.
BEGIN = 22 * 60
AHEAD = timedelta(hours=6)
_HALF_A_DAY = 12 * 60
_LONGEST = 300
_ANSIBLE_PLAYBOOK = (sys.executable, "-m", "ansible", "playbook", "-i", "localhost,")
_DECISIONS = Path(".local/state/jetstream/decisions")
# The mark of the second and later messages of a text that is too long for one.
_GOES_ON = re.compile(r"\((?!1 )\d+ of \d+\)")
# The words of a report about done actions, which a notice does not have.
_RESULT = re.compile(r"instances? (?:was|were) (?:shelved|stopped|suspended)")
_OWN_CALLBACKS = Path(__file__).parent / "callbacks"
# Begins a night with running instances of these names, which belong to the user.
Begin = Callable[[Sequence[str]], Site]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a playbook: its exit status (negative if it was killed), its output, and the result of each task."""

    status: int
    text: str
    results: Mapping[str, Any] = field(repr=False)

    def of(self, task: str) -> dict[str, Any]:
        """Return the last result of a task. Raises KeyError if it did not run."""
        return dict(self.results[task])


class Night:
    """A night. Moments are written as times of its own clock, such as ``23:15``."""

    def __init__(self, home: Path, clock: SharedClock) -> None:
        self.home = home
        self.clock = clock
        self.instances: dict[str, ScriptedInstance] = {}

    @contextmanager
    def on(self, site: Site) -> Iterator[Night]:
        """Run the night on a site, for a with statement."""
        # The night begins here, since a real cloud takes a minute to be made.
        self._begin = self.clock.now()
        self.site = site
        self.probe_server = ProbeServer(self.home, self.instances, site.name_at, self.clock)
        with ExitStack() as stack:
            self.mail = stack.enter_context(SwitchedMailServer())
            self.webhook = stack.enter_context(a_webhook())
            stack.enter_context(self.probe_server.reachable())
            yield self

    def moment(self, text: str) -> datetime:
        """Return a moment of the night, or of the hours before it."""
        hours, minutes = map(int, text.split(":"))
        passed = (hours * 60 + minutes - BEGIN + _HALF_A_DAY) % (2 * _HALF_A_DAY) - _HALF_A_DAY
        return self._begin + timedelta(minutes=passed)

    def span(self, start: str, end: str) -> Span:
        """Return the span between two moments of the night."""
        return Span(self.moment(start).timestamp(), self.moment(end).timestamp())

    def label(self, moment: datetime) -> str:
        """Return a moment as the clock of the night shows it, without seconds."""
        minutes = BEGIN + round((moment - self._begin).total_seconds()) // 60
        return f"{minutes // 60 % 24:02}:{minutes % 60:02}"

    def until(self, text: str) -> None:
        """Move the clock to a moment. Raises ValueError if it is past, since the earlier runs took too long."""
        late = (self.clock.now() - self.moment(text)).total_seconds()
        if late > 60:
            raise ValueError(f"it is {late:.0f} s past {text}")
        self.clock.move_to(self.moment(text))

    def readings_at(self, *moments: str) -> None:
        """Take readings at each of some moments."""
        for each in moments:
            self.until(each)
            self.readings()

    def readings(self) -> Run:
        """Take a reading of every instance, as from cron."""
        run = self.play("activity", "host_keys=accept_new", forks=20)
        assert run.status == 0, run.text
        return run

    def verdicts(self, *values: str) -> dict[str, str]:
        """Return the verdicts by ``idle``, with their rule where they are unknown."""
        run = self.play("idle", *values)
        assert run.status == 0, run.text
        rows = run.of("Read the verdicts")["instances"]
        return {row["name"]: f"{row['verdict']} {row['rule']}".strip() for row in rows}

    def shelve_idle(self, *values: str) -> Run:
        """Run ``shelve_idle`` as from cron, with ``apply``, and with notices by mail and webhook."""
        mail = ("mail_to=pi@example.edu", f"smtp_port={self.mail.port}", "smtp_secure=never")
        given = ("apply=true", "trial_days=0", *mail, f"webhook_url={self.webhook.url}", *values)
        return self.play("shelve_idle", *given, forks=20)

    def mailed(self) -> list[set[str]]:
        """Return the names in each notice by mail."""
        return [self._named_in(each.message.get_content()) for each in self.notices()]

    def notices(self) -> list[Mail]:
        """Return the mails that are notices. The others are reports, some of which were sent by a later run."""
        return [each for each in self.mail.mails if not _RESULT.search(str(each.message["Subject"]))]

    def posted(self) -> list[set[str]]:
        """Return the names in each notice to the webhook, which may have one message or several."""
        notices: list[set[str]] = []
        for each in self.webhook.posts:
            text = each["text"]
            if _RESULT.search(text):
                continue
            if _GOES_ON.search(text):
                notices[-1] |= self._named_in(text)
            else:
                notices.append(self._named_in(text))
        return notices

    def _named_in(self, text: str) -> set[str]:
        """Return the names of the instances for which a notice has a command with ``keep``."""
        return {name for name in self.instances if f"instance={self.site.uuid(name)} " in text}

    def decided(self) -> set[str]:
        """Return the names of the instances with decisions in the log."""
        return {each["name"] for each in self._lines("decisions")}

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self.home / _DECISIONS / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def why(self, name: str) -> str:
        """Return the output of ``why`` about an instance."""
        run = self.play("why", f"instance={name}", "width=0")
        assert run.status == 0, run.text
        return str(run.of("Show the decisions")["msg"])

    def log(self, name: str) -> list[str]:
        """Return the events of an instance in the log of decisions, each with its moment."""
        records = [each for each in self._lines("events") if each["name"] == name]
        return [f"{self.label(datetime.fromisoformat(each['at']))} {each['event']}" for each in records]

    def play(self, playbook: str, *values: str, forks: int = 5) -> Run:
        """Run a playbook to its end, without a terminal, as from cron."""
        with self._start(playbook, *values, forks=forks) as self._running:
            text, _nothing = self._running.communicate(timeout=_LONGEST)
        return _run(self._running.returncode, text)

    def kill(self) -> None:
        """Kill the running playbook with all its processes, as a power failure would."""
        if self._running.poll() is not None:
            return
        # Stopped first, so that none of them has time for another step.
        doomed = _descendants(self._running.pid)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for each in doomed:
                with suppress(ProcessLookupError):
                    os.kill(each, number)

    def _start(self, playbook: str, *values: str, forks: int) -> subprocess.Popen[str]:
        given = [word for value in values for word in ("-e", value)]
        return subprocess.Popen(
            [*_ANSIBLE_PLAYBOOK, "-f", str(forks), f"jetstream.cloud.{playbook}", *given],
            env=self.environment(),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def environment(self) -> dict[str, str]:
        """Return the variables of the user, with the clock of the night."""
        return {
            **os.environ,
            "HOME": str(self.home),
            "ANSIBLE_CALLBACK_PLUGINS": f"{CALLBACKS}:{_OWN_CALLBACKS}",
            "ANSIBLE_STDOUT_CALLBACK": "each_result",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            VARIABLE: str(self.clock.path),
            **self.probe_server.environment,
        }


def _descendants(process: int) -> list[int]:
    """Return a process and all of its descendants."""
    found = [process]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, children.read_text(encoding="ascii").split())
    return found


def _run(status: int, text: str) -> Run:
    results = {}
    for line in text.splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            results[told["task"]] = told["result"]
    return Run(status, text, results)
