#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_security_group
short_description: Manage a security group with its rules
version_added: 1.0.0
description:
  - Ensures that there is, or is not, a security group of that name or UUID with these rules. Only on Jetstream2.
  - An instance without a security group allows no incoming connections. An instance with this group allows the
    connections in its rules, including rules that are added later.
  - The groups C(default) and C(exosphere) are refused. Jetstream2 asks users not to change the first, and Exosphere
    removes foreign rules from the second.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  name:
    description: The name, or the UUID of an existing group.
    type: str
    required: true
  state:
    description:
      - Whether the security group should exist. The cloud refuses to delete a group that an instance has.
    type: str
    choices:
      - present
      - absent
    default: present
  description:
    description: The description. By default, it is not changed.
    type: str
  rules:
    description:
      - The rules of the group. By default, they are not changed.
      - A new group also gets the default rules of the cloud, usually two that allow all outgoing connections. Check
        mode does not know them.
    type: list
    elements: dict
    suboptions:
      direction:
        description: The direction, V(ingress) for incoming and V(egress) for outgoing connections.
        type: str
        choices:
          - ingress
          - egress
        default: ingress
      protocol:
        description: The protocol. V(icmp) means ICMPv6 if O(rules[].cidr) is an IPv6 network.
        type: str
        choices:
          - tcp
          - udp
          - icmp
          - any
        default: tcp
      ports:
        description: A port, or a range of ports such as C(8000-8100). Without it, all ports.
        type: str
      cidr:
        description:
          - The remote network, such as C(0.0.0.0/0) for all addresses. Exactly one of O(rules[].cidr) and
            O(rules[].group) is required.
        type: str
      group:
        description: The name or UUID of the remote security group. Only for IPv4.
        type: str
  purge_rules:
    description:
      - Whether to remove V(ingress) rules that are not in O(rules), after missing rules have been added. V(egress)
        rules are never removed.
    type: bool
    default: false
seealso:
  - module: jetstream.cloud.jetstream_instance
"""

EXAMPLES = r"""
- name: Allow ssh from everywhere, and the web server of the course from the campus
  jetstream.cloud.jetstream_security_group:
    name: course
    description: Machines of the course
    rules:
      - ports: "22"
        cidr: 0.0.0.0/0
      - ports: 8000-8100
        cidr: 129.79.0.0/16

- name: Allow only ssh, and connections among the members
  jetstream.cloud.jetstream_security_group:
    name: course
    purge_rules: true
    rules:
      - ports: "22"
        cidr: 0.0.0.0/0
      - protocol: any
        group: course

- name: Delete it
  jetstream.cloud.jetstream_security_group:
    name: course
    state: absent
"""

RETURN = r"""
security_group:
  description: The security group. V(null) if it is absent. In check mode, the expected one.
  returned: success
  type: dict
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
unclear:
  description: Whether a request was sent with an unknown outcome. Then C(changed) is V(true) as well.
  returned: on failure, if this is the case
  type: bool
"""

from ..module_utils._internal.operations.security_group import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
