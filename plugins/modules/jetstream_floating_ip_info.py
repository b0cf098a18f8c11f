#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_floating_ip_info
short_description: Read the floating IPs of the project
version_added: 1.0.0
description:
  - Returns the floating IPs of the project, and the instance of each, as reported by Neutron. Only on Jetstream2.
  - A floating IP without an instance still counts in the quota.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  address:
    description:
      - Only these addresses. An empty list selects nothing.
    type: list
    elements: str
  attached:
    description:
      - V(true) returns only attached ones, V(false) only unattached ones.
    type: bool
seealso:
  - module: jetstream.cloud.jetstream_floating_ip
  - module: jetstream.cloud.jetstream_hygiene_info
"""

EXAMPLES = r"""
- name: Read the unattached floating IPs
  jetstream.cloud.jetstream_floating_ip_info:
    attached: false
  register: spare

- name: Show them
  ansible.builtin.debug:
    msg: "{{ spare.floating_ips | map(attribute='address') }}"
"""

RETURN = r"""
floating_ips:
  description: The floating IPs, by address.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The UUID.
      type: str
    address:
      description: The address.
      type: str
      sample: 149.165.152.17
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    fixed_address:
      description: The fixed address that it is mapped to. V(null) if it is not attached.
      type: str
      sample: 10.3.0.17
    network:
      description: The UUID of its external network.
      type: str
    description:
      description: The description. This collection stores there the instance that it was created for.
      type: str
    attached:
      description: Whether it is attached to anything.
      type: bool
    instance_uuid:
      description: The UUID of its instance. V(null) if there is none.
      type: str
    instance_name:
      description: The name of that instance. V(null) if unknown.
      type: str
      sample: web
    made_for_it:
      description: Whether this collection created it for that instance.
      type: bool
"""

from ..module_utils._internal.operations.floating_ip_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
