#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_flavor_info
short_description: Find flavors, with their cost and the room for them in the quota
version_added: 1.0.0
description:
  - Returns flavors with virtual cores, memory and disk, their service units (SU) per hour, and the number of instances
    of each that fit in the free part of the quota.
  - The limits of instances, cores and memory decide whether a flavor fits. Jetstream2 limits GPUs by a quota that these
    limits do not show, and may have no host for a large flavor.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
options:
  name:
    description:
      - Names, or globs such as V(m3.*). An empty list selects nothing.
    type: list
    elements: str
  provider:
    description:
      - Only flavors at these providers, by name, glob or UUID. On Jetstream2, there is one, the region.
    type: list
    elements: str
  min_vcpus:
    description:
      - Only flavors with at least this number of virtual cores.
    type: int
    default: 0
  min_ram:
    description:
      - Only flavors with at least this memory in MB. Jetstream2 filters by it.
    type: int
    default: 0
  min_disk:
    description:
      - Only flavors with at least this root disk in GB. Jetstream2 filters by it.
    type: int
    default: 0
  fitting:
    description:
      - Whether to return only flavors of which at least one instance fits in the quota, or may fit.
    type: bool
    default: false
  quota:
    description:
      - Whether to read the quota as well. It costs one more request on Jetstream2, and two lists on Atmosphere.
        O(fitting) requires it.
    type: bool
    default: true
seealso:
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_quota_info
  - module: jetstream.cloud.jetstream_allocation_info
"""

EXAMPLES = r"""
- name: Find the flavors that have room in the quota
  jetstream.cloud.jetstream_flavor_info:
    min_vcpus: 2
    min_ram: 6000
    fitting: true
  register: found

- name: Show their cost
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.su_per_hour }} SU per hour, room for {{ item.max_instances }}"
  loop: "{{ found.flavors }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
flavors:
  description: The flavors, the smallest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name, for O(jetstream.cloud.jetstream_instance#module:flavor).
      type: str
      sample: m3.small
    id:
      description: The ID in Nova. On Atmosphere, the alias.
      type: str
      sample: "2"
    vcpus:
      description: Virtual cores. V(null) if unknown.
      type: int
      sample: 2
    ram:
      description: MB of memory. V(null) if unknown.
      type: int
      sample: 6144
    disk:
      description: GB of root disk. V(null) if unknown.
      type: int
      sample: 20
    family:
      description: The part of the name before the dot, which decides the rate.
      type: str
      sample: m3
    resource:
      description: The allocation that pays for it, V(cpu), V(gpu) or V(lm). V(null) for an unknown family.
      type: str
      sample: cpu
    su_per_hour:
      description: The cost of an active instance in SU per hour. V(null) if no rate is known.
      type: float
      sample: 2
    can_suspend:
      description: Whether its instances can be suspended. V(null) for an unknown family.
      type: bool
    can_resize:
      description: Whether Jetstream2 can resize its instances. It cannot for whole GPUs.
      type: bool
    fits:
      description: Whether one more instance fits in the quota. V(null) if unknown, or if there is no limit.
      type: bool
    max_instances:
      description: The number of instances that fit in the quota. V(null) if unknown, or if there is no limit.
      type: int
      sample: 12
    limited_by:
      description: The resource that limits the number, V(instances), V(cores) or V(ram).
      type: str
      sample: cores
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
"""

from ..module_utils._internal.operations.flavor_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
