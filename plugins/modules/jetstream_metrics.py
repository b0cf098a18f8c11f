#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_metrics
short_description: Write the figures of an account for Prometheus
version_added: 1.0.0
description:
  - Writes a file for the textfile collector of node_exporter, with the SU of each allocation, how fast they are used
    and how long they last, the number of instances by state, how many of the running ones are idle, the time and the
    success of the run, and when each playbook last succeeded. docs/metrics.md has all of them.
  - The file is replaced whole, and others can read it (mode 0644). If something cannot be read, it has only the time of
    the run, that it failed, and when each playbook last succeeded, so that no old figure looks like a present one. Then
    the task fails.
  - Figures that are not known are left out.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
  - jetstream.cloud.idle_files
attributes:
  check_mode:
    support: full
    details:
      - Reads the figures, and writes nothing.
  diff_mode:
    support: none
    details:
      - RV(metrics) has the figures.
  idempotent:
    support: none
    details:
      - The file has the time of the run, so that each run changes it.
options:
  dest:
    description:
      - The file to write. Its name has to end in C(.prom), and its folder has to exist, which is the one that
        node_exporter was given as C(--collector.textfile.directory).
      - Each profile needs a file of its own.
    type: path
    required: true
  owner:
    description:
      - Only instances of these owners are counted. V(me) is the account itself, V(any) is every user whose instances it
        can see. Other values are names or globs of users.
      - The figures of an allocation are those of all instances that it pays for.
    type: list
    elements: str
    default:
      - me
  settings:
    description:
      - Settings of the rules by which instances are idle, as for M(jetstream.cloud.jetstream_idle_info).
    type: dict
  runs_path:
    description:
      - The file on the controller in which M(jetstream.cloud.jetstream_run_record) stores when each playbook last
        succeeded.
      - Without it, C(~/.local/state/jetstream/runs.json).
    type: path
seealso:
  - module: jetstream.cloud.jetstream_run_record
  - module: jetstream.cloud.jetstream_allocation_info
  - module: jetstream.cloud.jetstream_idle_info
"""

EXAMPLES = r"""
- name: Write the figures for node_exporter
  jetstream.cloud.jetstream_metrics:
    dest: /var/lib/prometheus/node-exporter/jetstream.prom

- name: Write those of the profile of a course
  jetstream.cloud.jetstream_metrics:
    profile: course
    dest: /var/lib/prometheus/node-exporter/jetstream_course.prom
"""

RETURN = r"""
dest:
  description: The file.
  returned: success
  type: str
  sample: /var/lib/prometheus/node-exporter/jetstream.prom
metrics:
  description: The figures.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the metric.
      type: str
      sample: jetstream_allocation_remaining_su
    labels:
      description: Its labels.
      type: dict
      sample: {"profile": "default", "allocation": "TG-GEO160014", "allocation_id": "2f1b"}
    value:
      description: Its value.
      type: float
      sample: 900.0
"""

from ..module_utils.operations.metrics import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
