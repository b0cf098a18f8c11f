#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_night_record
short_description: Plan a run of nightly, and record how it went
version_added: 1.1.0
description:
  - Decides which parts of the playbook C(jetstream.cloud.nightly) run now, and stores that the run began; and at its
    end, says how it went, and stores that. It does what the filters P(jetstream.cloud.night_plan#filter) and
    P(jetstream.cloud.night_report#filter) do, and holds the record meanwhile.
  - So of two runs at once, one has the parts that do not run each time. The other one has them half an hour later, if
    the first one did not end.
  - Needs no connection to a cloud.
requirements:
  - Python 3.11 or newer, on the host that the task runs on
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
attributes:
  check_mode:
    support: full
    details:
      - Returns the same, and stores nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run stores a later time.
options:
  path:
    description: The file on the controller with the record, which is created if it is missing.
    type: path
    required: true
  variables:
    description: The variables of the playbook, to begin a run.
    type: dict
  planned:
    description: RV(plan) of the beginning, to end a run.
    type: dict
  results:
    description: A row for each part that ran, as P(jetstream.cloud.night_report#filter) takes them.
    type: list
    elements: dict
    default: []
  channels:
    description: The channels that were sent the report.
    type: list
    elements: str
    default: []
  deliveries:
    description: For each channel, a dictionary with C(delivered), and C(msg) if not. Without it, all took it.
    type: dict
  ended:
    description:
      - V(false) stores, before the report is sent, which parts it is kept of
        (M(jetstream.cloud.jetstream_delivery)), so that a run that is killed while it sends repeats none of them.
    type: bool
    default: true
  sent:
    description: V(false) if the report was sent to no channel and is not kept, so that the next run makes it again.
    type: bool
    default: true
  problem:
    description:
      - A sentence, if the folder of O(path) must not be used, such as one that is not mounted. No part runs then, and
        the record is in memory.
    type: str
    default: ""
seealso:
  - plugin: jetstream.cloud.night_plan
    plugin_type: filter
  - plugin: jetstream.cloud.night_report
    plugin_type: filter
  - module: jetstream.cloud.jetstream_run_record
"""

EXAMPLES = r"""
- name: Begin a run
  jetstream.cloud.jetstream_night_record:
    path: ~/.local/state/jetstream/course.json
    variables:
      parts: [hygiene]
  register: night

- name: End it
  jetstream.cloud.jetstream_night_record:
    path: ~/.local/state/jetstream/course.json
    planned: "{{ night.plan }}"
    results:
      - {part: hygiene, sentence: Nothing to tidy up., text: "", failure: ""}
"""

RETURN = r"""
plan:
  description: What P(jetstream.cloud.night_plan#filter) returns, but for C(problem). Empty at the end of a run.
  returned: success
  type: dict
report:
  description: What P(jetstream.cloud.night_report#filter) returns. Empty at the beginning of a run.
  returned: success
  type: dict
problem:
  description:
    - A sentence if the record cannot be written, as on a full disk, or an empty text.
    - Another file in the folder of E(XDG_RUNTIME_DIR), in C(/dev/shm) or in C(/tmp) stands for it then, until it can be
      written again. The report has the failure C(the record).
  returned: success
  type: str
  sample: 'The record of nightly, /home/johndoe/.local/state/jetstream/nightly.json, cannot be written: No space left on
    device.'
"""

from ..module_utils._internal.operations.night_record import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
