# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine as nova sees it: its states, and the statuses that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from .records import NO_ADDRESS, Identity

# nova's status by vm_state and, where that matters, by task_state.
_STATUS_BY_STATE = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "suspended": "SUSPENDED",
    "paused": "PAUSED",
    "rescued": "RESCUE",
    "resized": "VERIFY_RESIZE",
    "error": "ERROR",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
    "soft-delete": "SOFT_DELETED",
}
_STATUS_BY_TASK = {
    "rebooting": "REBOOT",
    "reboot_pending": "REBOOT",
    "reboot_started": "REBOOT",
    "rebooting_hard": "HARD_REBOOT",
    "reboot_pending_hard": "HARD_REBOOT",
    "reboot_started_hard": "HARD_REBOOT",
    "resize_prep": "RESIZE",
    "resize_migrating": "RESIZE",
    "resize_migrated": "RESIZE",
    "resize_finish": "RESIZE",
    "rebuilding": "REBUILD",
    "updating_password": "PASSWORD",
    "migrating": "MIGRATING",
}
_STATES_WITH_TASKS = frozenset({"active", "stopped", "suspended", "paused", "error"})


@dataclass(frozen=True)
class Look:
    """The state of a machine at one time, as v1 reads it.

    ``tmp_status`` is the metadata's, also where ``activity`` hides it; ``extra`` is what Atmosphere wrote down of a
    failed deployment.
    """

    status: str
    activity: str
    address: str
    fault: Mapping[str, Any]
    extra: Mapping[str, str]
    tmp_status: str

    @property
    def words(self) -> str:
        """Return v1's status, as in "active - powering-off"."""
        return f"{self.status} - {self.activity}" if self.activity else self.status

    @property
    def v1_activity(self) -> str:
        """Return v1's activity, which loses a dash in "running_boot_script - 1/2"."""
        return " ".join(self.activity.split(" - "))


@dataclass
class Quirks:
    """Misbehavior of one machine."""

    # The next change of state ends in error instead, with this fault.
    fails_with: str | None = None
    # A factor: its changes take that much longer than those of others.
    slowness: float = 1.0
    # The next deployment ends in deploy_error, with this text.
    deploy_fails_with: str | None = None
    # Nova refuses every action on it, with this text and the status 409.
    refuses: str | None = None


@dataclass(eq=False, slots=True)
class VM:
    """A machine in the cloud."""

    uuid: str
    name: str
    identity: Identity
    vm_state: str = "active"
    task_state: str | None = None
    # Set by Atmosphere in the machine's metadata, and shown by v1 while it is active and has no task.
    tmp_status: str = ""
    address: str = NO_ADDRESS
    fault: Mapping[str, Any] = field(default_factory=dict)
    status_override: str | None = None
    # The error of a failed deployment, which Atmosphere puts into the metadata.
    deploy_fault: Mapping[str, str] = field(default_factory=dict)
    launched: bool = True
    # Whether a deployment goes beyond the address.
    set_up: bool = True
    # Whether nova has it no more.
    removed: bool = False
    quirks: Quirks = field(default_factory=Quirks)
    # Counts the changes begun. Plans of an earlier generation are cancelled.
    generation: int = 0
    # The same for deployments, which a second hard reboot during the first one does not cancel.
    deployment_generation: int = 0
    # Floating IPs beside ``address``, of deployments that ran at the same time. Atmosphere shows the first alone.
    more_addresses: list[str] = field(default_factory=list)
    # When the latest was begun, and nova's status before.
    begun: tuple[datetime, str] | None = None

    def drop_addresses(self) -> None:
        """Take all of its floating IPs away."""
        self.address, self.more_addresses = NO_ADDRESS, []

    @property
    def nova_status(self) -> str:
        """Return nova's status, as in "HARD_REBOOT"."""
        if self.status_override:
            return self.status_override
        if self.task_state and self.vm_state in _STATES_WITH_TASKS and self.task_state in _STATUS_BY_TASK:
            return _STATUS_BY_TASK[self.task_state]
        return _STATUS_BY_STATE.get(self.vm_state, "UNKNOWN")

    @property
    def running(self) -> bool:
        """Tell whether it is active and has no task."""
        return self.vm_state == "active" and self.task_state is None

    def status_before(self, seconds: float, now: datetime) -> str:
        """Return nova's status of ``seconds`` ago, in lower case."""
        if self.begun is not None and now - self.begun[0] < timedelta(seconds=seconds):
            return self.begun[1].lower()
        return self.nova_status.lower()

    def look(self) -> Look:
        """Return its state as v1 reads it now."""
        status = self.nova_status.lower()
        activity = self.task_state or (self.tmp_status if status == "active" else "")
        failed = self.tmp_status in ("deploy_error", "boot_script_error")
        return Look(
            status=status,
            activity=activity,
            address=self.address,
            fault=self.fault if self.vm_state == "error" else {},
            extra=self.deploy_fault if failed else {},
            tmp_status=self.tmp_status,
        )


# The states that a machine can be put into by name: in seeds, fleets and tests.
STATES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "active": {},
        "shutoff": {"vm_state": "stopped"},
        "suspended": {"vm_state": "suspended"},
        "paused": {"vm_state": "paused"},
        "shelved": {"vm_state": "shelved"},
        "shelved_offloaded": {"vm_state": "shelved_offloaded"},
        "build": {"vm_state": "building", "task_state": "spawning", "launched": False},
        "initializing": {"tmp_status": "initializing"},
        "networking": {"tmp_status": "networking"},
        "deploying": {"tmp_status": "deploying"},
        "deploy_error": {"tmp_status": "deploy_error"},
        "error": {"vm_state": "error"},
        "rescue": {"vm_state": "rescued"},
        "verify_resize": {"vm_state": "resized"},
        "soft_deleted": {"vm_state": "soft-delete"},
        "unknown": {"status_override": "UNKNOWN"},
    }
)
HAVE_ADDRESS = frozenset({"active", "networking", "deploying", "deploy_error"})
