#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_schedule
short_description: Start and stop instances at the hours of a schedule
version_added: 1.0.0
description:
  - Reads schedules from a file of YAML, and carries out the newest edge of each. An edge is a moment at which a
    schedule starts or stops the instances that follow it. docs/schedules.md describes the file.
  - An edge is carried out once for each instance. Between two edges, an instance that somebody started or stopped is
    left alone. An instance that follows a schedule for the first time is left alone until the next edge.
  - A start wakes only what the schedule put to sleep, unless the schedule says C(wake) V(all).
  - Made to run every few minutes. A run without an edge that is due sends one request for each page of the list of
    instances.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
attributes:
  check_mode:
    support: full
    details:
      - Returns what would be done now. M(jetstream.cloud.jetstream_schedule_info) returns the coming edges.
  diff_mode:
    support: none
    details:
      - RV(instances) has the states before and after.
  idempotent:
    support: full
    details:
      - A second run between the same two edges sends no action.
options:
  path:
    description:
      - The file with the schedules. A calendar file that it names is looked for in the same folder.
    type: path
    required: true
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can see.
        Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  wait_timeout:
    description:
      - Seconds for the whole run. What was not begun by then is done by the next run.
    type: float
    default: 900.0
  wake_batch:
    description:
      - Start at most this many instances at once, from 1 to 100. The next ones are started when these are ready, or
        after five minutes.
    type: int
    default: 10
  wake_minutes:
    description:
      - For how many minutes a start that failed is tried again, at most every ten minutes. Then it is given up until
        the next start.
    type: int
    default: 120
  state_path:
    description:
      - The file on the controller in which it is stored what was done to each instance, which is created if it is
        missing. One run at a time may use it; another one does nothing.
      - Without it, C(~/.local/state/jetstream/schedules.json).
    type: path
  keep_path:
    description:
      - The file on the controller with the keep marks that M(jetstream.cloud.jetstream_keep) writes. An instance with
        a mark is stopped when the mark ends, if that is before the next start.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  decisions_path:
    description:
      - The folder on the controller with the log of decisions, to which each edge is added that was carried out, or
        needed nothing. M(jetstream.cloud.jetstream_decision_info) reads it.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - Without O(name), O(id) and O(uuid), all instances are selected; those that follow no schedule are left alone.
  - Locked instances are skipped.
  - Without the file of O(state_path), every instance is left alone until its next edge.
seealso:
  - module: jetstream.cloud.jetstream_schedule_info
  - module: jetstream.cloud.jetstream_keep
  - module: jetstream.cloud.jetstream_instance_state
"""

EXAMPLES = r"""
- name: Carry out the schedules of a course
  jetstream.cloud.jetstream_schedule:
    path: "{{ playbook_dir }}/schedules.yml"

- name: Carry them out for all instances of the project, and start twenty at once
  jetstream.cloud.jetstream_schedule:
    path: "{{ playbook_dir }}/schedules.yml"
    owner: any
    wake_batch: 20
  register: outcome

- name: Show the instances that are not ready
  jetstream.cloud.jetstream_print:
    msg: "{{ outcome.instances | selectattr('failed') | jetstream.cloud.table(['name', 'cause', 'msg']) }}"
"""

RETURN = r"""
instances:
  description: The selected instances that follow a schedule, by number.
  returned: success, or if instances failed
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
    owner:
      description: The user that it belongs to.
      type: str
    schedule:
      description: The name of its schedule.
      type: str
    edge:
      description: The newest edge of the schedule, V(null) if there was none yet.
      type: dict
      contains:
        at:
          description: The moment. ISO 8601, UTC.
          type: str
          sample: "2026-11-24T14:00:00Z"
        local:
          description: The same on a clock in the time zone of the schedule.
          type: str
          sample: Tue 2026-11-24 09:00 EST
        kind:
          description: V(start) or V(stop).
          type: str
        state:
          description: The state that it brings instances to.
          type: str
          sample: shelved
    next:
      description: The next edge, as RV(instances[].edge). V(null) if there is none within 400 days.
      type: dict
    missed:
      description: The edges before the newest one that were not carried out, at most the last 20.
      type: list
      elements: dict
    step:
      description:
        - What was done about it.
        - V(sleep) and V(wake) bring it to the state of the edge.
        - V(nothing) if no edge is due, V(adopt) if it is new to the schedule.
        - V(left) if the edge needs no action, such as for one that sleeps already, or that the schedule did not put to
          sleep.
        - V(kept) if a keep mark puts the stop off. V(later) if it failed a moment ago, and is tried again.
        - V(gave_up) if it was tried for O(wake_minutes). V(unread) if its state could not be read.
      type: str
    before:
      description: Its state at the beginning.
      type: str
    after:
      description: Its state at the end; in check mode, the state that it would have.
      type: str
    actions:
      description: The actions that were sent; in check mode, those that would be.
      type: list
      elements: str
    attempts:
      description: How often the edge was tried for it, if it is not done.
      type: int
    changed:
      description: Whether an action was sent.
      type: bool
    failed:
      description: Whether it is not as the edge wants it.
      type: bool
    skipped:
      description: Whether it was left as it is on purpose, such as one that is locked.
      type: bool
    cause:
      description: A word for the failure, V(no_host), V(gpu), V(quota), V(allocation), V(locked) or V(other).
      type: str
    is_news:
      description: Whether the failure was not reported by an earlier run.
      type: bool
    msg:
      description: What happened, in words.
      type: str
summary:
  description: The sums.
  returned: success, or if instances failed
  type: dict
  contains:
    following:
      description: Instances that follow a schedule.
      type: int
    without_schedule:
      description: Selected instances that follow none.
      type: int
    put_to_sleep:
      description: Instances that were put to sleep.
      type: int
    ready:
      description: Instances that were started, and are ready.
      type: int
    kept:
      description: Instances whose stop a keep mark puts off.
      type: int
    later:
      description: Instances that the next runs try again.
      type: int
    failed:
      description: Instances that are not as their edge wants them.
      type: int
    missed:
      description: The greatest number of missed edges of an instance.
      type: int
    news:
      description: Whether something happened that is worth a mail.
      type: bool
    sentence:
      description: The sums in words.
      type: str
      sample: 38 of 40 ready, 2 failed (lab-07, lab-31).
busy:
  description: Whether another run was carrying out the schedules, so that this one did nothing.
  returned: success, or if instances failed
  type: bool
state_path:
  description: The file in which it is stored what was done.
  returned: success, or if instances failed, and RV(busy) is false
  type: str
"""

from ..module_utils.operations.schedule import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
