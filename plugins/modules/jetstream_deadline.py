#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_deadline
short_description: Report deadlines of instances in time, and shelve instances at their deadlines
version_added: 1.0.0
description:
  - A deadline is a C(shelve_at) or a C(delete_warn_at) of an instance. It is set in a YAML file by names, projects,
    flavors and owners (such as the end of a course), or on Jetstream2 in the metadata of the instance.
    docs/deadlines.md describes both.
  - Returns each deadline that is less than 7, 3 or 1 days away, or reached, once for each of O(channels). Record
    deliveries with O(told) and O(channel). After a failure, set O(delivered=false), and the next run returns the
    deadline again. Without a record, it is returned again after half an hour; until then, concurrent runs do not return
    it.
  - At C(shelve_at), it shelves the instance once, if O(apply) is set, the deadline has C(may_shelve), and every channel
    has delivered a notice at least O(notice_hours) before. An instance that is started after that is not shelved again.
  - C(delete_warn_at) only leads to a notice, with the command that deletes the instance. This module deletes nothing.
  - An invalid date in the file fails the task before any action. An invalid date in the metadata is a warning, and has
    no effect.
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
      - Returns the notices and actions that are due. Stores nothing.
  diff_mode:
    support: full
    details:
      - The diff has the state and the cost of each instance that was shelved, before and after.
  idempotent:
    support: full
    details:
      - A second run does not shelve an instance again.
options:
  path:
    description:
      - The file with the section C(deadlines). It may be the file that M(jetstream.cloud.jetstream_schedule) reads.
      - Without it, only deadlines in metadata count.
    type: path
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are visible.
        Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  apply:
    description: Whether to shelve instances at their deadlines. Requires O(channels).
    type: bool
    default: false
  channels:
    description:
      - The channels for notices of deadlines, with names of your choice, such as V(mail) and V(webhook).
      - Without it, every run returns all near deadlines.
    type: list
    elements: str
    default: []
  notice_hours:
    description:
      - The minimum number of hours between the last notice through each channel and the shelving, so that a wrong or
        late date is noticed.
    type: float
    default: 24.0
  max_actions:
    description: The maximum number of instances shelved in one run. Those with the earliest deadlines come first.
    type: int
    default: 10
  never:
    description:
      - Names, globs, numbers or UUIDs of instances that are never shelved.
      - A name that no instance has is refused, since a mistyped one would protect none. A glob that none fits is a
        warning.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: The timeout of the whole run in seconds. The next run continues with the remaining instances.
    type: float
    default: 900.0
  told:
    description:
      - Rows of RV(news) that O(channel) has delivered, or not (O(delivered)). With it, the task only records that, and
        sends no request.
    type: list
    elements: dict
  channel:
    description: The channel of O(told).
    type: str
  delivered:
    description: Whether O(channel) delivered O(told). V(false) makes the next run return it again.
    type: bool
    default: true
  state_path:
    description:
      - The file on the controller that records notices and actions. It is created if it is missing. Only one run at a
        time can use it; a concurrent run does nothing.
      - Without it, C(~/.local/state/jetstream/deadlines.json).
    type: path
  keep_path:
    description:
      - The file on the controller with the keep marks of M(jetstream.cloud.jetstream_keep). An instance with a keep
        mark is shelved after the mark has ended.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  decisions_path:
    description:
      - The folder on the controller with the decision log, to which notices, actions and vetoes are added.
        M(jetstream.cloud.jetstream_decision_info) reads it.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - Without O(name), O(id) and O(uuid), all instances are selected; those without a deadline are ignored.
  - Skips locked instances, those with a keep mark or C(jetstream_idle=never), and the instance that runs the task.
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

- name: Return the deadlines to mail, and shelve instances whose notice was mailed a day ago
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

- name: Record whether the mail was sent
  jetstream.cloud.jetstream_deadline:
    told: "{{ outcome.news }}"
    channel: mail
    delivered: "{{ sent.msg is not defined }}"
"""

RETURN = r"""
instances:
  description: The selected instances that have a deadline, or unreadable metadata.
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
    shelve_at:
      description: The time at which it is to be shelved. V(null) if it has no such deadline.
      type: dict
      contains:
        at:
          description: The moment. ISO 8601, UTC.
          type: str
          sample: "2026-12-19T04:59:59Z"
        local:
          description: The same as local time in the time zone of the row.
          type: str
          sample: Fri 2026-12-18 23:59 EST
        days_left:
          description: The days until then, negative after it.
          type: float
          sample: 2.9
        source:
          description: The source of the deadline.
          type: str
          sample: the row in line 12
    delete_warn_at:
      description: The time from which it may be deleted, with the same keys as RV(instances[].shelve_at).
      type: dict
    may_shelve:
      description: Whether the deadline allows shelving it.
      type: bool
    problems:
      description: Descriptions of invalid values in its metadata.
      type: list
      elements: str
    step:
      description:
        - The step for C(shelve_at).
        - V(nothing) if there is none, V(ahead) if it is in the future.
        - V(left) if the deadline does not allow shelving it, or because of RV(instances[].vetoes).
        - V(wait) if its notice is younger than O(notice_hours). V(act) if it was shelved, or would be with O(apply).
        - V(done) if it was shelved at this deadline, or is shelved.
      type: str
    vetoes:
      description:
        - The reasons not to shelve it, each with an identifier in C(veto) and a description in C(reason).
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
      description: Whether it was skipped, for example because it was locked meanwhile.
      type: bool
    is_news:
      description: Whether the failure was not reported by an earlier run.
      type: bool
    msg:
      description: The outcome in words.
      type: str
news:
  description: The deadlines to report. O(told) accepts these rows.
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
      description: The UUID of the provider, as in the decision log.
      type: str
    project:
      description: The UUID of the project, as in the decision log.
      type: str
    name:
      description: The name.
      type: str
    label:
      description: The name in one line, without control characters.
      type: str
    owner:
      description: The user that owns it.
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
      description: The nearest limit in days, V(7), V(3) or V(1), or V(0) if it is reached.
      type: int
    channels:
      description: The channels that need a notice, and are not served by a concurrent run.
      type: list
      elements: str
    heading:
      description: The deadline and its consequence in words, the same for all instances that share it.
      type: str
    longer_until:
      description: A week after the deadline, or a week from now if it is reached, for the commands.
      type: str
    keep:
      description: The command that keeps it for another week.
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
      description: The number of instances that were not shelved after their C(shelve_at).
      type: int
    unread:
      description: The number of instances with unreadable metadata.
      type: int
    news:
      description: The number of news that are worth a mail.
      type: int
    sentence:
      description: The sums as a sentence.
      type: str
      sample: 3 near or past shelve_at.
busy:
  description: Whether a concurrent run used the file, so that this run did nothing.
  returned: success, or if instances failed
  type: bool
state_path:
  description: The file that records notices and actions.
  returned: success, or if instances failed, and RV(busy) is false
  type: str
"""

from ..module_utils._internal.operations.deadline import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
