# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quota of an identity: Atmosphere counts all instances that the cloud lists, in any state."""

from __future__ import annotations

from ..world.records import NO_ADDRESS, Identity, Size
from ..world.state import World


class OverQuota(Exception):
    """A request is for more than the quota allows. Its text is Atmosphere's."""


def require_instances(world: World, identity: Identity, size: Size, count: int) -> None:
    """Raise OverQuota unless there may be ``count`` more instances of a size."""
    quota, vms = identity.quota, list(world.cloud.of(identity))
    sizes = [_size_of(world, vm.uuid) for vm in vms]
    _require("CPU", sum(each.cpu if each else 1 for each in sizes), size.cpu * count, quota.cpu)
    _require_memory(sum(each.mem / 1024 if each else 1 for each in sizes), size.mem * count, quota.memory)
    _require("Instance", len(vms), count, quota.instance_count)
    _require(
        "Floating IP",
        sum((vm.address != NO_ADDRESS) + len(vm.more_addresses) for vm in vms),
        count,
        quota.floating_ip_count,
    )
    _require("Fixed IP", len(vms), count, quota.port_count)


def require_volume(world: World, identity: Identity, size: int) -> None:
    """Raise OverQuota unless there may be one more volume, of ``size`` GB."""
    quota = identity.quota
    volumes = [each for each in world.volumes if each.identity is identity and each.in_cloud]
    _require("Storage Size", sum(each.size for each in volumes), size, quota.storage)
    _require("Volume", len(volumes), 1, quota.storage_count)


def _size_of(world: World, uuid: str) -> Size | None:
    instance = world.instance_with(uuid) if world.settings.sizes_loaded else None
    return instance.size if instance else None


def _require(name: str, used: int, more: int, limit: int) -> None:
    if 0 <= limit < used + more:
        raise OverQuota(f"{name} Quota Exceeded: Using {used} + Requested {more} but limited to {limit}")


def _require_memory(used: float, more: int, limit: int) -> None:
    """Compare GB with GB; the text mixes them with MB, as Atmosphere's does."""
    total = int(used + more / 1024)
    if 0 <= limit < total:
        shown = f"Using {(total - more) / 1024} + Requested {more / 1024}"
        raise OverQuota(f"Memory Quota Exceeded: {shown} but limited to {limit}")
