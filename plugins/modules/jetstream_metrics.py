#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_metrics
short_description: Write metrics of an account for Prometheus
version_added: 1.0.0
description:
  - Writes a file for the textfile collector of node_exporter, with the SU of each allocation, their pace and how long
    they last, the number of instances by state, the number of idle ones, the time and success of the run, and the time
    of the last success of each playbook. docs/metrics.md lists them.
  - The file is replaced as a whole, and others can read it (mode 0644). If something cannot be read, the file contains
    only the time of the run, its failure, and the last success of each playbook, so that no old value looks current.
    Then the task fails.
  - Unknown metrics are omitted.
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
      - Reads the metrics, and writes nothing.
  diff_mode:
    support: none
    details:
      - RV(metrics) has the metrics.
  idempotent:
    support: none
    details:
      - The file contains the time of the run, so each run changes it.
options:
  dest:
    description:
      - The file to write. Its name must end in C(.prom), and its folder, the C(--collector.textfile.directory) of
        node_exporter, must exist.
      - Each profile needs its own file.
    type: path
    required: true
  owner:
    description:
      - Count only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are
        visible. Other values are names or globs of users.
      - The metrics of an allocation include all instances that it pays for.
    type: list
    elements: str
    default:
      - me
  settings:
    description:
      - Settings of the idle rules, as for M(jetstream.cloud.jetstream_idle_info).
    type: dict
  runs_path:
    description:
      - The file on the controller in which M(jetstream.cloud.jetstream_run_record) records the last success of each
        playbook.
      - Without it, C(~/.local/state/jetstream/runs.json).
    type: path
seealso:
  - module: jetstream.cloud.jetstream_run_record
  - module: jetstream.cloud.jetstream_allocation_info
  - module: jetstream.cloud.jetstream_idle_info
"""

EXAMPLES = r"""
- name: Write the metrics for node_exporter
  jetstream.cloud.jetstream_metrics:
    dest: /var/lib/prometheus/node-exporter/jetstream.prom

- name: Write the metrics of another profile
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
  description: The metrics.
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

from ..module_utils._internal.operations.metrics import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
