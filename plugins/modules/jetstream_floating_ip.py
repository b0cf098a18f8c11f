#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_floating_ip
short_description: Give an instance a floating IP, or take it back
version_added: 1.0.0
description:
  - Gives an instance a floating IP unless it has one, or gives its floating IP back to the site. Jetstream2 alone.
    Atmosphere does this itself.
  - The truth is neutron's. The addresses of nova may lag behind for minutes.
  - A new floating IP is made at the port of the instance by one request, so that none is left without an instance. If
    its response is lost, the port is read before anything else is requested.
  - M(jetstream.cloud.jetstream_instance) does the same for instances that it launches.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  instance:
    description: The name or UUID of the instance. A glob has to match exactly one.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that it has a floating IP. V(absent) gives back the one that it has.
    type: str
    choices:
      - present
      - absent
    default: present
  address:
    description:
      - With O(state=present), the floating IP of the project that it is to have. One that another instance has is
        refused. Without it, a new one is made if the instance has none.
      - With O(state=absent), the floating IP to give back. Without it, only one that this collection made for the
        instance is given back.
    type: str
seealso:
  - module: jetstream.cloud.jetstream_instance
"""

EXAMPLES = r"""
- name: Have an address for the web server
  jetstream.cloud.jetstream_floating_ip:
    instance: web
  register: web

- name: Show it
  ansible.builtin.debug:
    msg: "ssh exouser@{{ web.address }}"

- name: Have the address that its name in DNS leads to
  jetstream.cloud.jetstream_floating_ip:
    instance: web
    address: 149.165.170.1

- name: Give it back
  jetstream.cloud.jetstream_floating_ip:
    instance: web
    state: absent
    address: 149.165.170.1
"""

RETURN = r"""
address:
  description: The floating IP that the instance has. V(null) if it has none, and in check mode for a new one.
  returned: success
  type: str
  sample: 149.165.170.1
instance:
  description: The instance.
  returned: success
  type: dict
  contains:
    uuid:
      description: The UUID.
      type: str
    id:
      description: On Jetstream2, the UUID.
      type: raw
    name:
      description: The name.
      type: str
      sample: web
"""

from ..module_utils.operations.floating_ip import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
