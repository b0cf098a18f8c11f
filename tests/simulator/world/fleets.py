# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds for tests and benchmarks, made from a few numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from ..clock import Clock
from ..settings import Settings
from .records import Group, Identity, Size, Version
from .state import World

# name: cpu, mem (MB), disk (GB), as Jetstream had them.
SIZES: Mapping[str, tuple[int, int, int]] = {
    "m1.tiny": (1, 2048, 8),
    "m1.small": (2, 4096, 20),
    "m1.quad": (4, 10240, 20),
    "m1.medium": (6, 16384, 60),
    "m1.large": (10, 30720, 120),
    "m1.xlarge": (24, 61440, 240),
}


def fleet(
    count: int | None = None,
    *,
    states: Mapping[str, int] | None = None,
    user: str = "johndoe",
    password: str = "pass",
    names: str | Sequence[str] = "node-{number:04}",
    sizes: Sequence[str] = ("m1.tiny", "m1.small", "m1.quad"),
    projects: Sequence[str] = ("johndoe",),
    identities: int = 1,
    providers: int = 1,
    compute_allowed: int = 50000,
    compute_used: float = 1234.5,
    clock: Clock | None = None,
    settings: Settings | None = None,
) -> World:
    """Return a world with one user, who has ``count`` instances.

    ``states``: the number of instances in each of vm.STATES, in this order; all others are active.
    ``names``: a format of ``number``, counted from 1, or the names themselves, which then give the count.
    Sizes, projects and identities (over all providers) are used in turn. One allocation source pays for all.
    Raises ValueError if ``states`` has more than ``count``, and KeyError for an unknown state or size.
    """
    wanted = [state for state, times in (states or {}).items() for _time in range(times)]
    if not isinstance(names, str):
        count = len(names)
    total = len(wanted) if count is None else count
    if len(wanted) > total:
        raise ValueError(f"{len(wanted)} states for {total} instances")
    wanted += ["active"] * (total - len(wanted))
    world = World(clock, settings)
    accounts = _accounts(world, user, password, identities, providers)
    owner = world.users[user]
    folders = [world.add_project(name, owner) for name in projects]
    source = world.add_allocation_source(
        "TG-GEO160014", [owner], compute_allowed=compute_allowed, compute_used=compute_used
    )
    for at, state in enumerate(wanted):
        identity, versions, flavors = accounts[at % len(accounts)]
        world.add_instance(
            names.format(number=at + 1) if isinstance(names, str) else names[at],
            identity,
            flavors[sizes[at % len(sizes)]],
            versions,
            state=state,
            project=folders[at % len(folders)] if folders else None,
            allocation_source=source,
            start_date=world.created - timedelta(days=30, minutes=-at),
        )
    return world


def _accounts(
    world: World, username: str, password: str, identities: int, providers: int
) -> list[tuple[Identity, Version, dict[str, Size]]]:
    """Return the user's identities, each with a version and the sizes that its provider has."""
    staff = world.add_user("atmoadmin", "adminpass", is_staff=True)
    user = world.add_user(username, password)
    offers = []
    for number in range(providers):
        provider = world.add_provider(f"Jetstream - {_SITES[number % len(_SITES)]}{number // len(_SITES) or ''}")
        publisher = world.add_identity(staff, provider)
        image = world.add_image(f"Ubuntu 18.04 Devel and Docker{number or ''}", staff)
        version = world.add_version("v1.21", image, publisher, size_gb=6.0)
        flavors = {
            name: world.add_size(name, provider, cpu=cpu, mem=mem, disk=disk)
            for name, (cpu, mem, disk) in SIZES.items()
        }
        offers.append((provider, version, flavors))
    accounts = []
    for number in range(identities):
        provider, version, flavors = offers[number % len(offers)]
        accounts.append((world.add_identity(user, provider), version, flavors))
    return accounts


def add_colleague(
    world: World,
    name: str = "janeroe",
    *,
    of: str = "johndoe",
    names: Sequence[str] = ("jane-1", "jane-2"),
    states: Sequence[str] = (),
    group: str = "lab",
    leads: bool = True,
    share_identities: bool = True,
) -> Group:
    """Add another user to a world, with instances at its first provider, and a group of both, which is returned.

    The group has a project of its name, with the first of the instances in it; the others are in one of the colleague's
    own. ``leads``: whether the colleague leads the group, else ``of`` does: the other is a plain member.
    """
    colleague, other = world.add_user(name), world.users[of]
    provider = world.providers[0]
    identity = world.add_identity(colleague, provider)
    leader = colleague if leads else other
    shared = world.add_group(group, [colleague, other], [leader], share_identities=share_identities)
    folders = [world.add_project(group, shared, created_by=leader), world.add_project(name, colleague)]
    source = world.add_allocation_source(f"TG-{name.upper()}", [colleague], compute_allowed=1000, compute_used=10.0)
    for at, each in enumerate(names):
        world.add_instance(
            each,
            identity,
            next(size for size in world.sizes if size.provider is provider),
            next(version for version in world.versions if version.provider is provider),
            state=states[at] if at < len(states) else "active",
            project=folders[min(at, 1)],
            allocation_source=source,
        )
    return shared


_SITES = ("Indiana University", "TACC")
