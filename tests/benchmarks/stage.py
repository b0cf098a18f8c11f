# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated site with a fleet, in a process of its own, and what it has to tell of a run."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.lifeline import exit_with_parent

USER = "johndoe"
PASSWORD = "pass"
_LONGEST = 7200.0


@dataclass(frozen=True)
class Costs:
    """Seconds: of every request, of a transition, and what each instance adds to an answer."""

    latency: float = 0.1
    transition: float = 5.0
    v2_row: float = 0.0
    v1_row: float = 0.0
    detail: float = 0.0


# As measured on a real Atmosphere (docs/atmosphere.md, Cost of a request).
BARE = Costs()
REAL = Costs(v2_row=0.07, v1_row=0.03, detail=0.075)


@dataclass(frozen=True)
class LoggedRequest:
    """A request: its method, and when it came and was answered, in the machine's monotonic time."""

    method: str
    began: float
    ended: float


class Site:
    """A site with so many active instances. Use it in a with statement."""

    def __init__(self, instances: int, costs: Costs) -> None:
        """Start nothing yet."""
        self._arguments = [str(instances), json.dumps(vars(costs))]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start it. Raises RuntimeError if it does not come up."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, *self._arguments], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the simulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def requests(self) -> list[LoggedRequest]:
        """Return the requests since the last reset, in the order in which they came."""
        rows = self._control("GET", "requests")["requests"]
        return sorted(
            (LoggedRequest(row["method"], row["began"], row["ended"]) for row in rows), key=lambda each: each.began
        )

    def reset(self) -> None:
        """Forget all requests."""
        self._control("DELETE", "requests")

    def still_active(self) -> int:
        """Count the instances that are not shut off."""
        return sum(row["cloud"] != "shutoff" for row in self._control("GET", "world")["instances"])

    def _control(self, method: str, what: str) -> Any:
        answer = requests.request(method, f"{self.url}/_simulator/{what}", timeout=600)
        answer.raise_for_status()
        return answer.json()


def _serve() -> None:
    # Here, since who only asks for a site need not have what the simulator stands on.
    from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet

    parser = argparse.ArgumentParser()
    parser.add_argument("instances", type=int)
    parser.add_argument("costs", type=json.loads)
    arguments = parser.parse_args()
    costs = Costs(**arguments.costs)
    settings = Settings(
        latency=costs.latency,
        transition=costs.transition,
        v2_list_cost=costs.v2_row,
        v1_list_cost=costs.v1_row,
        detail_cost=costs.detail,
    )
    world = fleet(arguments.instances, user=USER, password=PASSWORD, settings=settings)
    server = Server(world, control=True)
    print(server.url, flush=True)
    with exit_with_parent():
        asyncio.run(server.run(_LONGEST))


if __name__ == "__main__":
    _serve()
