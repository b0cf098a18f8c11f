#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_decision_info
short_description: Return what was decided about instances, when, by which rule, and on which numbers
version_added: 1.0.0
description:
  - Reads the log that M(jetstream.cloud.jetstream_idle), M(jetstream.cloud.jetstream_schedule) and
    M(jetstream.cloud.jetstream_budget_guard) write on the controller. Needs no connection to a cloud.
  - Decisions in a row that say the same are returned as one, with their number.
requirements:
  - Python 3.11 or newer, on the host that the task runs on
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
options:
  name:
    description: Names, globs or UUIDs of instances. Without it, all.
    type: list
    elements: str
  days:
    description: How far back, in days.
    type: float
    default: 30.0
  limit:
    description: How many entries at most, the latest.
    type: int
    default: 100
  decisions_path:
    description:
      - The folder on the controller for the log of decisions and the notices.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - The log is bounded. Decisions are kept in four files of 8 MB, which is about three weeks of 25 instances; notices
    and acts in two files of 4 MB. Lines that are no records are left out, with a warning.
seealso:
  - module: jetstream.cloud.jetstream_idle
  - module: jetstream.cloud.jetstream_schedule
  - module: jetstream.cloud.jetstream_budget_guard
"""

EXAMPLES = r"""
- name: Read why an instance was put away
  jetstream.cloud.jetstream_decision_info:
    name: blast-server
  register: told

- name: Show it
  jetstream.cloud.jetstream_print:
    msg: "{{ told.decisions | map(attribute='sentence') }}"

- name: Read what was saved in a week
  jetstream.cloud.jetstream_decision_info:
    days: 7
  register: week
"""

RETURN = r"""
unknown:
  description: A sentence for each of O(name) that the whole log has no decision about, with the nearest name.
  returned: success
  type: list
  elements: str
  sample: ["The log has no decision about wbe. Did you mean web?"]
decisions:
  description: Decisions and events, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    at:
      description: When. ISO 8601, UTC.
      type: str
    until:
      description: The last of several decisions in a row that say the same. ISO 8601, UTC.
      type: str
    count:
      description: How many they are.
      type: int
    event:
      description:
        - V(decided); V(notified) and V(undelivered), of a notice; V(begun), V(done), V(failed), V(unclear) and
          V(undone), of an act; V(woken); V(scheduled), of an edge of a schedule.
      type: str
    sentence:
      description: It in words.
      type: str
      sample: "web was shelved: shelve done. That saves 2 SU an hour."
    site:
      description: The site of the instance.
      type: str
    project:
      description: Its project.
      type: str
    uuid:
      description: Its UUID.
      type: str
    name:
      description: Its name.
      type: str
    policy:
      description:
        - V(idle), with its sweep of what is shut off; V(schedule); or V(budget).
      type: str
    owner:
      description: The user that it belongs to.
      type: str
    status:
      description: Its state, in the cloud's own word.
      type: str
    verdict:
      description: V(active), V(idle) or V(unknown).
      type: str
    since:
      description: Since when it was idle, or the last use that was known. ISO 8601, UTC.
      type: str
    since_is_known:
      description: Whether the evidence showed the use that ended at RV(decisions[].since). If V(false), it began there.
      type: bool
    rule:
      description:
        - The rule that found use, or one word for why nothing was known. Of V(budget) the name of the allocation, of
          V(schedule) that of the schedule.
      type: str
    reason:
      description: The verdict in words. Of V(budget), why the allocation is at its limit.
      type: str
    numbers:
      description:
        - The greatest figure of each kind in the window, without zeros. Of V(budget), the figures of the allocation.
      type: dict
    findings:
      description: Signs of use, the latest first, at most five.
      type: list
      elements: str
    losses:
      description: What was there although nothing happened.
      type: list
      elements: str
    step:
      description: V(nothing), V(warn), V(wait), V(read) or V(act). Empty for events.
      type: str
    action:
      description: V(shelve), V(stop), V(suspend), or empty.
      type: str
    why:
      description: The step in words.
      type: str
    vetoes:
      description: Every reason to do nothing, as M(jetstream.cloud.jetstream_idle) returns them.
      type: list
      elements: dict
      contains:
        veto:
          description: The reason in one word.
          type: str
        reason:
          description: The reason in words.
          type: str
    due:
      description: From when on it could be put away. ISO 8601, UTC.
      type: str
    applies:
      description: Whether it counted, or was only said.
      type: bool
    su_per_hour:
      description: What it cost in an hour.
      type: float
    saves_su_per_hour:
      description: What the action saves in an hour.
      type: float
    to:
      description: The recipients of a notice.
      type: list
      elements: str
    detail:
      description: The outcome of an act or of a delivery, in words.
      type: str
instances:
  description: The names of the instances in it.
  returned: success
  type: list
  elements: str
rests:
  description: How long idle instances slept after an act of V(idle), as far as the log shows it.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The UUID of the instance.
      type: str
    name:
      description: Its name.
      type: str
    action:
      description: The act.
      type: str
    start:
      description: When the act was done. ISO 8601, UTC.
      type: str
    end:
      description: When a run last saw it asleep. No more is claimed. ISO 8601, UTC.
      type: str
    saves_su_per_hour:
      description: What that saves in an hour. V(null) if the flavor has no known rate.
      type: float
    saved_su:
      description: What it saved in O(days).
      type: float
summary:
  description: The number of entries of each event, and the sum of what was saved.
  returned: success
  type: dict
  contains:
    saved_su:
      description: What was saved in O(days), in SU.
      type: float
"""

from ..module_utils.operations.decision_info import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
