# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances for tests: every field has a default, and tests set those that matter."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_DNS, uuid5

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    Flavor,
    Identity,
    Image,
    Instance,
    Project,
    Provider,
)

SMALL = Flavor(name="m1.small", vcpus=2, ram=4096, disk=20)
INDIANA = Provider(name="Jetstream - Indiana University", uuid="e661c8c9-8270-5c07-ba68-b6dfc16121bc")
JOHNDOE = Identity(name="Username: johndoe, Project:johndoe", uuid="b41f71bb-c954-5ff4-8067-a7453a68ad1a")


def an_instance(
    name: str = "web",
    status: str = "active",
    activity: str = "",
    *,
    number: int = 1,
    live: bool = True,
    flavor: Flavor = SMALL,
    provider: Provider = INDIANA,
    ip_address: str | None = None,
    project: Project | None = None,
    image: Image | None = None,
    allocation_source: AllocationSource | None = None,
    locked: bool | None = None,
    lock_reason: str | None = None,
    fault: str | None = None,
    power_state: str | None = None,
    owner: str = "johndoe",
    metadata: Mapping[str, str] | None = None,
) -> Instance:
    """Return an instance whose uuid follows from its name and number."""
    return Instance(
        id=number,
        uuid=str(uuid5(NAMESPACE_DNS, f"{name}-{number}")),
        name=name,
        status=status,
        activity=activity,
        live=live,
        flavor=flavor,
        provider=provider,
        identity=JOHNDOE,
        user=owner,
        owner=owner,
        ip_address=ip_address,
        project=project,
        image=image,
        allocation_source=allocation_source,
        locked=locked,
        lock_reason=lock_reason,
        fault=fault,
        power_state=power_state,
        metadata=metadata,
    )
