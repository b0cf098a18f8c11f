# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions that v2 offers for an instance, by its status in the database. Nothing else depends on them."""

from __future__ import annotations

from ..world.records import Period

ALL_ACTIONS = (
    "Start",
    "Stop",
    "Resume",
    "Suspend",
    "Terminate",
    "Resize",
    "Reboot",
    "Hard Reboot",
    "Redeploy",
    "Shelve",
    "Shelve Offload",
    "Unshelve",
    "Imaging",
)
_REBOOTS = {"Reboot", "Hard Reboot"}
_RUNNING = {*_REBOOTS, "Stop", "Suspend", "Resize", "Redeploy", "Shelve"}
_BUSY = {*_REBOOTS, "Redeploy"}
_AT_REST = {
    "active": {*_RUNNING, "Imaging"},
    "shutoff": {*_REBOOTS, "Start", "Imaging"},
    "suspended": {*_REBOOTS, "Resume"},
    "shelved": {"Shelve Offload", "Unshelve"},
    "shelved_offloaded": {"Unshelve"},
}
_IN_ANY_CASE = {
    "active": _BUSY,
    "networking": _BUSY,
    "deploying": _BUSY,
    "deploy_error": _RUNNING,
    "build": _REBOOTS,
    "suspended": _AT_REST["suspended"],
}


def offered(period: Period) -> list[str]:
    """Return their names."""
    names = _AT_REST.get(period.status) if not period.activity else None
    if names is None:
        names = _IN_ANY_CASE.get(period.status, set())
    return [name for name in ALL_ACTIONS if name == "Terminate" or name in names]
