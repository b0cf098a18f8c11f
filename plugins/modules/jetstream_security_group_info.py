#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_security_group_info
short_description: Read the security groups of the project
version_added: 1.0.0
description:
  - Returns the security groups for instances, with their rules. Only on Jetstream2.
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
      - Names, or globs such as V(course*). UUIDs are accepted as well. An empty list selects nothing.
    type: list
    elements: str
seealso:
  - module: jetstream.cloud.jetstream_security_group
"""

EXAMPLES = r"""
- name: Read the security groups
  jetstream.cloud.jetstream_security_group_info:
  register: found

- name: Show the groups that allow ssh from everywhere
  ansible.builtin.debug:
    msg: "{{ item.name }}"
  loop: "{{ found.security_groups }}"
  when: item.rules | selectattr('direction', 'eq', 'ingress') | selectattr('ports', 'eq', '22')
    | selectattr('cidr', 'eq', '0.0.0.0/0') | list | length > 0
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
security_groups:
  description: The security groups, by name.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The UUID. Empty in check mode for a new group.
      type: str
    name:
      description: The name.
      type: str
      sample: course
    description:
      description: The description.
      type: str
    rules:
      description: All rules.
      type: list
      elements: dict
      contains:
        uuid:
          description: The UUID. Empty in check mode for a new group.
          type: str
        direction:
          description: V(ingress) or V(egress).
          type: str
        ethertype:
          description: V(IPv4) or V(IPv6).
          type: str
        protocol:
          description: The protocol, or V(any).
          type: str
        ports:
          description: The port, or the range of ports. For ICMP, the type and the code. V(null) for all.
          type: str
          sample: "22"
        cidr:
          description: The remote network. V(null) if the remote is a group.
          type: str
          sample: 0.0.0.0/0
        group:
          description: The UUID of the remote security group. V(null) if the remote is anything else.
          type: str
        address_group:
          description: The UUID of the remote address group. V(null) if there is none.
          type: str
          version_added: 1.1.0
"""

from ..module_utils._internal.operations.security_group_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
