#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_security_group
short_description: Keep a security group with its rules
version_added: 1.0.0
description:
  - Has a security group of that name, or UUID, with these rules, or has none of that name. Jetstream2 alone.
  - An instance that is launched without a security group lets nobody in. One that has this one lets in what its rules
    name, also where rules are added later.
  - The groups C(default) and C(exosphere) are refused. The staff of Jetstream2 ask that the first is not changed, and
    Exosphere removes rules from the second that are not its own.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  name:
    description: The name, or the UUID of one that is there.
    type: str
    required: true
  state:
    description:
      - Whether there is to be a security group of that name. The cloud refuses to delete one that an instance has.
    type: str
    choices:
      - present
      - absent
    default: present
  description:
    description: The description. Without it, that of a group that is there is not changed.
    type: str
  rules:
    description:
      - The rules that the group is to have. Without it, rules are not changed.
      - A new group also has the rules that the cloud gives to each, usually two that let everything out. Check mode
        does not know them.
    type: list
    elements: dict
    suboptions:
      direction:
        description: V(ingress) lets in, V(egress) lets out.
        type: str
        choices:
          - ingress
          - egress
        default: ingress
      protocol:
        description: The protocol. V(icmp) is that of IPv6 where O(rules[].cidr) is a network of IPv6.
        type: str
        choices:
          - tcp
          - udp
          - icmp
          - any
        default: tcp
      ports:
        description: A port, or the first and the last one, such as C(8000-8100). Without it, all.
        type: str
      cidr:
        description:
          - The network on the other side, such as C(0.0.0.0/0) for everybody. Exactly one of O(rules[].cidr) and
            O(rules[].group) has to be given.
        type: str
      group:
        description: Name or UUID of the security group whose instances are on the other side. Of these, IPv4 alone.
        type: str
  purge_rules:
    description:
      - Whether rules of V(ingress) that are not in O(rules) are removed. They are, after the missing ones were added.
        Rules of V(egress) are never removed.
    type: bool
    default: false
seealso:
  - module: jetstream.cloud.jetstream_instance
"""

EXAMPLES = r"""
- name: Let in ssh from everywhere, and the web of the course from the campus
  jetstream.cloud.jetstream_security_group:
    name: course
    description: Machines of the course
    rules:
      - ports: "22"
        cidr: 0.0.0.0/0
      - ports: 8000-8100
        cidr: 129.79.0.0/16

- name: Let in ssh alone, and what comes from each other
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
  description: The security group. V(null) if it is absent. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    uuid:
      description: The UUID. Empty in check mode for a new one.
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
          description: The UUID. Empty in check mode for a new one.
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
          description: The port, or the first and the last one. V(null) for all.
          type: str
          sample: "22"
        cidr:
          description: The network on the other side. V(null) if that is a group.
          type: str
          sample: 0.0.0.0/0
        group:
          description: The UUID of the security group on the other side. V(null) if that is a network.
          type: str
"""

from ..module_utils.operations.security_group import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
