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
  - Brings one instance, or a whole selection of them, to a state, in one task. What is there already is left as it is.
  - All instances are listed once, planned for together, acted on in parallel, and waited for together.
  - When some instances fail, the others go on, the task fails at the end, and RV(instances) has them all.
  - Atmosphere takes an instance's floating IP away when it stops, suspends or shelves it, and a start gives it another.
    On Jetstream2, an instance keeps its floating IP.
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
      - O(state=rebooted) reboots at every run. All other states change nothing when run again.
options:
  state:
    description:
      - V(started) is running and ready. Shut off instances are started, suspended ones resumed, shelved ones unshelved.
      - V(stopped) is shut off. Costs half of the service units of a running instance.
      - V(suspended) is asleep in memory. Costs three quarters.
      - V(shelved) is put away on disk. Costs nothing, and takes minutes to come back from.
      - V(rebooted) is running again after a reboot. Reboots at every run.
      - An instance that is between two states is waited for, then brought on.
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
      - Must be V(true) to mean every instance of O(owner). A task that selects nothing fails.
    type: bool
    default: false
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can see.
        Other values are names or globs of users.
      - Where a project is shared, an account sees the instances of other users, and can change them. They are left
        alone, and counted in RV(summary.others). A task that names one of them is refused without its owner.
      - On Jetstream2 an account cannot read the names of other users. Their IDs are used instead.
    type: list
    elements: str
    default:
      - me
  allow_wake:
    description:
      - Whether an instance that sleeps in another way may be started on the way to O(state), which costs service units.
      - Without it, O(state=stopped) and O(state=suspended) leave an instance alone that is suspended, shut off or
        shelved already, O(state=rebooted) skips every sleeping one.
    type: bool
    default: false
  include_locked:
    description:
      - Whether to change locked instances, too. Their owners locked them to keep them as they are.
      - Only Jetstream2 has locks. What the site itself has locked stays refused.
    type: bool
    default: false
  max_changes:
    description:
      - Change no more instances than this. If more would be, none is, and the task fails.
    type: int
  only_put_to_sleep:
    description:
      - With O(state=started), start only those of the selected instances that an earlier run of this module on this
        machine has put to sleep, and that no run has seen awake since. Others, which may have been shelved for
        months, are left out.
      - They are stored in C(~/.local/state/jetstream/put_to_sleep.json).
    type: bool
    default: false
  reboot_type:
    description:
      - How O(state=rebooted) reboots. V(soft) lets the operating system do it, V(hard) turns the power off and on.
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

- name: Have a course's instances running on Monday morning
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

- name: Suspend a project's instances, also those that would have to be woken first, but ten at the most
  jetstream.cloud.jetstream_instance_state:
    state: suspended
    project: Geo Project
    allow_wake: true
    max_changes: 10

- name: Start in the morning what was stopped in the evening
  jetstream.cloud.jetstream_instance_state:
    state: started
    all: true
    only_put_to_sleep: true

- name: Stop every instance of a shared project, whoever owns it
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
    - Every selected instance, by number, also when some have failed.
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
      description: The user that it belongs to.
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
      description: The actions that the cloud accepted, in order. In check mode, those that would be sent.
      type: list
      elements: str
      sample: [stop]
    changed:
      description: Whether the cloud accepted anything.
      type: bool
    failed:
      description: Whether it is not where it should be.
      type: bool
    skipped:
      description:
        - Whether it was left as it is on purpose, asleep in another state without O(allow_wake), or locked without
          O(include_locked).
      type: bool
    unclear:
      description:
        - Whether an action was sent whose response was lost, and of which it is not known if the cloud carried it out.
          Then RV(instances[].changed) is V(true), and RV(instances[].actions) has the action.
      type: bool
    msg:
      description: What happened, in words.
      type: str
      sample: stop done
    elapsed:
      description: Seconds until this instance had reached the state or failed.
      type: float
      sample: 12.3
summary:
  description: The same in numbers.
  returned: when the instances could be listed
  type: dict
  contains:
    selected:
      description: The number of selected instances.
      type: int
    changed:
      description: How many were changed.
      type: int
    unchanged:
      description: How many were where they should be.
      type: int
    skipped:
      description: How many were skipped.
      type: int
    failed:
      description: How many failed.
      type: int
    others:
      description: How many more were selected but for O(owner), and so were left alone.
      type: int
"""

from ..module_utils.operations.instance_state import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
