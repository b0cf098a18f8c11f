# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_activity
short_description: Read the evidence of use on an instance
version_added: 1.0.0
description:
  - Runs a shell script on the host that prints counters of the kernel, and traces of people and of jobs. Returns its
    output as a reading, and stores it on the controller if O(readings_path) is set.
  - One reading shows the present state. Two readings show what happened between them, and those of an hour whether the
    instance is idle. docs/idle.md has the rules.
  - Nothing is installed, written or left on the host. It needs C(sh), C(awk) and coreutils, but no Python, so
    facts need not be gathered (C(gather_facts=false)).
  - No command line, no name of a program, a file or a notebook, and no address of a peer leaves the host. The output of
    the host is not logged.
  - A host that cannot be reached, or does not respond in time, is unreachable. Use C(ignore_unreachable) to continue
    with the others. An instance without evidence counts as active.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
attributes:
  action:
    description: Runs on the controller, over the connection that Ansible has to the host.
    support: full
  async:
    description: Can run in the background.
    support: none
  check_mode:
    description: Can report changes without making them.
    support: full
    details:
      - Takes the reading, and does not store it.
  diff_mode:
    description: Shows the difference between before and after.
    support: N/A
    details:
      - Changes nothing on the host.
  idempotent:
    description: Reports no change when run again with the same options.
    support: full
  platform:
    description: What it runs on.
    platforms: linux
    support: full
options:
  readings_path:
    description:
      - The folder on the controller for readings, with one file for each instance, readable only by its owner. It is
        created if it is missing. A failed attempt is also stored there until one succeeds, without output of the host
        except messages of C(sudo).
      - Requires O(site), O(project) and O(uuid).
      - Without it, the reading is returned but not stored.
    type: path
  site:
    description:
      - The address of the cloud, which distinguishes instances of several clouds.
    type: str
  project:
    description:
      - The project or allocation of the instance.
    type: str
  uuid:
    description:
      - The UUID of the instance.
    type: str
  since:
    description:
      - The time of the previous reading, by the clock of the host, in seconds since 1970 (RV(reading.clock) of that
        reading). Connections that the ssh server has logged since then are counted.
      - Not needed with O(readings_path).
    type: float
  timeout:
    description:
      - The number of seconds after which the host counts as unreachable. V(0) means no limit.
      - A C(timeout) of the task takes precedence.
    type: int
    default: 30
  unreachable_ok:
    description:
      - Whether to return a result without RV(reading) for an unreachable host, with the reason in RV(msg), instead of
        an error. The host stays in the play.
    type: bool
    default: false
notes:
  - Use C(become). Without root, crontabs and notebook servers of other users are not visible, so the verdict stays
    unknown.
  - Notebook servers are queried with C(curl), which must be installed where they run.
seealso:
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Read the evidence of use
  hosts: jetstream
  gather_facts: false
  become: true
  tasks:
    - name: Read the instance, and show the evidence
      jetstream.cloud.jetstream_activity:
      register: activity
      ignore_unreachable: true

    - name: Read the instance, and keep the evidence
      jetstream.cloud.jetstream_activity:
        readings_path: ~/.local/state/jetstream/readings
        site: https://js2.jetstream-cloud.org:5000/v3
        project: TG-ABC123
        uuid: 5f1c7f0e-3f3c-4f0a-9f57-0d1c36a1c0de
"""

RETURN = r"""
msg:
  description: The reason why there is no reading.
  returned: with O(unreachable_ok), if the host cannot be reached
  type: str
  sample: "ssh: connect to host 149.165.150.2 port 22: Connection timed out"
elapsed:
  description: The duration in seconds, including the login.
  returned: success
  type: float
  sample: 0.61
kept:
  description: Whether the reading was stored.
  returned: success
  type: bool
reading:
  description:
    - The evidence from the host. Counters run since the boot, so only the difference of two readings is meaningful.
  returned: success
  type: dict
  contains:
    taken:
      description: The time of the reading, by the clock of the controller, in seconds since 1970.
      type: float
    boot:
      description: The ID of the boot. A new boot resets all counters.
      type: str
    clock:
      description: The clock of the host, in seconds since 1970.
      type: float
    uptime:
      description: Seconds since the boot.
      type: float
    cpu:
      description: Seconds of CPU time used since the boot.
      type: float
    jobs:
      description: Processes that were left running, as pairs of kind and age in seconds.
      type: list
      elements: list
    terminals:
      description: Terminals, as pairs of seconds since the last key press, and since the last output.
      type: list
      elements: list
    sections:
      description: The status of each source by name; 0 for those that could be read.
      type: dict
root:
  description: Whether the reading was taken as root. If not, much is not visible.
  returned: success
  type: bool
"""
