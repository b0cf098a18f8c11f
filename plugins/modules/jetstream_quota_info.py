#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_quota_info
short_description: Read the quotas of an account, and their use
version_added: 1.0.0
description:
  - Returns limit, use and free amount of instances, cores, memory, floating IPs and volumes of an account.
  - On Jetstream2, that is the quota of the project in Nova, Cinder and Neutron. If a service cannot be read, the task
    warns, and its resources are V(null).
  - On Atmosphere, each identity has a quota. Its use is the sum of the instances and volumes of the account.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  allocations:
    description:
      - Whether to return the allocations as well. M(jetstream.cloud.jetstream_allocation_info) also returns how long
        they last.
    type: bool
    default: true
seealso:
  - module: jetstream.cloud.jetstream_flavor_info
  - module: jetstream.cloud.jetstream_allocation_info
"""

EXAMPLES = r"""
- name: Read the quota
  jetstream.cloud.jetstream_quota_info:
  register: quota

- name: Require room for the course
  ansible.builtin.assert:
    that:
      - quota.quotas[0].resources.cores.free is none or quota.quotas[0].resources.cores.free >= 80
    quiet: true
"""

RETURN = r"""
quotas:
  description: The quota of each account at a provider. On Jetstream2, there is one, that of the project.
  returned: success
  type: list
  elements: dict
  contains:
    provider:
      description: The site. On Jetstream2, the region.
      type: dict
      contains:
        name:
          description: The name of the provider.
          type: str
          sample: IU
        uuid:
          description: The UUID of the provider. On Jetstream2, the region.
          type: str
          sample: IU
    identity:
      description: The account at the provider.
      type: dict
      contains:
        name:
          description: The name in the API.
          type: str
          sample: johndoe
        uuid:
          description: The UUID of the identity.
          type: str
    project:
      description: The project, on Jetstream2.
      type: dict
      contains:
        name:
          description: The name of the project.
          type: str
          sample: TG-GEO160014
        uuid:
          description: The UUID of the project.
          type: str
    can_launch:
      description: Whether instances can be launched with it. Only leaders can launch with a shared identity.
      type: bool
    resources:
      description: Limit and use, by resource.
      type: dict
      contains:
        instances:
          description: Instances. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: &limit
            limit:
              description: The limit. V(null) if there is none, or if it is not known.
              type: float
              sample: 150
            used:
              description: The used amount. V(null) if unknown.
              type: float
              sample: 42
            free:
              description: The free amount. V(null) if unknown, or if there is no limit.
              type: float
              sample: 108
            unlimited:
              description: Whether the cloud sets no limit.
              type: bool
        cores:
          description: Virtual cores of instances. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        ram:
          description: MB of memory of instances. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        floating_ips:
          description: Floating IPs. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        volumes:
          description: Volumes. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        gigabytes:
          description: GB of volumes, and of their snapshots. V(null) if its service could not be read, or does not
            return it.
          type: dict
          contains: *limit
        snapshots:
          description: Snapshots of volumes. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        networks:
          description: Networks. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        routers:
          description: Routers. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        ports:
          description: Ports of networks. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
        security_groups:
          description: Security groups. V(null) if its service could not be read, or does not return it.
          type: dict
          contains: *limit
allocations:
  description: The allocations that can pay. V(null) without O(allocations), or if they cannot be read.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: TG-GEO160014 CPU
    uuid:
      description: The UUID. On Jetstream2, the name of the resource.
      type: str
    allowed:
      description: SU granted.
      type: float
      sample: 200000
    used:
      description: SU used.
      type: float
      sample: 41250.25
    remaining:
      description: The remaining SU.
      type: float
      sample: 158749.75
"""

from ..module_utils._internal.operations.quota_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
