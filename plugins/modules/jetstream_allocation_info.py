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
  - Returns the service units (SU) that each allocation source grants, those that were used, and those that remain.
  - Forecasts how long an allocation lasts, at the pace of the last seven days, and at the pace of this moment.
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
  pace:
    description:
      - Whether to read the history of the last seven days for the pace of the account's instances.
      - Without it, RV(allocations[].su_per_day), RV(allocations[].days_left) and RV(allocations[].exhausted_on) are
        V(null). On Jetstream2 that saves a request for each instance.
    type: bool
    default: true
notes:
  - Instances of other users of the same allocation source cannot be seen, so their cost is not part of
    RV(allocations[].su_per_hour) or RV(allocations[].su_per_day). On Atmosphere, RV(allocations[].global_burn_rate)
    above RV(allocations[].user_burn_rate) means that there are some.
  - Instances that no allocation of the account pays for, flavors without a rate, and figures of the site that cannot be
    read lead to warnings.
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
    remaining:
      description: SU granted less SU used. Below 0 if more was used than granted. V(null) if not known.
      type: float
      sample: 48765.433
    percent_used:
      description: SU used, in per cent of those granted.
      type: float
      sample: 2.469
    start_date:
      description: When the allocation began. ISO 8601, UTC.
      type: str
    end_date:
      description: When the allocation ends. V(null) if the server knows of no end.
      type: str
    has_ended:
      description: Whether that is past. The last day belongs to the allocation.
      type: bool
    updated:
      description: When the server made its figures. ISO 8601, UTC.
      type: str
    lag_hours:
      description: The greatest age of the server's figures in hours, where the server returns no time.
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
    su_per_day:
      description:
        - SU that these instances, and deleted ones, used per day, as the mean of RV(allocations[].pace_days).
        - V(null) without O(pace), with less than a day of history, and if there are
          RV(allocations[].unknown_flavors).
      type: float
      sample: 1116
    pace_days:
      description: How many days that is the mean of. Less than 7 if the first of the instances is younger.
      type: float
      sample: 7
    days_left:
      description:
        - Whole days until it is exhausted, at RV(allocations[].su_per_day). V(0) if it has ended.
        - V(null) if nothing is used, and if that is not known.
      type: int
      sample: 43
    exhausted_on:
      description: The day on which that is, in UTC.
      type: str
      sample: "2027-01-06"
    su_per_hour:
      description:
        - SU per hour that these instances cost in the states they are in now.
        - Too low if there are RV(allocations[].unknown_flavors), and V(null) if nothing else is known to cost anything.
      type: float
      sample: 46.5
    days_left_now:
      description: The same at RV(allocations[].su_per_hour).
      type: int
      sample: 43
    exhausted_on_now:
      description: The day on which that is, in UTC.
      type: str
      sample: "2027-01-06"
    su_per_day_to_last:
      description: SU per day at which it lasts to RV(allocations[].end_date). V(null) if that is not known or past.
      type: float
      sample: 511.2
    unknown_flavors:
      description: Flavors without a rate, on which no forecast is based.
      type: list
      elements: str
"""

from ..module_utils.operations.allocation_info import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
