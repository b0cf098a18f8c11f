#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_allocation_info
short_description: Read the allocations of a Jetstream account, and how long they last
version_added: 1.0.0
description:
  - Returns the service units (SU) that each allocation source grants, the used SU, and the remaining SU.
  - Forecasts how long an allocation lasts, at the pace of the last seven days, and at the current pace.
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
      - Names of allocation sources, or globs. Without it, all allocation sources of the account are returned.
    type: list
    elements: str
  live:
    description:
      - Whether to read the states of the instances from the cloud itself.
      - Without it, states come from the database of Atmosphere, and may be 15 minutes old.
    type: bool
    default: true
  pace:
    description:
      - Whether to read the history of the last seven days for the pace of the instances.
      - Without it, RV(allocations[].su_per_day), RV(allocations[].days_left) and RV(allocations[].exhausted_on) are
        V(null). On Jetstream2 that saves a request for each instance.
    type: bool
    default: true
notes:
  - Instances of other users of the same allocation source cannot be seen, so their cost is not part of
    RV(allocations[].su_per_hour) or RV(allocations[].su_per_day). On Atmosphere, RV(allocations[].global_burn_rate)
    above RV(allocations[].user_burn_rate) shows that such instances exist.
  - The task warns of instances that no allocation of the account pays for, flavors without a rate, and unreadable
    figures of the site.
seealso:
  - module: jetstream.cloud.jetstream_history_info
"""

EXAMPLES = r"""
- name: Read how long the allocations last
  jetstream.cloud.jetstream_allocation_info:
  register: grants

- name: Fail if an allocation is exhausted within a week, or has ended
  ansible.builtin.assert:
    that: item.days_left is none or item.days_left > 7
    fail_msg: "{{ item.name }} lasts {{ item.days_left }} days"
  loop: "{{ grants.allocations }}"
  loop_control:
    label: "{{ item.name }}"

- name: Read one allocation, with a flavor that this collection does not know, at a site that charges nothing for sleep
  jetstream.cloud.jetstream_allocation_info:
    name: TG-GEO160014
    rates:
      flavors:
        p3.tiny: 4
      states:
        shutoff: 0
        suspended: 0
"""

RETURN = r"""
allocations:
  description: The allocation sources. Amounts are service units (SU), with at most three decimals.
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
    remaining:
      description: SU granted minus SU used, negative if more was used than granted. V(null) if unknown.
      type: float
      sample: 48765.433
    percent_used:
      description: SU used, in percent of the SU granted.
      type: float
      sample: 2.469
    start_date:
      description: The start of the allocation. ISO 8601, UTC.
      type: str
    end_date:
      description: The end of the allocation. V(null) if the server has none.
      type: str
    has_ended:
      description: Whether the end is past. The last day belongs to the allocation.
      type: bool
    updated:
      description: The time of the figures of the server. ISO 8601, UTC.
      type: str
    lag_hours:
      description: The maximum age of the figures of the server in hours, if it returns no time.
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
      description: The number of instances of this account that it pays for.
      type: int
      sample: 29
    su_per_day:
      description:
        - SU per day that these instances, and deleted ones, used on average over RV(allocations[].pace_days).
        - V(null) without O(pace), with less than a day of history, and if there are
          RV(allocations[].unknown_flavors).
      type: float
      sample: 1116
    pace_days:
      description: The number of days of that average. Less than 7 if the first instance is younger.
      type: float
      sample: 7
    days_left:
      description:
        - Whole days until it is exhausted, at RV(allocations[].su_per_day). V(0) if it has ended.
        - V(null) if nothing is used, or if unknown.
      type: int
      sample: 43
    exhausted_on:
      description: The UTC day on which it is exhausted.
      type: str
      sample: "2027-01-06"
    su_per_hour:
      description:
        - The cost of these instances in their present states, in SU per hour.
        - Too low if there are RV(allocations[].unknown_flavors), and V(null) if no other cost is known.
      type: float
      sample: 46.5
    days_left_now:
      description: The same at RV(allocations[].su_per_hour).
      type: int
      sample: 43
    exhausted_on_now:
      description: The UTC day on which it is exhausted.
      type: str
      sample: "2027-01-06"
    su_per_day_to_last:
      description: The SU per day at which it lasts until RV(allocations[].end_date). V(null) if unknown or past.
      type: float
      sample: 511.2
    unknown_flavors:
      description: Flavors without a rate, which the forecasts ignore.
      type: list
      elements: str
"""

from ..module_utils._internal.operations.allocation_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
