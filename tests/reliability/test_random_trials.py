# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few random trials with fixed seeds, and defects that the invariants must notice. See docs/reliability.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.client import Jetstream2Cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet import converge, decisions
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.runs import InstanceRun
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.selection import Selection
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import instance_state
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Kind, Plan, Verdict
from ansible_collections.jetstream.cloud.tests.reliability.generation import plan_of
from ansible_collections.jetstream.cloud.tests.reliability.stages import Run
from ansible_collections.jetstream.cloud.tests.reliability.totals import judge
from ansible_collections.jetstream.cloud.tests.reliability.trials import carry_out

# The first ones, and some that broke an invariant once.
SEEDS = (*range(1, 61), 116922, 117136)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_invariant_holds(seed: int) -> None:
    verdict = judge(seed)
    assert not verdict.broken, f"./dev reliability --seed {seed} describes it"


def test_a_trial_is_the_same_each_time() -> None:
    first, second = (carry_out(plan_of(15)) for _time in range(2))
    assert [_sent(run) for _name, run in first.runs] == [_sent(run) for _name, run in second.runs]
    assert [run.items for _name, run in first.runs] == [run.items for _name, run in second.runs]


def _sent(run: Run) -> list[tuple[Any, ...]]:
    return [(each.sent_at, each.method, each.uuid, each.action, each.status) for each in run.record.exchanges]


def _select_all(patch: pytest.MonkeyPatch) -> None:
    """Ignore the selection."""

    def select(instances: Sequence[Instance], *_arguments: Any) -> Selection[Instance]:
        return Selection(tuple(instances))

    patch.setattr(instance_state, "select_to_change", select)


def _send_twice(patch: pytest.MonkeyPatch) -> None:
    """Send each action on Jetstream2 twice."""
    act = Jetstream2Cloud.act

    def twice(cloud: Jetstream2Cloud, instance: Instance, action: Any) -> None:
        act(cloud, instance, action)
        act(cloud, instance, action)

    patch.setattr(Jetstream2Cloud, "act", twice)


def _never_changed(patch: pytest.MonkeyPatch) -> None:
    """Say that nothing has changed."""
    patch.setattr(InstanceRun, "changed", property(lambda _run: False))


def _done_at_once(patch: pytest.MonkeyPatch) -> None:
    """Treat an instance in transition as one at its goal."""

    def done(run: InstanceRun, *arguments: Any) -> Any:
        step = decide(run, *arguments)
        if run.observed.kind is Kind.MOVING:
            return Plan(Verdict.REACHED)
        return step

    decide = decisions.decide
    patch.setattr(converge, "decide", done)


def _lose_locks(patch: pytest.MonkeyPatch) -> None:
    """Do not restore locks."""
    patch.setattr(Jetstream2Cloud, "_try_to_lock", lambda *_arguments: None)


@pytest.mark.parametrize(
    ("defect", "seed", "invariant"),
    [
        (_select_all, 2, "nothing outside the selection"),
        (_send_twice, 2, "nothing sent twice"),
        (_never_changed, 1, "results are true"),
        (_done_at_once, 1, "results are true"),
        (_lose_locks, 388, "locks are kept"),
    ],
)
def test_an_invariant_notices_a_defect(
    defect: Callable[[pytest.MonkeyPatch], None], seed: int, invariant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not judge(seed).broken
    defect(monkeypatch)
    assert invariant in {each.invariant for each in judge(seed).broken}
