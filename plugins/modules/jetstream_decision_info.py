#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_decision_info
short_description: Return the decisions about instances, with time, rule and numbers
version_added: 1.0.0
description:
  - Reads the log that M(jetstream.cloud.jetstream_idle), M(jetstream.cloud.jetstream_schedule) and
    M(jetstream.cloud.jetstream_budget_guard) write on the controller. Needs no connection to a cloud.
  - Consecutive equal decisions are returned as one, with their number.
requirements:
  - Python 3.11 or newer, on the host of the task
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
    description: The number of days to return.
    type: float
    default: 30.0
  limit:
    description: The maximum number of entries, latest first.
    type: int
    default: 100
  decisions_path:
    description:
      - The folder on the controller for the decision log and the notices.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - The size of the log is limited. Decisions are kept in four files of 8 MB (about three weeks of 25 instances);
    notices and actions in two files of 4 MB. Invalid lines are skipped with a warning.
seealso:
  - module: jetstream.cloud.jetstream_idle
  - module: jetstream.cloud.jetstream_schedule
  - module: jetstream.cloud.jetstream_budget_guard
"""

EXAMPLES = r"""
- name: Read why an instance was shelved
  jetstream.cloud.jetstream_decision_info:
    name: blast-server
  register: told

- name: Show the output
  jetstream.cloud.jetstream_print:
    msg: "{{ told.decisions | map(attribute='sentence') }}"

- name: Read the saved service units in a week
  jetstream.cloud.jetstream_decision_info:
    days: 7
  register: week
"""

RETURN = r"""
unknown:
  description: A sentence for each of O(name) that does not occur in the whole log, with the nearest name.
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
      description: The time of the last of several equal decisions. ISO 8601, UTC.
      type: str
    count:
      description: The number of these decisions.
      type: int
    event:
      description:
        - V(decided); V(notified) and V(undelivered) for a notice; V(begun), V(done), V(failed), V(unclear) and
          V(undone) for an action; V(woken); V(scheduled) for an edge of a schedule.
      type: str
    sentence:
      description: The threshold as a sentence.
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
        - V(idle), including its sweep of shut-off instances; V(schedule); or V(budget).
      type: str
    owner:
      description: The user that owns it.
      type: str
    status:
      description: Its state, in the cloud's own word.
      type: str
    verdict:
      description: V(active), V(idle) or V(unknown).
      type: str
    since:
      description: The start of the idle time, or the last known use. ISO 8601, UTC.
      type: str
    since_is_known:
      description: Whether the evidence shows the use that ended at RV(decisions[].since). If V(false), the evidence
        begins there.
      type: bool
    rule:
      description:
        - The rule that found use, or one word for the reason why the use is unknown. For V(budget) the name of the
          allocation, for V(schedule) that of the schedule.
      type: str
    reason:
      description: The verdict in words. For V(budget), the reason why the allocation is at its limit.
      type: str
    numbers:
      description:
        - The maximum of each number in the window, without zeros. For V(budget), the figures of the allocation.
      type: dict
    findings:
      description: Signs of use, latest first, at most five.
      type: list
      elements: str
    losses:
      description: Programs that were running although nothing happened.
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
      description: The reasons to do nothing, as M(jetstream.cloud.jetstream_idle) returns them.
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
      description: The earliest time of the action. ISO 8601, UTC.
      type: str
    applies:
      description: Whether it was carried out, not only reported.
      type: bool
    su_per_hour:
      description: Its cost in SU per hour.
      type: float
    saves_su_per_hour:
      description: The savings of the action in SU per hour.
      type: float
    to:
      description: The recipients of a notice.
      type: list
      elements: str
    detail:
      description: The outcome of an action or of a delivery, in words.
      type: str
instances:
  description: The names of the instances in it.
  returned: success
  type: list
  elements: str
rests:
  description: The times for which idle instances were off after an action of V(idle), as far as the log shows them.
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
      description: The action.
      type: str
    start:
      description: The time of the action. ISO 8601, UTC.
      type: str
    end:
      description: The last time that a run saw it off. Later time does not count. ISO 8601, UTC.
      type: str
    saves_su_per_hour:
      description: The savings in SU per hour. V(null) if the flavor has no known rate.
      type: float
    saved_su:
      description: The SU saved in O(days).
      type: float
summary:
  description: The number of entries of each event, and the sum of the savings.
  returned: success
  type: dict
  contains:
    saved_su:
      description: The SU saved in O(days).
      type: float
"""

from ..module_utils._internal.operations.decision_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
