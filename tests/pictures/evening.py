# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs that the pictures are made of: the fleet of the demo, on a clock that always shows the same evening."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import Surroundings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.connect import connect, resolve
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.readings import parse
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Store, key_of
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import PLUGINS, program
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.terminal import converse
from ansible_collections.jetstream.cloud.tests.scenarios.night import callbacks
from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import VARIABLE, SharedClock
from ansible_collections.jetstream.cloud.tests.scenarios.night.probe_server import ProbeServer
from ansible_collections.jetstream.cloud.tests.scenarios.night.scripted_instances import ScriptedInstance, Span
from ansible_collections.jetstream.cloud.tests.scenarios.stages import write_profile
from ansible_collections.jetstream.cloud.tests.simulator import SEEDS, Server, Settings, World, load
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import MailServer, a_mail_server

WIDTH = 92
EVENING = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
_READINGS = Path(".local/state/jetstream/readings")
_IDLE = ("ice-flow-01", "blast-server")
_BUSY = ("wheat-assembly", "annotation-db", "course-web", "course-notebooks", "ice-flow-02")
# It is being deployed until just before all instances are stopped, however long the runs before that take.
_BEING_DEPLOYED = "ice-flow-03"
_HOUR = 3600.0
# What pictures have instead of the machine that they are made on.
_HOME = "/home/johndoe"
_SITE = "jetstream.example.edu"


@dataclass(slots=True)
class Evening:
    """What was shown: text of terminals with their colors by the name of the picture, a mail, and a page of HTML."""

    screens: dict[str, str] = field(default_factory=dict)
    mail: str = ""
    page: str = ""


def play(folder: Path, *, charts: bool) -> Evening:
    """Play the evening in an empty folder. Raises AssertionError with the output of a playbook that fails.

    ``charts``: draw those of the page, which takes some seconds.
    """
    clock = SharedClock.begin(folder / "clock", EVENING - datetime.now(UTC))
    world = load(SEEDS / "demo.yaml", clock=clock, settings=Settings())
    [deployed] = [each for each in world.cloud.vms.values() if each.name == _BEING_DEPLOYED]
    world.cloud.force(deployed, tmp_status="deploying")
    world.cloud.finish_deploying(deployed, _HOUR, clock.now())
    seen = Evening()
    with _terminal(folder, clock, world) as terminal:
        seen.screens["instances"] = terminal.run("instances")
        seen.screens["idle"] = terminal.run("idle")
        with a_mail_server() as mails:
            sending = {"mail_to": "johndoe@example.edu", "smtp_port": str(mails.port), "smtp_secure": "never"}
            terminal.run("shelve_idle", only=",".join(_IDLE), apply="true", trial_days="0", **sending)
            seen.mail = terminal.at_home(_mail(mails))
        seen.screens["why"] = terminal.run("why", instance="blast-server")
        terminal.run("usage_report", dest="usage.html", charts=str(charts).lower())
        seen.page = terminal.at_home((folder / "usage.html").read_text(encoding="utf-8"))
        clock.advance(_HOUR)
        seen.screens["stop_all"] = terminal.run("stop_all")
    return seen


def shape(text: str) -> list[str]:
    """Return the words of an output, sorted, without colors and numbers: where lines are wrapped makes no difference.

    How many lines of progress there are depends on how fast the machine is.
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lasting = (line for line in plain.splitlines() if not line.startswith("[localhost] "))
    words = re.split(r"[\s─*]+", " ".join(lasting))
    return sorted(filter(None, (re.sub(r"[\d.]+", "0", word) for word in words)))


class _Terminal:
    """A user at a terminal."""

    def __init__(self, home: Path, variables: Mapping[str, str]) -> None:
        self._home = home
        self._variables = variables

    def run(self, playbook: str, **given: str) -> str:
        """Run a playbook, and return what the terminal shows, with the command."""
        values = [word for name, value in given.items() for word in ("-e", f"{name}={value}")]
        words = ["ansible-playbook", "-i", "localhost,", f"jetstream.cloud.{playbook}", *values]
        status, shown = converse(
            [program(words[0]), *words[1:]], {}, folder=self._home, environment={**os.environ, **self._variables}
        )
        assert status == 0, shown
        return self.at_home(f"$ {shlex.join(words).replace(chr(39), '')}\n{shown}")

    def at_home(self, text: str) -> str:
        """Return a text with the home of a user whom the pages have, and without a terminal's ends of lines."""
        text = text.replace("\r\n", "\n").replace("\r", "").replace(str(self._home), _HOME)
        return text.replace(str(PLUGINS.parents[3]), f"{_HOME}/.ansible/collections").replace("127.0.0.1", _SITE)


@contextmanager
def _terminal(home: Path, clock: SharedClock, world: World) -> Iterator[_Terminal]:
    now = clock.now().timestamp()
    instances = {name: ScriptedInstance([now - 30 * _HOUR]) for name in (*_IDLE, *_BUSY)}
    instances["ice-flow-01"].kernels = 2
    instances["blast-server"].jobs.append((Span(now - 30 * _HOUR, now - 3 * _HOUR), 2.0))
    for name in _BUSY:
        instances[name].jobs.append((Span(now - 30 * _HOUR, now + 30 * _HOUR), 1.5))
    probe_server = ProbeServer(home, instances, lambda address: _name_at(world, address), clock)
    user = world.users["demo"]
    with ExitStack() as stack:
        server = stack.enter_context(Server(world))
        stack.enter_context(probe_server.reachable())
        login = {"api_url": server.url, "username": "demo", "password": user.password}
        write_profile(home, "".join(f'{name} = "{value}"\n' for name, value in login.items()), "default")
        _take_readings(home, clock, login, instances)
        yield _Terminal(
            home,
            {
                "HOME": str(home),
                "COLUMNS": str(WIDTH),
                "TERM": "xterm-256color",
                "ANSIBLE_FORCE_COLOR": "true",
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(callbacks.__path__[0])),
                VARIABLE: str(clock.path),
                **probe_server.environment,
            },
        )


def _name_at(world: World, address: str) -> str:
    return {vm.address: vm.name for vm in world.cloud.vms.values()}[address]


def _take_readings(
    home: Path, clock: SharedClock, login: Mapping[str, str], instances: Mapping[str, ScriptedInstance]
) -> None:
    """Store what cron would have read in the last seven hours, every quarter of an hour."""
    store = Store(home / _READINGS, clock)
    surroundings = Surroundings({}, home, SystemClock(), lambda _secret: None)
    with closing(connect(resolve(dict(login), {}, home), surroundings)) as cloud:
        keys = {each.name: key_of(each) for each in cloud.list_instances(live=True) if each.name in instances}
    begin = clock.now() - timedelta(hours=7)
    for number in range(29):
        taken = (begin + timedelta(minutes=15 * number)).timestamp()
        for name, instance in instances.items():
            store.add(keys[name], parse(instance.probe(taken - 0.5), taken=taken))


def _mail(mails: MailServer) -> str:
    [mail] = mails.mails

    message = mail.message
    assert isinstance(message, EmailMessage)
    head = "".join(f"{name}: {message[name]}\n" for name in ("From", "To", "Subject"))
    return f"{head}\n{message.get_content()}"
