# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Atmosphere's record of a machine: its own statuses, and the history that they make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from .records import Instance, Period
from .vm import Look

# Statuses by activity, while nova's status is active. All other activities are plain "active".
_BY_ACTIVITY = {
    "initializing": "build",
    "networking": "networking",
    "deploying": "deploying",
    "redeploying": "redeploy",
    "deploy_error": "deploy_error",
    "boot_script_error": "deploy_error",
    "suspending": "suspended",
    "shelving": "shelved",
    "shelving_image_pending_upload": "shelved",
    "shelving_image_uploading": "shelved",
    "shelving_offloading": "shelved",
}
# v2 shows these as the status "active" with this activity.
_ACTIVITIES = frozenset({"networking", "deploying", "deploy_error"})
_HIDES_ADDRESS = frozenset({"suspended", "shutoff", "shelved"})


def status_of(look: Look) -> str:
    """Return Atmosphere's status for a state in the cloud."""
    if look.status != "active":
        return look.status
    # Nova's task comes first, but most tasks have no status of their own.
    for word in (look.activity, look.tmp_status):
        if word.startswith("running_boot_script"):
            return "deploying"
        if word in _BY_ACTIVITY:
            return _BY_ACTIVITY[word]
    return "active"


def v2_status(period: Period) -> tuple[str, str]:
    """Return status and activity as v2 shows them."""
    if period.status in _ACTIVITIES:
        return "active", period.status
    return period.status, ""


def v2_address(instance: Instance) -> str:
    """Return the address as v2 shows it."""
    return "0.0.0.0" if instance.latest.status in _HIDES_ADDRESS else instance.ip_address


def remember(instance: Instance, look: Look, now: datetime, new_period: Callable[[], tuple[int, str]]) -> None:
    """Record a reading: the address, and a row of history if the status has changed.

    An instance that had an end date loses it, since its machine is there.
    """
    instance.ip_address = look.address
    latest = instance.latest
    if instance.end_date is not None:
        instance.end_date = latest.end = None
    status = status_of(look)
    if latest.status == status:
        # The row keeps the activity that it began with.
        return
    latest.end = now
    number, uuid = new_period()
    instance.history.append(
        Period(number, uuid, status, look.activity, instance.size, start=now, extra=dict(look.extra))
    )
