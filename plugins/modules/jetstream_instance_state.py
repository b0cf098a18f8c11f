#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_instance_state
short_description: Keep Jetstream instances in a desired state
version_added: 1.0.0
description:
  - Brings one instance, or a whole selection, to a state, in one task. Instances already in the state are not changed.
  - All instances are listed once, planned for together, acted on in parallel, and waited for together.
  - If some instances fail, the others continue, the task fails at the end, and RV(instances) has them all.
  - Atmosphere releases the floating IP of an instance when it stops, suspends or shelves it, and assigns another one at
    the start. On Jetstream2, an instance keeps its floating IP.
  - The instance that the task itself runs on is skipped, unless O(name), O(id) or O(uuid) has its own name, number or
    UUID. It would end the task, and could not start itself again.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
  - jetstream.cloud.instance_filters
  - jetstream.cloud.wait
attributes:
  idempotent:
    support: partial
    details:
      - O(state=rebooted) reboots at every run. With all other states, a second run changes nothing.
options:
  state:
    description:
      - V(started) is running and ready. Shut off instances are started, suspended ones resumed, shelved ones unshelved.
      - V(stopped) is shut off. Costs half of the service units of a running instance.
      - V(suspended) is stopped with its memory kept. Costs three quarters.
      - V(shelved) is stored on disk. Costs nothing, and takes minutes to start.
      - V(rebooted) is running again after a reboot. Reboots at every run.
      - If an instance is in transition, the task first waits for the end of the transition.
    type: str
    required: true
    choices:
      - started
      - stopped
      - suspended
      - shelved
      - rebooted
  all:
    description:
      - Whether to select every instance of O(owner). A task without any selection fails.
    type: bool
    default: false
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are visible.
        Other values are names or globs of users.
      - In a shared project, an account sees the instances of other users, and can change them. They are not selected,
        and are counted in RV(summary.others). A task that names one of them fails unless O(owner) includes its owner.
      - On Jetstream2 an account cannot read the names of other users. Their IDs are used instead.
    type: list
    elements: str
    default:
      - me
  allow_wake:
    description:
      - Whether a suspended, shut-off, paused or shelved instance may be started on the way to O(state), which costs
        service units.
      - Without it, O(state=stopped) and O(state=suspended) skip instances that are already suspended, shut off or
        shelved, and O(state=rebooted) skips all of them.
    type: bool
    default: false
  include_locked:
    description:
      - Whether to change locked instances as well. Their owners locked them to prevent changes.
      - Only Jetstream2 has locks. Instances that the site has locked are still refused.
    type: bool
    default: false
  max_changes:
    description:
      - The maximum number of changed instances. If more need a change, no instance is changed, and the task fails.
    type: int
  only_put_to_sleep:
    description:
      - With O(state=started), whether to start only those of the selected instances that an earlier run of this module
        on this machine has stopped, suspended or shelved, and that nobody has woken since. Others, which may have been
        shelved for months, are not selected.
      - Whether it was woken, by hand or by another playbook, is read from the history of the cloud. If that cannot be
        read, the task fails, and starts nothing.
      - Their record is C(~/.local/state/jetstream/put_to_sleep.json).
    type: bool
    default: false
  reboot_type:
    description:
      - The kind of reboot for O(state=rebooted). V(soft) asks the operating system, V(hard) turns the power off and on.
    type: str
    choices:
      - soft
      - hard
    default: soft
seealso:
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Stop everything except the web server and the instances of the night batch
  jetstream.cloud.jetstream_instance_state:
    state: stopped
    all: true
    exclude:
      - web
      - batch-*

- name: Start the instances of a course on Monday morning
  jetstream.cloud.jetstream_instance_state:
    state: started
    name: bio101-*
    wait_timeout: 1800

- name: Shelve the instances that are shut off, since these still cost half
  jetstream.cloud.jetstream_instance_state:
    state: shelved
    status: shutoff

- name: Stop one instance by the number that the web page shows
  jetstream.cloud.jetstream_instance_state:
    state: stopped
    id: 21752

- name: Suspend at most ten instances of a project, also those that have to be started first
  jetstream.cloud.jetstream_instance_state:
    state: suspended
    project: Geo Project
    allow_wake: true
    max_changes: 10

- name: Start in the morning the instances that were stopped in the evening
  jetstream.cloud.jetstream_instance_state:
    state: started
    all: true
    only_put_to_sleep: true

- name: Stop every instance of a shared project, with any owner
  jetstream.cloud.jetstream_instance_state:
    state: stopped
    project: Geo Project
    owner: any

- name: Turn a hung instance off and on
  jetstream.cloud.jetstream_instance_state:
    state: rebooted
    reboot_type: hard
    name: gpu-node
"""

RETURN = r"""
instances:
  description:
    - Every selected instance by number, including failed ones.
  returned: when the instances could be listed
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 21752
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
      sample: geo-node-01
    owner:
      description: The user that owns it.
      type: str
      sample: johndoe
    before:
      description: State and activity before.
      type: str
      sample: active
    after:
      description: The state and activity last observed. In check mode, the expected ones.
      type: str
      sample: shutoff
    actions:
      description: The accepted actions in order. In check mode, the expected ones.
      type: list
      elements: str
      sample: [stop]
    changed:
      description: Whether the cloud accepted a change.
      type: bool
    failed:
      description: Whether it did not reach the state.
      type: bool
    skipped:
      description:
        - Whether it was skipped, since it is suspended, shut off or shelved without O(allow_wake), or locked without
          O(include_locked).
      type: bool
    unclear:
      description:
        - Whether the response to an action was lost, and its outcome is unknown. Then RV(instances[].changed) is
          V(true), and RV(instances[].actions) has the action.
      type: bool
    msg:
      description: The outcome in words.
      type: str
      sample: stop done
    elapsed:
      description: Seconds until this instance had reached the state or failed.
      type: float
      sample: 12.3
summary:
  description: The numbers of instances.
  returned: when the instances could be listed
  type: dict
  contains:
    selected:
      description: The number of selected instances.
      type: int
    changed:
      description: The number of changed instances.
      type: int
    unchanged:
      description: The number of instances already in the state.
      type: int
    skipped:
      description: The number of skipped instances.
      type: int
    failed:
      description: The number of failed instances.
      type: int
    others:
      description: The number of instances that only O(owner) excluded from the selection.
      type: int
"""

from ..module_utils._internal.operations.instance_state import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
