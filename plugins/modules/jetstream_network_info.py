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
  - Returns the networks that instances can be launched in, with their subnets, the routers of the project, and whether
    floating IPs can be had. Jetstream2 alone.
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
      - Names, or globs such as V(auto_*). UUIDs are understood, too. An empty list selects nothing.
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

- name: Show where floating IPs can be had
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
      description: The name, which O(jetstream.cloud.jetstream_instance#module:network) takes.
      type: str
      sample: auto_allocated_network
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    default:
      description: Whether a launch takes it that names no network.
      type: bool
    external:
      description: Whether floating IPs come from it. Instances are not launched in such a network.
      type: bool
    shared:
      description: Whether other projects can use it, too.
      type: bool
    own:
      description: Whether it belongs to the project of the login.
      type: bool
    mtu:
      description: Bytes of the largest packet.
      type: int
      sample: 1442
    floating_ips:
      description:
        - Whether instances in it can have floating IPs. A router of the project leads from one of its subnets to the
          outside.
        - V(null) if that is not known, as of the networks of other projects.
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
          description: The addresses.
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
      description: The UUID of the network that it leads to. V(null) if it leads to none.
      type: str
    addresses:
      description: Its addresses in that network.
      type: list
      elements: str
"""

from ..module_utils.operations.network_info import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
