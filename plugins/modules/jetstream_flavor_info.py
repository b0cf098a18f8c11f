#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_flavor_info
short_description: Find flavors, with their cost, and which fit in the quota
version_added: 1.0.0
description:
  - Returns flavors with virtual cores, memory and disk, their service units (SU) per hour, and how many instances of
    each fit in what is free of the quota.
  - What fits is decided by the limits of instances, cores and memory. Jetstream2 limits GPUs by a quota that its limits
    do not show, and may have no host for a large flavor.
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
      - Only flavors with at least so many virtual cores.
    type: int
    default: 0
  min_ram:
    description:
      - Only flavors with at least so many MB of memory. Jetstream2 itself leaves the others out.
    type: int
    default: 0
  min_disk:
    description:
      - Only flavors with at least so many GB of root disk. Jetstream2 itself leaves the others out.
    type: int
    default: 0
  fitting:
    description:
      - Whether to leave out flavors of which not even one instance fits in the quota. Those of which that is not known
        are returned.
    type: bool
    default: false
  quota:
    description:
      - Whether to read the quota as well. That costs one request more on Jetstream2, and two lists on Atmosphere.
        O(fitting) needs it.
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

- name: Show what they cost
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
      description: The name, which O(jetstream.cloud.jetstream_instance#module:flavor) takes.
      type: str
      sample: m3.small
    id:
      description: The ID in nova. On Atmosphere, what it calls the alias.
      type: str
      sample: "2"
    vcpus:
      description: Virtual cores. V(null) if it is not known.
      type: int
      sample: 2
    ram:
      description: MB of memory. V(null) if it is not known.
      type: int
      sample: 6144
    disk:
      description: GB of root disk. V(null) if it is not known.
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
      description: The cost of an active instance. SU per hour. V(null) if no rate is known.
      type: float
      sample: 2
    can_suspend:
      description: Whether its instances can be suspended. V(null) for an unknown family.
      type: bool
    can_resize:
      description: Whether Jetstream2 resizes its instances, which it does not for whole GPUs.
      type: bool
    fits:
      description: Whether one more instance fits in the quota. V(null) if that is not known, or if there is no limit.
      type: bool
    max_instances:
      description: How many instances fit in the quota. V(null) if that is not known, or if there is no limit.
      type: int
      sample: 12
    limited_by:
      description: The resource that ends first, V(instances), V(cores) or V(ram).
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

from ..module_utils.operations.flavor_info import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
