#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_allocation_info
short_description: Read the allocations of a Jetstream account, and how long they last
version_added: 0.1.0
description:
  - Returns what each allocation source granted and what was used of it, as the server says.
  - Works out what the account's instances cost per hour in the states they are in, and when the allocation is exhausted
    at that rate.
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
      - Names of allocation sources, or globs. Without any, all of the account are returned.
    type: list
    elements: str
  live:
    description:
      - Whether to read the states of the instances from the cloud itself.
      - Without it, states are those of Atmosphere's database, which may be 15 minutes old.
    type: bool
    default: true
notes:
  - Instances of other users of the same allocation source cannot be seen, so their cost is not part of
    RV(allocations[].su_per_hour). RV(allocations[].global_burn_rate) above RV(allocations[].user_burn_rate) says that
    there are some.
seealso:
  - module: jetstream.cloud.jetstream_history_info
"""

EXAMPLES = r"""
- name: Read how long the allocations last
  jetstream.cloud.jetstream_allocation_info:
  register: grants

- name: Fail if the grant is exhausted within a week
  ansible.builtin.assert:
    that: item.hours_left is none or item.hours_left > 168
    fail_msg: "{{ item.name }} is exhausted at {{ item.exhausted_at }}"
  loop: "{{ grants.allocations }}"
  loop_control:
    label: "{{ item.name }}"

- name: Read one allocation, with a flavor that this collection does not know, at a site that charges nothing for sleep
  jetstream.cloud.jetstream_allocation_info:
    name: TG-GEO160014
    rates:
      sizes:
        p3.tiny: 4
      states:
        shutoff: 0
        suspended: 0
"""

RETURN = r"""
allocations:
  description: The allocation sources. Amounts are service units (SU), with three decimals at the most.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: TG-GEO160014
    uuid:
      description: The UUID.
      type: str
    allowed:
      description: SU granted.
      type: float
      sample: 50000
    used:
      description: SU used, by all users.
      type: float
      sample: 1234.567
    mine:
      description: SU used by this user.
      type: float
      sample: 1234.567
    left:
      description: SU granted less SU used. Below 0 if more was used than granted.
      type: float
      sample: 48765.433
    percent_used:
      description: SU used, in per cent of what was granted.
      type: float
      sample: 2.469
    start_date:
      description: When the allocation began. ISO 8601, UTC.
      type: str
    end_date:
      description: When the allocation ends. V(null) if the server knows of no end.
      type: str
    updated:
      description: When the server made its figures. ISO 8601, UTC.
      type: str
    lag_hours:
      description: How many hours old the server's figures may be, where it does not say when it made them.
      type: int
      sample: 24
    global_burn_rate:
      description: The server's burn rate for all users. It counts active instances; it is not SU per hour.
      type: float
      sample: 12
    user_burn_rate:
      description: The server's burn rate for this user. It counts active instances; it is not SU per hour.
      type: float
      sample: 12
    instances:
      description: How many instances of this account it pays for.
      type: int
      sample: 29
    su_per_hour:
      description:
        - What these instances cost per hour in the states they are in.
        - Too low if there are RV(allocations[].unknown_sizes), and V(null) if nothing else is known to cost anything.
      type: float
      sample: 46.5
    unknown_sizes:
      description: Flavors without a rate.
      type: list
      elements: str
    hours_left:
      description:
        - Hours until it is exhausted, if the instances stay as they are.
        - V(null) if they cost nothing, or if there are RV(allocations[].unknown_sizes).
      type: float
      sample: 1048.719
    exhausted_at:
      description: When that is. ISO 8601, UTC.
      type: str
      sample: "2027-01-06T12:21:00Z"
    su_per_hour_to_last:
      description: SU per hour at which it lasts to RV(allocations[].end_date). V(null) if that is not known or past.
      type: float
      sample: 21.3
"""

from ..module_utils.operations.allocation_info import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
