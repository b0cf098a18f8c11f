# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another member of the project in a real OpenStack, with servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import yaml
from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.fleet import Fleet
from ansible_collections.jetstream.cloud.tests.openstack.rest import Rest, RestError
from ansible_collections.jetstream.cloud.tests.openstack.seeding import PROJECT

_NAME, _PASSWORD = "colleague", "only-for-show"


@contextmanager
def colleague_in(cloud: Cloud) -> Iterator[Fleet]:
    """Yield the fleet of another member of the project."""
    admin = cloud.admin
    with suppress(RestError):  # The user exists already.
        admin.post("identity", "/users", {"user": {"name": _NAME, "password": _PASSWORD, "domain_id": "default"}})
    [known] = admin.get("identity", f"/users?name={_NAME}")["users"]
    [member] = admin.get("identity", "/roles?name=member")["roles"]
    project = cloud.owner.login().project_id
    admin.put("identity", f"/projects/{project}/users/{known['id']}/roles/{member['id']}")
    with closing(Rest(admin._identity_url, _NAME, _PASSWORD, PROJECT)) as rest:
        yield Fleet(admin, rest, cloud.hypervisor, cloud._tables)


def log_in_as_colleague(cloud: Cloud, path: Path) -> None:
    """Replace a user's clouds.yaml by that of the colleague."""
    clouds = yaml.safe_load(cloud.clouds_yaml.read_text(encoding="utf-8"))["clouds"]
    auth = {
        "auth_url": clouds["js2"]["auth"]["auth_url"],
        "username": _NAME,
        "password": _PASSWORD,
        "project_name": PROJECT,
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    hers = {"auth_type": "password", "auth": auth, "region_name": clouds["js2"]["region_name"]}
    path.write_text(yaml.safe_dump({"clouds": {"js2": hers}}), encoding="utf-8")
