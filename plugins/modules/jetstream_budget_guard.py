#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_budget_guard
short_description: Tell the thresholds of allocations, and shelve instances so that an allocation lasts
version_added: 1.0.0
description:
  - Returns how each allocation stands, by the figures of the site and by an estimate that adds what was used since
    then, and the thresholds that are new. These are 50, 75, 90 and 95 per cent used, and 14, 7 and 3 days until the
    SU are used up at the pace of the last week, or until the allocation ends.
  - Returns which instances would have to be shelved so that an allocation lasts to its end, and what that changes in
    SU and days. Idle instances and those that do not run come first, then the most expensive ones.
  - Shelves them only with O(apply=true), and only for an allocation that has reached a limit.
  - docs/budget.md describes it.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
  - jetstream.cloud.idle_files
attributes:
  check_mode:
    support: full
    details:
      - Sends no action, stores nothing, and logs nothing.
  diff_mode:
    support: none
    details:
      - RV(allocations[].plan) has the instances, and the cost before and after.
  idempotent:
    support: full
    details:
      - A second run shelves nothing more.
options:
  name:
    description: Only allocations of these names or globs.
    type: list
    elements: str
  settings:
    description:
      - Settings of the rules by which instances are idle, as for M(jetstream.cloud.jetstream_idle_info).
    type: dict
  limit_percent:
    description: Shelve from so many per cent used on.
    type: float
  limit_days:
    description: Shelve where the SU last for no more than so many days, and are used up before the end.
    type: float
  shelve:
    description:
      - V(enough) shelves until the allocation lasts to its end. V(all) shelves all that may be shelved.
      - Of an allocation that is used up or has ended, all are shelved in any case.
    type: str
    choices:
      - enough
      - all
    default: enough
  never:
    description: Names or globs of instances that are never shelved.
    type: list
    elements: str
    default: []
  owner:
    description:
      - Shelve only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can
        see. Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  apply:
    description: Whether instances are shelved. It needs O(limit_percent) or O(limit_days).
    type: bool
    default: false
  wait_timeout:
    description: Seconds for the whole run.
    type: float
    default: 900.0
  told:
    description:
      - RV(told) of an earlier run, to store that its news were delivered. Nothing else is done then, and no request is
        sent. Without that, the next run returns the same news again.
    type: dict
  told_path:
    description:
      - The file on the controller in which it is stored what was told, which is created if it is missing.
      - Without it, C(~/.local/state/jetstream/budget_told.json).
    type: path
  decisions_path:
    description:
      - The folder on the controller with the log of decisions, in which the decisions about the instances of an
        allocation at its limit are written. M(jetstream.cloud.jetstream_decision_info) reads it.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - What cannot be logged is not shelved.
  - Instances are left that are locked, kept by a mark, opted out, of other owners, or of unknown cost, and those that
    the cloud is changing. That an instance is in use does not protect it.
seealso:
  - module: jetstream.cloud.jetstream_allocation_info
  - module: jetstream.cloud.jetstream_keep
"""

EXAMPLES = r"""
- name: Read how the allocations stand
  jetstream.cloud.jetstream_budget_guard:
  register: budget

- name: Show what is new
  jetstream.cloud.jetstream_print:
    msg: "{{ budget.summary.sentence }}"

- name: Store that it was told
  jetstream.cloud.jetstream_budget_guard:
    told: "{{ budget.told }}"

- name: Make the GPU allocation last from 90 per cent on, and never shelve the gateway
  jetstream.cloud.jetstream_budget_guard:
    name: "*GPU*"
    limit_percent: 90
    never: [gateway]
    apply: true
"""

RETURN = r"""
allocations:
  description: The allocations.
  returned: success, or if instances failed
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    uuid:
      description: The UUID.
      type: str
    allowed:
      description: The SU that were granted.
      type: float
    used:
      description: The SU that were used, as the site says.
      type: float
    percent_used:
      description: The same in per cent.
      type: float
    used_since:
      description:
        - The SU used since then by the history, V(null) if that is not known. Where the site only says how old its
          figures may be, those of all that time.
      type: float
    estimated_percent_used:
      description: Both together in per cent. Thresholds and limits go by it.
      type: float
    estimated_remaining:
      description: The SU that remain by the estimate.
      type: float
    end_date:
      description: The end, in the words of the site.
      type: str
    days_to_end:
      description: The days until then.
      type: float
    days_left:
      description: The days for which the SU last at the pace of the last week.
      type: float
    exhausted_at:
      description: When they are used up at that pace. ISO 8601, UTC.
      type: str
    su_per_day:
      description: That pace.
      type: float
    su_per_day_to_last:
      description: The pace at which they last to the end.
      type: float
    figures:
      description: The figure of the site and the estimate, in words.
      type: str
      sample: The site reports 89.0 % used; with 20 SU that it may not have counted yet, 91.0 %.
    news:
      description: The thresholds to tell, the most serious of each kind.
      type: list
      elements: dict
      contains:
        threshold:
          description: Its kind, V(used), V(lasts), V(ends) or V(over), and its number.
          type: str
          sample: used:90
        sentence:
          description: It in words.
          type: str
          sample: 91.0 % of the SU are used (threshold 90 %).
    limit_reached:
      description: Which limit is reached, in words, or V(null).
      type: str
    plan:
      description: What would make it last.
      type: dict
      contains:
        shelve:
          description:
            - The instances to shelve, in order, each with C(id), C(uuid), C(name), C(owner), C(status), C(su_per_hour),
              C(why) (V(idle) or V(expensive)), C(changed), C(failed), C(skipped) and C(msg).
          type: list
          elements: dict
        left:
          description:
            - The other instances, each with the same first six, and the C(reason) why it is not to be shelved, if
              there is one.
          type: list
          elements: dict
        before:
          description:
            - The cost now, C(su_per_day), the C(days) for which the SU last, and whether it C(lasts) to the end.
          type: dict
        after:
          description: The same without the instances to shelve.
          type: dict
        reason:
          description: Why nothing is to be shelved, or why it is not enough. V(null) otherwise.
          type: str
        applies:
          description: Whether they were shelved in this run.
          type: bool
        sentence:
          description: All of that in words.
          type: str
told:
  description: The thresholds that count as told when RV(allocations[].news) were delivered, by allocation.
  returned: success, or if instances failed
  type: dict
told_path:
  description: The file in which they are stored.
  returned: success, or if instances failed
  type: str
summary:
  description: The sums.
  returned: success or if instances failed, but not with O(told)
  type: dict
  contains:
    news:
      description: Thresholds to tell.
      type: int
    limits_reached:
      description: Allocations that have reached a limit.
      type: int
    shelved:
      description: Instances that were shelved.
      type: int
    failed:
      description: Instances that were not.
      type: int
    sentence:
      description: What is new, in words.
      type: str
"""

from ..module_utils.operations.budget_guard import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
