# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs on whole systems get the verdicts that were expected of them."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import intervals_of, to_record
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Settings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import judge
from ansible_collections.jetstream.cloud.tests.idle.machine import Machine
from ansible_collections.jetstream.cloud.tests.idle.workloads import IDLE, INVENTED, WORKLOADS, Workload

# These seconds stand for an hour. Rates and cores are not scaled.
WATCHED = 24.0
WINDOW = 18.0
SETTLED = 4.0
SETTINGS = Settings(window_minutes=WINDOW / 60, interval_minutes=WATCHED / 60)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_measured_workload_is_called_what_it_was_meant_to_be(machine: Machine, workload: Workload) -> None:
    _watch(machine, workload)


@pytest.mark.parametrize("workload", INVENTED, ids=lambda workload: workload.name)
def test_an_invented_workload_is_called_what_it_was_meant_to_be(machine: Machine, workload: Workload) -> None:
    _watch(machine, workload)


def _watch(machine: Machine, workload: Workload) -> None:
    work = workload.start(machine)
    time.sleep(SETTLED)
    readings = [machine.read()]
    end = time.monotonic() + WATCHED
    while (left := end - time.monotonic()) > 0:
        if work is not None:
            work()
        time.sleep(min(2.0, max(0.0, left)))
    readings.append(machine.read())
    intervals = intervals_of(readings)
    verdict = judge(intervals, SETTINGS, readings[-1].taken)

    said = json.dumps([to_record(intervals[-1]), verdict.to_result()], indent=1)
    assert verdict.state.value == workload.meant, said
    if workload.meant != IDLE:
        assert workload.rule in {verdict.rule, *(found.rule for found in verdict.findings)}, said
