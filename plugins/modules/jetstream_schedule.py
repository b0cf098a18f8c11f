#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_schedule
short_description: Start and stop instances by a schedule
version_added: 1.0.0
description:
  - Reads schedules from a YAML file, and carries out the latest edge of each. An edge is a moment at which a schedule
    starts or stops its instances. docs/schedules.md describes the file.
  - An edge is carried out once for each instance. Between two edges, users can start and stop instances. An instance
    that is new in a schedule is not changed until the next edge.
  - A start only affects instances that the schedule itself has turned off, unless the schedule has C(wake) V(all).
  - Run it every few minutes. A run without a due edge sends one request for each page of the list of instances.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.acts
  - jetstream.cloud.identifiers
attributes:
  check_mode:
    support: full
    details:
      - Returns the actions that are due. M(jetstream.cloud.jetstream_schedule_info) returns the coming edges.
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
      - The file with the schedules. Calendar files in it are relative to its folder.
    type: path
    required: true
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are visible.
        Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  wait_timeout:
    description:
      - The timeout of the whole run in seconds. The next run continues with the remaining instances.
    type: float
    default: 900.0
  wake_batch:
    description:
      - The maximum number of instances started at the same time, from 1 to 100. The next ones are started when these
        are ready, or after five minutes.
    type: int
    default: 10
  wake_minutes:
    description:
      - The number of minutes during which a failed start is retried, at most every ten minutes. After that, there are
        no more attempts until the next start.
    type: int
    default: 120
  state_path:
    description:
      - The file on the controller that records the actions on each instance. It is created if it is missing. Only one
        run at a time can use it; a concurrent run does nothing.
      - Without it, C(~/.local/state/jetstream/schedules.json).
    type: path
  keep_path:
    description:
      - The file on the controller with the keep marks of M(jetstream.cloud.jetstream_keep). An instance with a keep
        mark is stopped when the mark ends, if that is before the next start.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  decisions_path:
    description:
      - The folder on the controller with the decision log, to which each completed edge is added.
        M(jetstream.cloud.jetstream_decision_info) reads it.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - Without O(name), O(id) and O(uuid), all instances are selected; those without a schedule are ignored.
  - Locked instances are skipped.
  - Without the file of O(state_path), no instance is changed until its next edge.
seealso:
  - module: jetstream.cloud.jetstream_schedule_info
  - module: jetstream.cloud.jetstream_keep
  - module: jetstream.cloud.jetstream_instance_state
"""

EXAMPLES = r"""
- name: Carry out the schedules of a course
  jetstream.cloud.jetstream_schedule:
    path: "{{ playbook_dir }}/schedules.yml"

- name: Carry them out for all instances of the project, and start twenty at a time
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
      description: The user that owns it.
      type: str
    schedule:
      description: The name of its schedule.
      type: str
    edge:
      description: The latest edge of the schedule, V(null) if there was none yet.
      type: dict
      contains:
        at:
          description: The moment. ISO 8601, UTC.
          type: str
          sample: "2026-11-24T14:00:00Z"
        local:
          description: The same as local time in the time zone of the schedule.
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
      description: The next edge, with the same keys as RV(instances[].edge). V(null) if there is none within 400 days.
      type: dict
    missed:
      description: The missed edges before the latest one, at most the last 20.
      type: list
      elements: dict
    step:
      description:
        - The step for the instance.
        - V(sleep) and V(wake) bring it to the state of the edge.
        - V(nothing) if no edge is due, V(adopt) if it is new to the schedule.
        - V(left) if the edge needs no action, for example because the instance is already off, or was not turned off by
          the schedule.
        - V(kept) if a keep mark postpones the stop. V(later) if it failed a moment ago, and is retried later.
        - V(gave_up) if it failed for O(wake_minutes). V(unread) if its state could not be read.
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
      description: The number of attempts, if the edge is not completed.
      type: int
    changed:
      description: Whether an action was sent.
      type: bool
    failed:
      description: Whether it did not reach the state of the edge.
      type: bool
    skipped:
      description: Whether it was skipped, for example because it is locked.
      type: bool
    cause:
      description: A word for the failure, V(no_host), V(gpu), V(quota), V(allocation), V(locked) or V(other).
      type: str
    is_news:
      description: Whether the failure was not reported by an earlier run.
      type: bool
    msg:
      description: The outcome in words.
      type: str
summary:
  description: The sums.
  returned: success, or if instances failed
  type: dict
  contains:
    following:
      description: The number of instances that follow a schedule.
      type: int
    without_schedule:
      description: The number of selected instances without a schedule.
      type: int
    put_to_sleep:
      description: The number of instances that were turned off.
      type: int
    ready:
      description: The number of started instances that are ready.
      type: int
    kept:
      description: The number of instances whose stop a keep mark postpones.
      type: int
    later:
      description: The number of instances that later runs retry.
      type: int
    failed:
      description: The number of instances that did not reach the state of their edge.
      type: int
    missed:
      description: The maximum number of missed edges of an instance.
      type: int
    news:
      description: Whether there are news that are worth a mail.
      type: bool
    sentence:
      description: The sums as a sentence.
      type: str
      sample: 38 of 40 ready, 2 failed (lab-07, lab-31).
busy:
  description: Whether a concurrent run was carrying out the schedules, so that this run did nothing.
  returned: success, or if instances failed
  type: bool
state_path:
  description: The file that records the actions.
  returned: success, or if instances failed, and RV(busy) is false
  type: str
"""

from ..module_utils._internal.operations.schedule import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
