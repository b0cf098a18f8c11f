# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transitions of a machine: the states in which nova allows an action, and the steps that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """A change, at a time counted in ``Settings.transition`` from the begin."""

    after: float
    changes: Changes


@dataclass(frozen=True)
class Transition:
    """The changes that an action makes to a machine, and the states in which nova allows it."""

    vm_states: frozenset[str]
    # Nova's name for it, where that differs.
    name: str | None = None
    begin: Changes = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    # Tasks during which nova accepts it all the same.
    tasks_allowed: frozenset[str] = frozenset()


def _states(*names: str) -> frozenset[str]:
    return frozenset(names)


# Deletions are never refused here.
LAUNCH = (
    Step(0.25, {"task_state": "networking"}),
    Step(0.5, {"task_state": "spawning"}),
    Step(1.5, {"vm_state": "active", "task_state": None, "launched": True}),
)
# Nova's scheduler has found no host.
LAUNCH_FAILS_AFTER = 0.25
DELETION_TAKES = 0.75

_ACTIVE: Changes = {"vm_state": "active", "task_state": None, "launched": True}
_REBOOTS = _states(
    "rebooting",
    "reboot_pending",
    "reboot_started",
    "resuming",
    "rebooting_hard",
    "unpausing",
    "pausing",
    "suspending",
)

TRANSITIONS: Mapping[str, Transition] = MappingProxyType(
    {
        "stop": Transition(
            vm_states=_states("active", "error"),
            begin={"task_state": "powering-off"},
            steps=(Step(1.0, {"vm_state": "stopped", "task_state": None}),),
        ),
        "start": Transition(
            vm_states=_states("stopped"),
            begin={"task_state": "powering-on"},
            steps=(Step(1.0, _ACTIVE),),
        ),
        "suspend": Transition(
            vm_states=_states("active"),
            begin={"task_state": "suspending"},
            steps=(Step(1.0, {"vm_state": "suspended", "task_state": None}),),
        ),
        "resume": Transition(
            vm_states=_states("suspended"),
            begin={"task_state": "resuming"},
            steps=(Step(1.0, _ACTIVE),),
        ),
        "shelve": Transition(
            vm_states=_states("active", "stopped", "paused", "suspended"),
            begin={"task_state": "shelving"},
            steps=(
                Step(0.5, {"task_state": "shelving_image_uploading"}),
                Step(1.0, {"vm_state": "shelved", "task_state": "shelving_offloading"}),
                Step(1.5, {"vm_state": "shelved_offloaded", "task_state": None}),
            ),
        ),
        "shelve_offload": Transition(
            name="shelveOffload",
            vm_states=_states("shelved"),
            begin={"task_state": "shelving_offloading"},
            steps=(Step(1.0, {"vm_state": "shelved_offloaded", "task_state": None}),),
        ),
        "unshelve": Transition(
            vm_states=_states("shelved", "shelved_offloaded"),
            begin={"task_state": "unshelving"},
            steps=(Step(0.5, {"task_state": "spawning"}), Step(1.0, _ACTIVE)),
        ),
        "reboot": Transition(
            vm_states=_states("active"),
            begin={"task_state": "rebooting"},
            steps=(Step(0.5, {"task_state": "reboot_started"}), Step(1.0, _ACTIVE)),
        ),
        "hard reboot": Transition(
            name="reboot",
            vm_states=_states("active", "stopped", "paused", "suspended", "error"),
            tasks_allowed=_REBOOTS,
            begin={"task_state": "rebooting_hard"},
            steps=(Step(0.5, {"task_state": "reboot_started_hard"}), Step(1.0, _ACTIVE)),
        ),
        "confirm_resize": Transition(name="confirmResize", vm_states=_states("resized"), steps=(Step(1.0, _ACTIVE),)),
        "revert_resize": Transition(name="revertResize", vm_states=_states("resized"), steps=(Step(1.0, _ACTIVE),)),
    }
)
