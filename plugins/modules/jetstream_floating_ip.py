#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_floating_ip
short_description: Assign a floating IP to an instance, or release it
version_added: 1.0.0
description:
  - Assigns a floating IP to an instance unless it has one, or releases the floating IP to the site. Only on Jetstream2.
    Atmosphere assigns and releases floating IPs itself.
  - The data come from Neutron, since the addresses in Nova may be minutes old.
  - One request creates a new floating IP at the port of the instance, so that none is left without an instance. If the
    response is lost, the port is read before another request.
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
    description: The name or UUID of the instance. A glob must match exactly one instance.
    type: str
    required: true
  state:
    description:
      - V(present) ensures that the instance has a floating IP. V(absent) releases its floating IP.
    type: str
    choices:
      - present
      - absent
    default: present
  address:
    description:
      - With O(state=present), the floating IP of the project to assign. It must not belong to another instance. Without
        it, a new one is created if the instance has none.
      - With O(state=absent), the floating IP to release. Without it, only a floating IP that this collection created
        for the instance is released.
    type: str
seealso:
  - module: jetstream.cloud.jetstream_instance
"""

EXAMPLES = r"""
- name: Assign an address to the web server
  jetstream.cloud.jetstream_floating_ip:
    instance: web
  register: web

- name: Show the output
  ansible.builtin.debug:
    msg: "ssh exouser@{{ web.address }}"

- name: Assign the address of its DNS name
  jetstream.cloud.jetstream_floating_ip:
    instance: web
    address: 149.165.170.1

- name: Release it
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
unclear:
  description: Whether a request was sent with an unknown outcome. Then C(changed) is V(true) as well.
  returned: on failure, if this is the case
  type: bool
"""

from ..module_utils._internal.operations.floating_ip import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
