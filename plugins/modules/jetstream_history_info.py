#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_history_info
short_description: Read the past states of Jetstream instances, and their cost
version_added: 1.0.0
description:
  - Returns the periods that each instance spent in a state, and the service units (SU) that it used, in total and per
    day. Deleted instances are included.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
  - jetstream.cloud.rates
options:
  since:
    description:
      - The start of the time to return, a date or a time. ISO 8601.
    type: str
  until:
    description:
      - The end of the time to return, a date or a time. ISO 8601. A date means its first moment.
    type: str
  timezone:
    description:
      - The time zone in which days begin at midnight, and that of O(since) and O(until) without a zone.
    type: str
    default: UTC
notes:
  - SU are computed from the history and the table of rates. The accounting of the site is authoritative.
seealso:
  - module: jetstream.cloud.jetstream_allocation_info
"""

EXAMPLES = r"""
- name: Read the usage of November
  jetstream.cloud.jetstream_history_info:
    since: "2026-11-01"
    until: "2026-12-01"
    timezone: America/Indiana/Indianapolis
  register: november

- name: Show the five most expensive instances
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.su }} SU"
  loop: "{{ (november.instances | rejectattr('su', 'none') | sort(attribute='su', reverse=true))[:5] }}"
  loop_control:
    label: "{{ item.name }}"

- name: Read the history of one instance
  jetstream.cloud.jetstream_history_info:
    name: geo-node-01
"""

RETURN = r"""
su:
  description:
    - SU of all returned instances, with at most three decimals.
    - Flavors without a rate do not count. V(null) if no cost is known. That also holds for the SU of an instance.
  returned: success
  type: float
  sample: 1234.5
days:
  description: SU of all instances, for each day with a cost.
  returned: success
  type: list
  elements: dict
  contains:
    date:
      description: The day, in O(timezone).
      type: str
      sample: "2026-11-01"
    su:
      description: SU used on that day.
      type: float
      sample: 48
instances:
  description: The instances that existed in that time, by name. Those with the same name by their beginning.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 21752
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
      sample: geo-node-01
    su:
      description: SU used by the instance.
      type: float
      sample: 48
    hours:
      description: Hours by state.
      type: dict
      sample: {"active": 24, "shutoff": 48}
    days:
      description: The same as RV(days), for this instance.
      type: list
      elements: dict
    unknown_flavors:
      description: Flavors without a rate, whose cost is missing in RV(instances[].su).
      type: list
      elements: str
    periods:
      description: The periods that it spent in a state, in order.
      type: list
      elements: dict
      contains:
        status:
          description: The state, in the cloud's own word.
          type: str
          sample: active
        activity:
          description: The action in progress. Empty if there was none.
          type: str
        flavor:
          description: The name of its flavor.
          type: str
          sample: m1.small
        vcpus:
          description: Virtual cores.
          type: int
          sample: 2
        start:
          description: The beginning. ISO 8601, UTC.
          type: str
        end:
          description: The end. ISO 8601, UTC. The time of the task if the state lasts.
          type: str
        hours:
          description: The length in hours.
          type: float
          sample: 24
        su:
          description: SU used. V(null) if the flavor has no rate.
          type: float
          sample: 48
"""

from ..module_utils._internal.operations.history_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
