# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be tidied up in a real project: a floating IP that nothing has, and no image that is needed."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import hygiene_info
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner


class LaterClock(SystemClock):
    """An hour later, when nothing is new any more."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def _found(user: User) -> dict[str, tuple[str, str]]:
    """Return the findings about floating IPs and images by their names, each with its command."""
    runner = OperationRunner(user.home, LaterClock())
    runner.environ = os.environ
    outcome = runner.run(hygiene_info.SPEC, on_cloud(hygiene_info.hygiene_info), cloud="js2")
    return {
        each["name"]: (each["kind"], each["command"])
        for each in outcome.result["findings"]
        if each["thing"] in ("floating_ip", "image")
    }


def test_a_detached_floating_ip_is_found_and_the_image_that_an_unshelve_needs_is_not(user: User) -> None:
    [web] = user.has(name="web", network=True)
    given = user.task("floating_ip", instance="web").result["address"]
    user.brings([web], "shelved")
    # Both are needed: the address by its port, the image by an unshelve.
    assert _found(user) == {}
    owner = user.cloud.owner
    [image] = [each for each in owner.get("image", "/v2/images")["images"] if each["name"] == "web-shelved"]
    assert image["instance_uuid"] == web.id
    [address] = owner.get("network", "/v2.0/floatingips")["floatingips"]
    owner.put("network", f"/v2.0/floatingips/{address['id']}", {"floatingip": {"port_id": None}})
    assert _found(user) == {given: ("unattached_address", f"openstack floating ip delete {address['id']}")}
