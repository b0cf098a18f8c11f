# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the task of a plan three times: with its faults, then without any to recover, then with nothing left to do."""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from unittest import mock

from keystoneauth1 import _utils as keystone_utils

from ...plugins.module_utils._internal.clouds.atmosphere import login as _atmosphere_login  # noqa: F401
from ...plugins.module_utils._internal.clouds.jetstream2 import login as _jetstream2_login  # noqa: F401
from .faults import UNKNOWN_TO_ATMOSPHERE, install
from .plans import ATMOSPHERE, Plan, Task
from .scheduler import scheduled
from .site import Site
from .stages import RIVAL, USER, Run, Stage

_PRODUCT = "ansible_collections.jetstream.cloud.plugins.module_utils._internal."
_LONG_ENOUGH = 3600.0
_LIST_CACHE = 31.0


@dataclass
class Trial:
    """A plan with its runs. ``rival``: that of another client at the same time as the faulty one."""

    plan: Plan
    site: Site
    faulty: Run
    rival: Run | None
    recovery: Run
    repeated: Run
    struck: list[str]

    @property
    def runs(self) -> list[tuple[str, Run]]:
        """Return all runs, with their names."""
        rival = [("rival", self.rival)] if self.rival else []
        return [("faulty", self.faulty), *rival, ("recovery", self.recovery), ("repeated", self.repeated)]


def carry_out(plan: Plan) -> Trial:
    """Carry a plan out."""
    with tempfile.TemporaryDirectory(prefix="reliability-", dir=_scratch()) as folder:
        stage = Stage(plan, Path(folder))
        with _surroundings(stage):
            for fault in plan.faults:
                install(stage, fault)
            faulty, rival = _faulty_runs(stage)
            ended = max(each.ended for each in (faulty, rival) if each)
            struck = [kind for kind, at in faulty.record.struck if at <= ended]
            stage.network.faults.clear()
            stage.site.end_faults()
            stage.time.sleep(_pause(plan))
            recovery = _alone(stage)
            repeated = _alone(stage)
    return Trial(plan, stage.site, faulty, rival, recovery, repeated, struck)


def _pause(plan: Plan) -> float:
    """Return the seconds until the next run: Atmosphere needs some to notice changes in nova."""
    if plan.cloud == ATMOSPHERE and any(each.kind in UNKNOWN_TO_ATMOSPHERE for each in plan.faults):
        return max(plan.pause, _LIST_CACHE)
    return plan.pause


def recovery_task(task: Task) -> Task:
    """Return the task of the recovery run: with enough time, and without the limits of the first run."""
    options = {name: value for name, value in task.options.items() if name != "max_changes"}
    return Task({**options, "wait": True, "wait_timeout": _LONG_ENOUGH})


def _faulty_runs(stage: Stage) -> tuple[Run, Run | None]:
    plan, rivals = stage.plan, []
    if plan.rival:
        task = plan.rival
        stage.at(
            plan.rival_at, lambda: stage.time.start(lambda: rivals.append(stage.run(RIVAL, task, plan.connection)))
        )
    run = stage.run(USER, plan.task, plan.connection)
    stage.time.finish()
    record = stage.record.take()
    for each in (run, *rivals):
        each.record = record
    return run, rivals[0] if rivals else None


def _alone(stage: Stage) -> Run:
    run = stage.run(USER, recovery_task(stage.plan.task), {})
    stage.time.finish()
    run.record = stage.record.take()
    return run


@contextmanager
def _surroundings(stage: Stage) -> Iterator[None]:
    """Schedule the product's threads, pass its requests through the network, and seed its random numbers."""
    state = random.getstate()
    random.seed(stage.plan.seed)
    modules = [module for name, module in sys.modules.items() if name.startswith(_PRODUCT)]
    try:
        with (
            mock.patch.dict("os.environ"),
            mock.patch.object(keystone_utils, "from_utcnow", lambda **more: stage.date() + timedelta(**more)),
            scheduled(stage.time, modules),
            stage.network.open(),
        ):
            yield
    finally:
        random.setstate(state)


def _scratch() -> str | None:
    """Return a folder in memory, or None: a run writes a few small files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def without(plan: Plan, number: int) -> Plan:
    """Return a plan without one of its faults."""
    return replace(plan, faults=plan.faults[:number] + plan.faults[number + 1 :])
