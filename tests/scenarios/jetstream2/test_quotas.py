# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A launch that a quota of nova, neutron or cinder cannot hold is refused before anything is made, each kind of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import OverAllocation
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User

# The service, the path of its quotas, the name of their object, and the limits.
NOVA, CINDER, NEUTRON = (
    ("compute", "/os-quota-sets", "quota_set"),
    ("block-storage", "/os-quota-sets", "quota_set"),
    ("network", "/v2.0/quotas", "quota"),
)
BOOT = {"boot_volume": {"size": 30}}


@contextmanager
def quota(user: User, service: tuple[str, str, str], **limits: int) -> Iterator[None]:
    name, folder, key = service
    path = f"{folder}/{user.cloud.owner.login().project_id}"
    user.cloud.admin.put(name, path, {key: limits})
    try:
        yield
    finally:
        user.cloud.admin.delete(name, path)


@pytest.mark.parametrize(
    ("service", "limits", "options", "words"),
    [
        (NOVA, {"instances": 2}, {}, "3 instances required, 2 of 2 available"),
        (NOVA, {"cores": 2}, {}, "3 cores required, 2 of 2 available"),
        (NOVA, {"ram": 6144}, {}, "9216 MB of memory required, 6144 of 6144 available"),
        (NEUTRON, {"floatingip": 2}, {"floating_ip": "auto"}, "3 floating IPs required, 2 of 2 available"),
        (CINDER, {"volumes": 2}, BOOT, "3 volumes required, 2 of 2 available"),
        (CINDER, {"gigabytes": 80}, BOOT, "90 GB of volumes required, 80 of 80 available"),
    ],
    ids=["instances", "cores", "memory", "floating IPs", "volumes", "gigabytes"],
)
def test_each_kind_of_quota_is_told_before_anything_is_made(
    user: User, service: tuple[str, str, str], limits: dict[str, int], options: dict[str, Any], words: str
) -> None:
    wanted: dict[str, Any] = {"name": "node", "count": 3, "image": "Featured-Ubuntu24", "flavor": "m3.tiny", **options}
    with quota(user, service, **limits):
        for check_mode in (True, False):
            with pytest.raises(OverAllocation, match=re.escape(words)):
                user.task("instance", check_mode=check_mode, **wanted)
        assert user.cloud.owner.get("compute", "/servers")["servers"] == []
        # Two fit, and what is there counts.
        assert user.task("instance", **wanted | {"count": 2}).failure == ""
        with pytest.raises(OverAllocation, match=f"required, {20 if 'gigabytes' in limits else 0} of "):
            user.task("instance", **wanted)
