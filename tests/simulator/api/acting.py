# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action on its way to the cloud, and the steps that all actions have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..world.records import AllocationSource, Identity, Instance, Provider
from ..world.state import World
from ..world.trouble import CloudUnreachable, KeystoneRefused
from ..world.vm import VM
from .exchange import Refusal, error


class Irrecoverable(Exception):
    """Atmosphere's own code raised this: it passes the text on as a 403."""


@dataclass
class ActionRun:
    """An action on its way."""

    world: World
    identity: Identity
    instance: Instance
    vm: VM
    parameters: Mapping[str, Any]

    def nova(self, action: str) -> None:
        """Ask nova for an action."""
        self.world.cloud.act(self.vm, action, self.world.now())

    def drop_address(self) -> None:
        """Give the floating IP back. This comes before nova is asked, so it is gone even if nova then refuses."""
        self.vm.drop_addresses()

    def require_allocation(self) -> None:
        """Raise if the allocation that pays for the instance is used up."""
        source = self.instance.allocation_source
        if source is None:
            raise Irrecoverable("InstanceAllocationSourceSnapshot matching query does not exist.")
        over = over_allocation(source)
        if over:
            raise error(413, over)

    def set_up(self, wait_as: str | None = None, *, active_in: float = 1.0) -> None:
        """Have the machine set up, and given an address, once it is active.

        ``wait_as``: the activity shown until that begins. None: as the last deployment left it.
        """
        if wait_as is not None:
            self.vm.tmp_status = wait_as
        self.world.cloud.deploy(self.vm, self.parameters["action"], self.world.now(), active_in=active_in)

    def write_down(self) -> None:
        """Write the activity of the machine at this moment into the database."""
        self.world.remember(self.instance, self.vm.look())

    def forget_list(self) -> None:
        """Empty the cache of v1's list."""
        self.world.forget_list(self.identity)


def over_allocation(source: AllocationSource) -> str | None:
    """Return Atmosphere's words for a source that is used up; None while it is not."""
    over = source.compute_used - source.compute_allowed
    if over <= 0:
        return None
    return f"Time allocation exceeded: Allocation {source.name} is over 100% by {over:.3f} hours."


def reach_cloud(world: World, identity: Identity, *, log_in: bool = True) -> None:
    """Log in at the cloud, and have nova list the machines. Raises Refusal, or NovaRefused."""
    provider = identity.provider
    if provider.ended(world.now()):
        raise error(409, f"Cannot create driver on an inactive provider: {provider.name}")
    try:
        if log_in:
            world.cloud.call("keystone", "POST auth/tokens", provider)
        world.cloud.call("nova", "GET servers", provider)
    except KeystoneRefused as refused:
        raise error(401, "Identity/Provider Authentication Failed") from refused
    except CloudUnreachable as broken:
        raise unreachable(provider) from broken


def unreachable(provider: Provider) -> Refusal:
    """Return the refusal while the connections to a provider break."""
    return error(
        504, f"Multiple connection attempts to the provider {provider.uuid} have failed. Please try again later."
    )
