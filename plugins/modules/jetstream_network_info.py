#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_network_info
short_description: Read the networks and routers of the project
version_added: 1.0.0
description:
  - Returns the networks for instances, with their subnets, the routers of the project, and whether floating IPs are
    available. Only on Jetstream2.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  name:
    description:
      - Names, or globs such as V(auto_*). UUIDs are accepted as well. An empty list selects nothing.
    type: list
    elements: str
seealso:
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_floating_ip_info
"""

EXAMPLES = r"""
- name: Read the networks
  jetstream.cloud.jetstream_network_info:
  register: found

- name: Show the networks with floating IPs
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.subnets | map(attribute='cidr') }}"
  loop: "{{ found.networks | selectattr('floating_ips') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
networks:
  description: The networks that the project can see, by name.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name, for O(jetstream.cloud.jetstream_instance#module:network).
      type: str
      sample: auto_allocated_network
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    default:
      description: Whether a launch without a network uses it.
      type: bool
    external:
      description: Whether it provides floating IPs. Instances are not launched in such a network.
      type: bool
    shared:
      description: Whether other projects can use it as well.
      type: bool
    own:
      description: Whether it belongs to the project of the login.
      type: bool
    mtu:
      description: The maximum packet size in bytes.
      type: int
      sample: 1442
    floating_ips:
      description:
        - Whether instances in it can have floating IPs, since a router of the project connects one of its subnets to an
          external network.
        - V(null) if unknown, as for networks of other projects.
      type: bool
    subnets:
      description: Its subnets. V(null) if they could not be read.
      type: list
      elements: dict
      contains:
        uuid:
          description: The UUID.
          type: str
        name:
          description: The name.
          type: str
          sample: auto_allocated_subnet_v4
        cidr:
          description: The address range.
          type: str
          sample: 10.3.0.0/20
        ip_version:
          description: V(4) or V(6).
          type: int
          sample: 4
        gateway:
          description: The address of the gateway. V(null) if it has none.
          type: str
          sample: 10.3.0.1
        router:
          description: The UUID of the project's router that it is attached to. V(null) if there is none.
          type: str
routers:
  description: The routers of the project. V(null) if they could not be read.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
      sample: auto_allocated_router
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    external_network:
      description: The UUID of its external network. V(null) if it has none.
      type: str
    addresses:
      description: Its addresses in that network.
      type: list
      elements: str
"""

from ..module_utils._internal.operations.network_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
