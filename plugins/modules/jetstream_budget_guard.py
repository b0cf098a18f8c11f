#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_budget_guard
short_description: Report thresholds of allocations, and shelve instances so that an allocation lasts
version_added: 1.0.0
description:
  - Returns the use of each allocation, by the figures of the site and by an estimate that adds the use since then, and
    newly reached thresholds. These are 50, 75, 90 and 95 percent used, and 14, 7 and 3 days until the SU are used up at
    the pace of the last week, or until the allocation ends.
  - Returns the instances to shelve so that an allocation lasts to its end, and the effect in SU and days. Idle
    instances and those that do not run come first, then the most expensive ones.
  - Shelves them only with O(apply=true), and only for an allocation that has reached a limit.
  - docs/budget.md describes it.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.acts
  - jetstream.cloud.rates
  - jetstream.cloud.idle_files
attributes:
  check_mode:
    support: full
    details:
      - Sends no action, stores nothing, logs nothing, and claims nothing.
  diff_mode:
    support: none
    details:
      - RV(allocations[].plan) has the instances, and the cost before and after.
  idempotent:
    support: full
    details:
      - A second run shelves no further instance.
options:
  name:
    description: Names or globs. Only these allocations. A name that no allocation has is refused.
    type: list
    elements: str
  settings:
    description:
      - Settings of the idle rules, as for M(jetstream.cloud.jetstream_idle_info).
    type: dict
  limit_percent:
    description: Shelve when at least this percentage is used.
    type: float
  limit_days:
    description: Shelve when the SU last for at most this many days, and not to the end.
    type: float
  shelve:
    description:
      - V(enough) shelves until the allocation lasts to its end. V(all) shelves every eligible instance.
      - If an allocation is used up or has ended, every eligible instance is shelved.
    type: str
    choices:
      - enough
      - all
    default: enough
  never:
    description:
      - Names, globs, numbers or UUIDs of instances that are never shelved.
      - A name that no instance has is refused, since a mistyped one would protect none. A glob that none fits is a
        warning.
    type: list
    elements: str
    default: []
  owner:
    description:
      - Shelve only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are
        visible. Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  apply:
    description: Whether to shelve instances. Requires O(limit_percent) or O(limit_days).
    type: bool
    default: false
  wait_timeout:
    description: The timeout of the whole run in seconds.
    type: float
    default: 900.0
  channels:
    description:
      - Names of the channels that notices are sent through, such as V(mail). Each channel has its own record, so
        RV(allocations[].news[].channels) has the channels to which a threshold is new.
      - A run claims the news that it returns. No other run returns them until O(told) records the delivery, or half an
        hour has passed.
      - Without channels, each run returns every reached threshold until O(told) is recorded, and claims nothing.
    type: list
    elements: str
    default: []
    version_added: 1.1.0
  told:
    description:
      - RV(claimed) of an earlier run for the O(channel), or RV(told) of one without O(channels), to record the
        delivery. With it, the task does nothing else, and sends no request.
    type: dict
  channel:
    description: The channel of the delivery. Without it, the delivery counts for every channel.
    type: str
    version_added: 1.1.0
  delivered:
    description:
      - V(false) records that the delivery failed, so that the next run returns the news again, only for O(channel).
    type: bool
    default: true
    version_added: 1.1.0
  told_path:
    description:
      - The file on the controller that records delivered notices. It is created if it is missing.
      - Without it, C(~/.local/state/jetstream/budget_told.json).
    type: path
  decisions_path:
    description:
      - The folder on the controller with the decision log, to which decisions about instances of an allocation at its
        limit are added. M(jetstream.cloud.jetstream_decision_info) reads it.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - If the log cannot be written, no instance is shelved.
  - One run at a time may use the file of O(told_path). Another one warns, does nothing, and returns RV(busy).
  - Skips instances that are locked, have a keep mark, have opted out, belong to other owners, have an unknown cost, or
    are being changed by the cloud. Use does not protect an instance.
seealso:
  - module: jetstream.cloud.jetstream_allocation_info
  - module: jetstream.cloud.jetstream_keep
"""

EXAMPLES = r"""
- name: Read the use of the allocations
  jetstream.cloud.jetstream_budget_guard:
    channels: [mail]
  register: budget

- name: Show what is new
  jetstream.cloud.jetstream_print:
    msg: "{{ budget.summary.sentence }}"

- name: Record the delivery
  jetstream.cloud.jetstream_budget_guard:
    told: "{{ budget.claimed.mail }}"
    channel: mail

- name: Make the GPU allocation last once 90 percent are used, and never shelve the gateway
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
      description: The SU granted.
      type: float
    used:
      description: The SU used, as reported by the site.
      type: float
    percent_used:
      description: The same in percent.
      type: float
    used_since:
      description:
        - The SU used since then by the history, V(null) if unknown. If the site only returns the maximum age of its
          figures, the SU used in that time.
      type: float
    estimated_percent_used:
      description: The sum of both in percent. Thresholds and limits refer to it.
      type: float
    estimated_remaining:
      description: The remaining SU by the estimate.
      type: float
    end_date:
      description: The end, as returned by the site.
      type: str
    days_to_end:
      description: The days until then.
      type: float
    days_left:
      description: The number of days that the SU last at the pace of the last week.
      type: float
    exhausted_at:
      description: The time at which they are used up at that pace. ISO 8601, UTC.
      type: str
    su_per_day:
      description: That pace.
      type: float
    su_per_day_to_last:
      description: The pace at which they last to the end.
      type: float
    figures:
      description: The figure of the site and the estimate, as a sentence.
      type: str
      sample: The site reports 89.0 % used; with 20 SU that it may not have counted yet, 91.0 %.
    news:
      description: The new thresholds, the most serious of each kind.
      type: list
      elements: dict
      contains:
        threshold:
          description: Its kind, V(used), V(lasts), V(ends) or V(over), and its number.
          type: str
          sample: used:90
        sentence:
          description: The threshold as a sentence.
          type: str
          sample: 91.0 % of the SU are used (threshold 90 %).
        channels:
          description: Those of O(channels) to which it is new.
          type: list
          elements: str
    limit_reached:
      description: The reached limit in words, or V(null).
      type: str
    plan:
      description: The plan that makes it last.
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
            - The other instances, each with the same first six keys, and the C(reason) not to shelve it, if there is
              one.
          type: list
          elements: dict
        before:
          description:
            - The present cost C(su_per_day), the number of C(days) that the SU last, and whether it C(lasts) to the
              end.
          type: dict
        after:
          description: The same without the instances to shelve.
          type: dict
        reason:
          description: The reason why no instance is to be shelved, or why it is not enough. V(null) otherwise.
          type: str
        applies:
          description: Whether they were shelved in this run.
          type: bool
        sentence:
          description: The plan as a sentence.
          type: str
told:
  description:
    - Without O(channels), the thresholds that count as reported once RV(allocations[].news) are delivered, by
      allocation.
  returned: success, or if instances failed
  type: dict
claimed:
  description: For each of O(channels), the thresholds that count as reported once it took the news, by allocation.
  returned: success or if instances failed, but not with O(told)
  type: dict
  sample: {"mail": {"https://atmo.example/johndoe/8e9fb2a3": ["used:50", "used:75"]}}
busy:
  description: Whether another run uses the file, and this one did nothing.
  returned: success, or if instances failed
  type: bool
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
      description: The number of new thresholds.
      type: int
    limits_reached:
      description: Allocations that have reached a limit.
      type: int
    shelved:
      description: The number of shelved instances.
      type: int
    failed:
      description: The number of instances that were not shelved because of a failure.
      type: int
    unrecorded:
      description: Whether the claims of the news could not be stored, so that the next run returns the news again.
      type: bool
      version_added: 1.1.0
    sentence:
      description: The news as a sentence.
      type: str
    note:
      description: The number of new thresholds, in words; empty if there are none.
      type: str
      sample: 2 budget thresholds
    channels:
      description: For each of O(channels), C(news), C(sentence) and C(note) of the news for it.
      type: dict
"""

from ..module_utils._internal.operations.budget_guard import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
