#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_schedule_info
short_description: Return the coming edges of schedules, and their instances
version_added: 1.0.0
description:
  - Reads the file of schedules that M(jetstream.cloud.jetstream_schedule) carries out, and returns the edges of the
    coming days with their instances.
  - Fails for an invalid file, with the line of the mistake.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
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
  days:
    description: The number of coming days, from 1 to 400.
    type: int
    default: 7
seealso:
  - module: jetstream.cloud.jetstream_schedule
"""

EXAMPLES = r"""
- name: Read the coming week
  jetstream.cloud.jetstream_schedule_info:
    path: "{{ playbook_dir }}/schedules.yml"
  register: week

- name: Show the output
  jetstream.cloud.jetstream_print:
    msg: "{{ week.edges | jetstream.cloud.table(['local', 'schedule', 'state', 'instances']) }}"

- name: Read a whole term
  jetstream.cloud.jetstream_schedule_info:
    path: "{{ playbook_dir }}/schedules.yml"
    days: 120
  register: term

- name: Write it as a calendar
  ansible.builtin.copy:
    content: "{{ term.calendar }}"
    dest: ~/term.ics
    mode: "0644"
"""

RETURN = r"""
edges:
  description: The edges of all schedules, in order.
  returned: success
  type: list
  elements: dict
  contains:
    schedule:
      description: The name of the schedule.
      type: str
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
    instances:
      description: The names of the instances that follow the schedule now.
      type: list
      elements: str
instances:
  description: The selected instances, by number.
  returned: success
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
      description: The name of its schedule, V(null) if it follows none.
      type: str
    source:
      description: The rule or the metadata that assigns the schedule.
      type: str
      sample: the rule in line 11
calendar:
  description: The same edges as an iCalendar file, in which a start and the next stop are one event.
  returned: success
  type: str
"""

from ..module_utils._internal.operations.schedule_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
