# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage of runs: a site, its clients, their clock, and the network between them."""

from __future__ import annotations

import os
import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ...plugins.module_utils._internal.errors import JetstreamError
from ...plugins.module_utils._internal.operations import instance_state
from ..unit.fakes.operation_runner import OperationRunner
from .network import Network
from .plans import ATMOSPHERE, Plan, Task
from .records import Record
from .scheduler import Scheduler
from .site import ActualState
from .site_atmosphere import AtmosphereSite
from .site_jetstream2 import Jetstream2Site

# The clients: that of the plan, and the one that has the same idea on another machine.
USER, RIVAL = "user", "rival"


@dataclass
class Run:
    """A run of a task by a client: its result, and the states of the fleet before and after it.

    ``result`` is None if the operation raised ``error``. ``crash``: the traceback of any other exception. ``text``: the
    complete output. ``hidden``: the registered secrets. ``frozen``: seconds that the client's machine slept.
    """

    client: str
    task: Task
    begun: float
    ended: float = 0.0
    result: Mapping[str, Any] | None = None
    changed: bool = False
    failure: str | None = None
    error: JetstreamError | None = None
    crash: str = ""
    warnings: list[str] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    before: Mapping[str, ActualState] = field(default_factory=dict)
    after: Mapping[str, ActualState] = field(default_factory=dict)
    record: Record = field(default_factory=Record)
    frozen: float = 0.0

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """Return the results of the instances, [] without a result."""
        return list(self.result["instances"]) if self.result else []

    @property
    def text(self) -> str:
        """Return the complete output of the run."""
        return "\n".join([str(self.result), str(self.failure), str(self.error), self.crash, *self.warnings])


class _ClientClock:
    """A client's clock, whose date may be wrong by ``offset`` seconds."""

    def __init__(self, time: Scheduler, offset: float) -> None:
        self._time = time
        self._offset = timedelta(seconds=offset)

    def monotonic(self) -> float:
        return self._time.monotonic()

    def now(self) -> datetime:
        return self._time.now() + self._offset

    def sleep(self, seconds: float) -> None:
        self._time.sleep(seconds)


class Stage:
    """A site with its clients, their clock and their network, on which the faults of a plan are set up."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Make the site of a plan."""
        self.plan = plan
        self.time = Scheduler(random.Random(plan.seed))
        self.record = Record()
        kind = AtmosphereSite if plan.cloud == ATMOSPHERE else Jetstream2Site
        self.site: AtmosphereSite | Jetstream2Site = kind(plan, self.time, self.record)
        self.network = Network(self.time, self.site, self.record, random.Random(plan.seed), plan.latency)
        self.date_offset = 0.0
        self.frozen = 0.0
        self._folder = folder

    def date(self) -> datetime:
        """Return the date of the clients' machine, in UTC, without a time zone."""
        return (self.time.now() + timedelta(seconds=self.date_offset)).replace(tzinfo=None)

    def struck(self, kind: str) -> None:
        """Record that a fault has happened."""
        self.record.struck.append((kind, self.time.monotonic()))

    def at(self, seconds: float, do: Callable[[], object]) -> None:
        """Call something a number of seconds after the start, or at once for less than 0."""
        if seconds < 0:
            do()
            return
        self.time.at(seconds, do)

    def freeze(self, seconds: float) -> None:
        """Let the machine of the clients sleep."""
        self.frozen += seconds
        self.time.freeze(seconds)

    def run(self, client: str, task: Task, connection: Mapping[str, Any]) -> Run:
        """Run a task as a client."""
        home = self._folder / client
        home.mkdir(exist_ok=True)
        options, environ = self.site.options(client, self.network.url(client), home)
        os.environ.update(environ)
        runner = OperationRunner(home, _ClientClock(self.time, self.date_offset))
        runner.environ = environ
        run = Run(client, task, self.time.monotonic(), before=self._actual_states(), warnings=runner.warnings)
        frozen = self.frozen
        try:
            outcome = runner.run(
                instance_state.SPEC,
                instance_state.OPERATION,
                check_mode=task.check_mode,
                **options,
                **connection,
                **self._options(task),
            )
        except JetstreamError as error:
            run.error = error
        except Exception:
            run.crash = traceback.format_exc()
        else:
            run.result, run.changed, run.failure = outcome.result, outcome.changed, outcome.failure
            run.warnings += outcome.warnings
        run.ended, run.after, run.hidden = self.time.monotonic(), self._actual_states(), runner.hidden
        run.frozen = self.frozen - frozen
        return run

    def _options(self, task: Task) -> dict[str, Any]:
        """Return the options of a task, with ids and uuids instead of the numbers of members."""
        named = {"id": self.site.ids, "uuid": self.site.uuids}
        return {
            name: [known[int(each.removeprefix("#"))] for each in value] if (known := named.get(name)) else value
            for name, value in task.options.items()
        }

    def _actual_states(self) -> dict[str, ActualState]:
        return {uuid: self.site.actual_state(uuid) for uuid in self.site.uuids}
