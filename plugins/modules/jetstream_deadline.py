#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_deadline
short_description: Tell the deadlines of instances in time, and shelve at them what may be shelved
version_added: 1.0.0
description:
  - A deadline is a C(shelve_at) or a C(delete_warn_at) of an instance. It is written in a file of YAML by names,
    projects, flavors and owners, as the end of a course is, or on Jetstream2 in the metadata of the instance.
    docs/deadlines.md describes both.
  - Returns each deadline that is less than 7, 3 or 1 days away, or reached, once for each of O(channels). What a
    channel took has to be stored by O(told) and O(channel). If it did not take it, say so by O(delivered=false), and
    the next run returns it again. Without either, it is returned again after half an hour; until then, a run beside
    this one leaves it to this one.
  - At C(shelve_at), it shelves the instance if O(apply) is set, the deadline says C(may_shelve), and every channel took
    a notice O(notice_hours) ago. It does so once. An instance that somebody wakes after that is left alone.
  - C(delete_warn_at) only leads to a notice, with the command that deletes the instance. This module deletes nothing.
  - A date that cannot be read fails the task before anything is done if it is in the file. In the metadata, it is a
    warning, and nothing is done by it.
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
      - Returns what would be told and done now. Stores nothing.
  diff_mode:
    support: full
    details:
      - The diff has the state and the cost of each instance that was shelved, before and after.
  idempotent:
    support: full
    details:
      - A second run shelves nothing that the first one shelved.
options:
  path:
    description:
      - The file with the section C(deadlines), which may be the one that M(jetstream.cloud.jetstream_schedule) reads.
      - Without it, only the metadata of the instances count.
    type: path
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can see.
        Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  apply:
    description: Whether to shelve instances at their deadlines. It needs O(channels).
    type: bool
    default: false
  channels:
    description:
      - The ways in which deadlines are told, by any names, such as V(mail) and V(webhook).
      - Without any, every deadline that is near is returned in each run.
    type: list
    elements: str
    default: []
  notice_hours:
    description:
      - For how many hours every channel has to have been told of the deadline before an instance is shelved, so that
        a date that is wrong, or that was set late, is noticed.
    type: float
    default: 24.0
  max_actions:
    description: Shelve at most this many instances in a run, those first whose deadlines passed first.
    type: int
    default: 10
  never:
    description: Names or globs of instances that are never shelved.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Seconds for the whole run. What was not shelved by then is tried again by the next run.
    type: float
    default: 900.0
  told:
    description:
      - Rows of RV(news) that O(channel) took, or did not (O(delivered)). That is stored, and nothing else is done. No
        request is sent.
    type: list
    elements: dict
  channel:
    description: The channel that took O(told).
    type: str
  delivered:
    description: Whether O(channel) took O(told). V(false) lets the next run tell it.
    type: bool
    default: true
  state_path:
    description:
      - The file on the controller in which it is stored what was told and done, which is created if it is missing. One
        run at a time may use it; another one does nothing.
      - Without it, C(~/.local/state/jetstream/deadlines.json).
    type: path
  keep_path:
    description:
      - The file on the controller with the keep marks that M(jetstream.cloud.jetstream_keep) writes. An instance with
        a mark is shelved when the mark has ended.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  decisions_path:
    description:
      - The folder on the controller with the log of decisions, to which notices, acts and reasons not to act are added.
        M(jetstream.cloud.jetstream_decision_info) reads it.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - Without O(name), O(id) and O(uuid), all instances are selected; those that have no deadline are left alone.
  - Locked instances, those with a keep mark or with C(jetstream_idle=never), and the one that this runs on are left.
seealso:
  - module: jetstream.cloud.jetstream_schedule
  - module: jetstream.cloud.jetstream_keep
  - module: jetstream.cloud.jetstream_instance_state
"""

EXAMPLES = r"""
- name: Return the deadlines of a course
  jetstream.cloud.jetstream_deadline:
    path: "{{ playbook_dir }}/schedules.yml"
  register: outcome

- name: Show them
  jetstream.cloud.jetstream_print:
    msg: "{{ outcome.instances | jetstream.cloud.table(['name', 'step', 'msg']) }}"

- name: Return what was not mailed yet, and shelve what was mailed a day ago
  jetstream.cloud.jetstream_deadline:
    path: "{{ playbook_dir }}/schedules.yml"
    apply: true
    channels: mail
  register: outcome

- name: Mail it
  jetstream.cloud.jetstream_mail:
    sender: teacher@example.edu
    to: teacher@example.edu
    subject: "Deadlines: {{ outcome.summary.sentence }}"
    body: "{{ outcome.news | jetstream.cloud.table(['name', 'heading', 'do']) }}"
  register: sent
  when: outcome.news | length > 0
  failed_when: false

- name: Store whether the mail was sent
  jetstream.cloud.jetstream_deadline:
    told: "{{ outcome.news }}"
    channel: mail
    delivered: "{{ sent.msg is not defined }}"
"""

RETURN = r"""
instances:
  description: The selected instances that have a deadline, or metadata that cannot be read.
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
    shelve_at:
      description: When it is to be shelved. V(null) if it has no such deadline.
      type: dict
      contains:
        at:
          description: The moment. ISO 8601, UTC.
          type: str
          sample: "2026-12-19T04:59:59Z"
        local:
          description: The same on a clock in the time zone of the row.
          type: str
          sample: Fri 2026-12-18 23:59 EST
        days_left:
          description: The days until then, negative after it.
          type: float
          sample: 2.9
        source:
          description: What says so.
          type: str
          sample: the row in line 12
    delete_warn_at:
      description: From when on it may be deleted, as RV(instances[].shelve_at).
      type: dict
    may_shelve:
      description: Whether the deadline allows to shelve it.
      type: bool
    problems:
      description: Clauses about values in its metadata that cannot be read.
      type: list
      elements: str
    step:
      description:
        - What was done about C(shelve_at).
        - V(nothing) if there is none, V(ahead) if it is in the future.
        - V(left) if the deadline does not allow to shelve it, or for one of RV(instances[].vetoes).
        - V(wait) if it was not told for O(notice_hours). V(act) if it was shelved, or would be with O(apply).
        - V(done) if it was shelved at this deadline, or is shelved.
      type: str
    vetoes:
      description:
        - Each reason not to shelve it, as a word in C(veto) and in words in C(reason).
      type: list
      elements: dict
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
    changed:
      description: Whether an action was sent.
      type: bool
    failed:
      description: Whether it could not be shelved. The next run tries again.
      type: bool
    skipped:
      description: Whether it was left as it is on purpose, such as one that was locked meanwhile.
      type: bool
    is_news:
      description: Whether the failure was not reported by an earlier run.
      type: bool
    msg:
      description: What happened, in words.
      type: str
news:
  description: What this run is to tell. O(told) takes these rows.
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
    site:
      description: The UUID of the provider, as the log of decisions has it.
      type: str
    project:
      description: The UUID of the project, as the log of decisions has it.
      type: str
    name:
      description: The name.
      type: str
    label:
      description: The name, in one line that cannot steer a terminal.
      type: str
    owner:
      description: The user that it belongs to.
      type: str
    takes_metadata:
      description: Whether the instance has metadata.
      type: bool
    kind:
      description: V(shelve_at) or V(delete_warn_at).
      type: str
    at:
      description: The deadline. ISO 8601, UTC.
      type: str
    days:
      description: It is less than so many days away, 7, 3 or 1. V(0) if it is reached.
      type: int
    channels:
      description: The channels that are to be told, which were not yet, and are not being told by another run.
      type: list
      elements: str
    heading:
      description: The deadline and what follows from it in words, the same for all instances that share it.
      type: str
    longer_until:
      description: A week after the deadline, or a week from now if it is reached, for the commands.
      type: str
    keep:
      description: The command that keeps it for a week longer.
      type: str
    do:
      description: The command that shelves it, or that deletes it for V(delete_warn_at).
      type: str
summary:
  description: The sums.
  returned: success, or if instances failed, and O(told) is not given
  type: dict
  contains:
    with_deadline:
      description: Rows of RV(instances).
      type: int
    without_deadline:
      description: Selected instances that have no deadline.
      type: int
    shelved:
      description: Instances that were shelved; in check mode, those that would be.
      type: int
    failed:
      description: Instances that could not be shelved.
      type: int
    overdue:
      description: Instances that are left after their C(shelve_at).
      type: int
    unread:
      description: Instances whose metadata cannot be read.
      type: int
    news:
      description: How much there is that is worth a mail.
      type: int
    sentence:
      description: The sums in words.
      type: str
      sample: 3 near or past shelve_at.
busy:
  description: Whether another run used the file, so that this one did nothing.
  returned: success, or if instances failed
  type: bool
state_path:
  description: The file in which it is stored what was told and done.
  returned: success, or if instances failed, and RV(busy) is false
  type: str
"""

from ..module_utils.operations.deadline import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
