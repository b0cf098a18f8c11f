#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_keep
short_description: Set or remove the keep mark of an instance
version_added: 1.0.0
description:
  - Sets a mark with an end, and a start if O(from) is set, or removes it. While the mark lasts, the modules for idle
    instances, schedules, deadlines and budgets leave the instance running. On Jetstream2, it consists of the keys
    C(jetstream_keep_until) and C(jetstream_keep_from) in the metadata of the instance, which its owner can also set
    without this collection, and which every controller reads. Other keys are not changed. On Atmosphere, which has no
    metadata, the mark is in a file on the controller.
  - M(jetstream.cloud.jetstream_idle_info) reads both places. If both marks are valid, the later end counts. A new mark
    replaces the old one in both places, and O(state=absent) removes it from both.
  - Nova refuses to change the metadata of an instance that is locked, shelved, or being changed. Then the mark is
    written to the file, with a warning.
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
      - Reads the instances and the file, and changes neither.
  diff_mode:
    support: none
    details:
      - RV(instances) has the new marks.
  idempotent:
    support: partial
    details:
      - With O(until) and O(state=absent), a second run changes nothing. O(hours) without O(from) starts again with each
        run.
options:
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are visible.
        Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  state:
    description: V(present) sets or replaces the mark, V(absent) removes it.
    type: str
    choices:
      - present
      - absent
    default: present
  hours:
    description: The duration in hours from now or from O(from), at most a year.
    type: float
  from:
    description:
      - The start of the mark. ISO 8601, in UTC without a zone. A date means the beginning of that day.
      - Without it, the mark is valid immediately.
      - A mark does not start an instance.
    type: str
  until:
    description: The end of the mark. ISO 8601, in UTC without a zone. A date means the end of that day.
    type: str
  store:
    description:
      - The place of the mark, V(metadata) of the instance or V(file) on the controller.
      - Without it, the metadata if the cloud has them, otherwise the file.
    type: str
    choices:
      - metadata
      - file
  keep_path:
    description:
      - The file on the controller, which is created if it is missing. Marks that have ended are removed from it.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
notes:
  - One of O(name), O(id) and O(uuid) is required.
seealso:
  - module: jetstream.cloud.jetstream_idle_info
"""

EXAMPLES = r"""
- name: Keep an instance for the night
  jetstream.cloud.jetstream_keep:
    name: blast-server
    hours: 12

- name: Keep the machines of a course until the exam
  jetstream.cloud.jetstream_keep:
    name: bio101-*
    owner: any
    until: "2026-12-18T18:00-05:00"

- name: Keep it in the week of the exam
  jetstream.cloud.jetstream_keep:
    name: blast-server
    from: "2026-12-14T08:00-05:00"
    until: "2026-12-18T18:00-05:00"

- name: Keep it for a week by the file on this machine, without changing the instance
  jetstream.cloud.jetstream_keep:
    name: blast-server
    hours: 168
    store: file

- name: Remove the mark
  jetstream.cloud.jetstream_keep:
    name: blast-server
    state: absent
"""

RETURN = r"""
instances:
  description: The selected instances.
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
    from:
      description: The start of its mark. V(null) if it has none. ISO 8601, UTC.
      type: str
    until:
      description:
        - The end of its mark. V(null) without a mark, or with an invalid one. ISO 8601, UTC.
      type: str
      sample: "2026-11-24T02:57:00Z"
    source:
      description: The place of the mark, V(metadata) or V(file). V(null) if there is none.
      type: str
      sample: metadata
    changed:
      description: Whether its mark was changed.
      type: bool
keep_path:
  description: The file with the marks.
  returned: success
  type: str
"""

from ..module_utils._internal.operations.keep import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
