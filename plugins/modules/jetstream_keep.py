#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_keep
short_description: Mark an instance to be kept although it is idle
version_added: 1.0.0
description:
  - Writes a mark with an end, and a beginning if O(from) is given, or removes it. On Jetstream2 these are the keys
    C(jetstream_keep_until) and C(jetstream_keep_from) in the metadata of the instance, which its owner can also set
    without this collection, and which every controller reads. All other keys stay as they are. On Atmosphere, which has
    no metadata, the mark is in a file on the controller.
  - M(jetstream.cloud.jetstream_idle_info) reads both places. Of marks that hold now, the one that ends later counts. An
    instance has one mark, so a new one replaces the older one in either place, and O(state=absent) removes it from
    both.
  - Nova refuses to change the metadata of an instance that is locked, shelved, or being changed. A mark is written into
    the file then, with a warning.
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
      - Reads the instances and the file, and writes to neither.
  diff_mode:
    support: none
    details:
      - RV(instances) has the new marks.
  idempotent:
    support: partial
    details:
      - With O(until) and O(state=absent), a second run changes nothing. O(hours) without O(from) begin anew with each
        run.
options:
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can see.
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
    description: The hours from now on, or from O(from) on, at most those of a year.
    type: float
  from:
    description:
      - The beginning, before which the mark holds nothing. ISO 8601, in UTC where it names no zone. A date alone is the
        beginning of that day.
      - Without it, the mark holds at once.
      - A mark does not wake an instance that sleeps when it begins.
    type: str
  until:
    description: The end. ISO 8601, in UTC where it names no zone. A date alone is the end of that day.
    type: str
  store:
    description:
      - Where to write the mark, V(metadata) of the instance or V(file) on the controller.
      - Without it, the metadata if the cloud has metadata, else the file.
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
  - An instance has to be named by O(name), O(id) or O(uuid).
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

- name: Keep it for the week of the exam, and treat it as all others until then
  jetstream.cloud.jetstream_keep:
    name: blast-server
    from: "2026-12-14T08:00-05:00"
    until: "2026-12-18T18:00-05:00"

- name: Keep it for a week by the file on this machine alone, so that the instance is not changed
  jetstream.cloud.jetstream_keep:
    name: blast-server
    hours: 168
    store: file

- name: Keep it no longer
  jetstream.cloud.jetstream_keep:
    name: blast-server
    state: absent
"""

RETURN = r"""
instances:
  description: The instances that were selected.
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
      description: The beginning of its mark. V(null) if that has none. ISO 8601, UTC.
      type: str
    until:
      description:
        - The end of its mark. V(null) if there is none, or one that is no time. ISO 8601, UTC.
      type: str
      sample: "2026-11-24T02:57:00Z"
    source:
      description: Where that mark is, V(metadata) or V(file). V(null) if there is none.
      type: str
      sample: metadata
    changed:
      description: Whether its mark is another one than before.
      type: bool
keep_path:
  description: The file with the marks.
  returned: success
  type: str
"""

from ..module_utils.operations.keep import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
