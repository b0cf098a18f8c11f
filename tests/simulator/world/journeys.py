# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a machine gets from one state to another: which actions nova allows when, and what then happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """A change, so many transitions after the begin."""

    after: float
    changes: Changes


@dataclass(frozen=True)
class Journey:
    """What an action does to a machine, and in which states nova allows it."""

    vm_states: frozenset[str]
    # nova's own name for it, where that is another one.
    name: str | None = None
    begin: Changes = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    # Some tasks do not keep nova from accepting this.
    tasks_allowed: frozenset[str] = frozenset()


def _states(*names: str) -> frozenset[str]:
    return frozenset(names)


# What begins by itself, or is never refused, and is no action.
LAUNCH = (
    Step(0.25, {"task_state": "networking"}),
    Step(0.5, {"task_state": "spawning"}),
    Step(1.5, {"vm_state": "active", "task_state": None, "launched": True}),
)
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

JOURNEYS: Mapping[str, Journey] = MappingProxyType(
    {
        "stop": Journey(
            vm_states=_states("active", "error"),
            begin={"task_state": "powering-off"},
            steps=(Step(1.0, {"vm_state": "stopped", "task_state": None}),),
        ),
        "start": Journey(
            vm_states=_states("stopped"),
            begin={"task_state": "powering-on"},
            steps=(Step(1.0, _ACTIVE),),
        ),
        "suspend": Journey(
            vm_states=_states("active"),
            begin={"task_state": "suspending"},
            steps=(Step(1.0, {"vm_state": "suspended", "task_state": None}),),
        ),
        "resume": Journey(
            vm_states=_states("suspended"),
            begin={"task_state": "resuming"},
            steps=(Step(1.0, _ACTIVE),),
        ),
        "shelve": Journey(
            vm_states=_states("active", "stopped", "paused", "suspended"),
            begin={"task_state": "shelving"},
            steps=(
                Step(0.5, {"task_state": "shelving_image_uploading"}),
                Step(1.0, {"vm_state": "shelved", "task_state": "shelving_offloading"}),
                Step(1.5, {"vm_state": "shelved_offloaded", "task_state": None}),
            ),
        ),
        "shelve_offload": Journey(
            name="shelveOffload",
            vm_states=_states("shelved"),
            begin={"task_state": "shelving_offloading"},
            steps=(Step(1.0, {"vm_state": "shelved_offloaded", "task_state": None}),),
        ),
        "unshelve": Journey(
            vm_states=_states("shelved", "shelved_offloaded"),
            begin={"task_state": "unshelving"},
            steps=(Step(0.5, {"task_state": "spawning"}), Step(1.0, _ACTIVE)),
        ),
        "reboot": Journey(
            vm_states=_states("active"),
            begin={"task_state": "rebooting"},
            steps=(Step(0.5, {"task_state": "reboot_started"}), Step(1.0, _ACTIVE)),
        ),
        "hard reboot": Journey(
            name="reboot",
            vm_states=_states("active", "stopped", "paused", "suspended", "error"),
            tasks_allowed=_REBOOTS,
            begin={"task_state": "rebooting_hard"},
            steps=(Step(0.5, {"task_state": "reboot_started_hard"}), Step(1.0, _ACTIVE)),
        ),
        "confirm_resize": Journey(name="confirmResize", vm_states=_states("resized"), steps=(Step(1.0, _ACTIVE),)),
        "revert_resize": Journey(name="revertResize", vm_states=_states("resized"), steps=(Step(1.0, _ACTIVE),)),
    }
)
