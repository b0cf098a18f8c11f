# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who runs tasks against a real OpenStack."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Operation, on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    allocation_info,
    console_info,
    deadline,
    flavor_info,
    floating_ip,
    floating_ip_info,
    history_info,
    identity_info,
    idle_info,
    image,
    image_info,
    instance,
    instance_info,
    instance_state,
    keep,
    keypair,
    keypair_info,
    maintenance_info,
    network_info,
    project_info,
    quota_info,
    schedule,
    security_group,
    security_group_info,
    usage_report,
    volume,
    volume_info,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec
from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.fleet import FleetState, Server
from ansible_collections.jetstream.cloud.tests.openstack.requests_seen import Seen
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

MODULES: dict[str, tuple[ModuleSpec, Operation]] = {
    "image": (image.SPEC, on_cloud(image.image)),
    "instance": (instance.SPEC, on_cloud(instance.instance)),
    "instance_info": (instance_info.SPEC, on_cloud(instance_info.instance_info)),
    "instance_state": (instance_state.SPEC, on_cloud(instance_state.instance_state)),
    "floating_ip": (floating_ip.SPEC, on_cloud(floating_ip.floating_ip)),
    "keypair": (keypair.SPEC, on_cloud(keypair.keypair)),
    "security_group": (security_group.SPEC, on_cloud(security_group.security_group)),
    "volume": (volume.SPEC, on_cloud(volume.volume)),
    "volume_info": (volume_info.SPEC, on_cloud(volume_info.volume_info)),
    "allocation_info": (allocation_info.SPEC, on_cloud(allocation_info.allocation_info)),
    "image_info": (image_info.SPEC, image_info.OPERATION),
    "flavor_info": (flavor_info.SPEC, flavor_info.OPERATION),
    "quota_info": (quota_info.SPEC, quota_info.OPERATION),
    "console_info": (console_info.SPEC, console_info.OPERATION),
    "floating_ip_info": (floating_ip_info.SPEC, floating_ip_info.OPERATION),
    "identity_info": (identity_info.SPEC, identity_info.OPERATION),
    "keypair_info": (keypair_info.SPEC, keypair_info.OPERATION),
    "maintenance_info": (maintenance_info.SPEC, maintenance_info.OPERATION),
    "network_info": (network_info.SPEC, network_info.OPERATION),
    "project_info": (project_info.SPEC, project_info.OPERATION),
    "security_group_info": (security_group_info.SPEC, security_group_info.OPERATION),
    "history_info": (history_info.SPEC, on_cloud(history_info.history_info)),
    "idle_info": (idle_info.SPEC, on_cloud(idle_info.idle_info)),
    "deadline": (deadline.SPEC, on_cloud(deadline.deadline)),
    "schedule": (schedule.SPEC, on_cloud(schedule.schedule)),
    "keep": (keep.SPEC, on_cloud(keep.keep)),
    "usage_report": (usage_report.SPEC, on_cloud(usage_report.usage_report)),
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a task came to, and which requests it made."""

    outcome: Outcome
    seen: Seen

    @property
    def result(self) -> dict[str, Any]:
        return dict(self.outcome.result)

    @property
    def failure(self) -> str:
        return self.outcome.failure or ""

    def of(self, name: str) -> dict[str, Any]:
        """Return what it says of one instance."""
        [found] = [each for each in self.result["instances"] if each["name"] == name]
        return dict(found)

    def requests(self) -> list[str]:
        """Return what was asked for, as "GET compute /servers/detail"; ids are left out."""
        return [f"{each.method} {each.service} {_plain(each.path)}" for each in self.seen]


class User:
    """Runs modules in this process, as the action plugins do. Each task begins anew: only the home lasts."""

    def __init__(self, cloud: Cloud, home: Path) -> None:
        self.cloud = cloud
        self.home = home

    def task(self, module: str, *, check_mode: bool = False, **options: Any) -> Done:
        """Run a module. Raises any JetstreamError that would fail the task without a result."""
        spec, operation = MODULES[module]
        runner = OperationRunner(self.home, SystemClock())
        runner.environ = os.environ
        if not {"cloud", "profile", "backend", "application_credential_id"} & set(options):
            options["cloud"] = "js2"
        with self.cloud.requests.counted() as seen:
            outcome = runner.run(spec, operation, check_mode=check_mode, **options)
        return Done(outcome, seen)

    def brings(self, servers: Sequence[Server], state: str, **options: Any) -> Done:
        """Bring servers to a state by one task."""
        return self.task("instance_state", name=[each.name for each in servers], state=state, **options)

    def has(self, count: int = 1, state: FleetState = "active", *, name: str = "vm", **kind: Any) -> list[Server]:
        """Make servers for this test alone."""
        return self.cloud.servers(count, kind.pop("flavor", "m3.tiny"), state, name=name, **kind)


def _plain(path: str) -> str:
    """Take ids and versions out of a path: /v2.1/servers/4f3c.../action becomes /servers/action."""
    parts = [part for part in path.split("/") if part and not re.fullmatch(r"v\d[\d.]*|[0-9a-f-]{32,36}", part)]
    return f"/{'/'.join(parts)}"
