#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_run_record
short_description: Record the success of a playbook
version_added: 1.0.0
description:
  - Stores the time of the last success of a playbook. M(jetstream.cloud.jetstream_metrics) writes it for Prometheus,
    for alerts about playbooks without a recent success.
  - Use it as the last task of a playbook, which does not run after a failure. The recurring playbooks of this
    collection have it.
  - If the file cannot be written, the task warns, and does not fail.
  - Needs no connection to a cloud.
requirements:
  - Python 3.11 or newer, on the host of the task
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
attributes:
  check_mode:
    support: full
    details:
      - Stores nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run stores a later time.
options:
  playbook:
    description: The name of the playbook, for the label C(playbook) of the metric.
    type: str
    required: true
  profile:
    description:
      - The saved connection of the run, for the label C(profile) of the metric.
      - Without it, the environment variable C(JETSTREAM_PROFILE), otherwise V(default).
    type: str
  runs_path:
    description:
      - The file on the controller with the times. It is created if it is missing. Playbooks of several profiles can
        share it.
      - Without it, C(~/.local/state/jetstream/runs.json), and no record for a user without a home folder.
    type: path
seealso:
  - module: jetstream.cloud.jetstream_metrics
"""

EXAMPLES = r"""
- name: Stop the instances of a course
  jetstream.cloud.jetstream_instance_state:
    state: stopped
    name: bio101-*

- name: Record the success
  jetstream.cloud.jetstream_run_record:
    playbook: stop_bio101
"""

RETURN = r"""
playbook:
  description: The name of the playbook.
  returned: success
  type: str
profile:
  description: The name of the profile.
  returned: success
  type: str
succeeded:
  description: The recorded time. ISO 8601, UTC. V(null) if there is none.
  returned: success
  type: str
  sample: "2026-11-26T07:15:00Z"
"""

from ..module_utils._internal.operations.run_record import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
