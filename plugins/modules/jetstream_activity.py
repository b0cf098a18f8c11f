# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_activity
short_description: Read the evidence of use on an instance
version_added: 1.0.0
description:
  - Runs a shell script on the host that prints the kernel's counters, and traces of people and of jobs. Returns it as a
    reading, and keeps it on the controller if O(readings_path) is given.
  - One reading shows the present state. Two readings show what happened between them, and those of an hour whether the
    instance is idle. How that is decided is in docs/idle.md.
  - Nothing is installed, written or left on the host. It needs C(sh), C(awk) and coreutils, but no Python, so
    facts need not be gathered (C(gather_facts=false)).
  - No command line, no name of a program, a file or a notebook, and no address of a peer leaves the host. What the host
    says is not logged.
  - A host that cannot be reached, or that does not answer in time, is unreachable. Use C(ignore_unreachable) to go on
    with the others. No evidence counts as active.
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
      - Takes the reading, and does not keep it.
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
      - A folder on the controller in which readings are kept, one file for each instance, for its owner alone. It is
        made if it is not there. A try that fails is noted there, without any output of the host but words of C(sudo),
        until one succeeds.
      - Needs O(site), O(project) and O(uuid).
      - Without it, the reading is returned, and not kept.
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
      - When the reading before this one was taken, by the clock of the host, in seconds since 1970
        (RV(reading.clock) of that reading). From then on, connections that the ssh server logged are counted.
      - With O(readings_path), this is known.
    type: float
  timeout:
    description:
      - After this many seconds, the host counts as unreachable. 0 is for no limit.
      - A C(timeout) of the task replaces it.
    type: int
    default: 30
  unreachable_ok:
    description:
      - Whether a host that cannot be reached is a result without RV(reading), with the reason in RV(msg), and no error.
        The host stays in the play.
    type: bool
    default: false
notes:
  - Use C(become). Without root, crontabs and other users' notebook servers are not seen, so that the verdict stays
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
  description: Why there is no reading.
  returned: with O(unreachable_ok), if the host cannot be reached
  type: str
  sample: "ssh: connect to host 149.165.150.2 port 22: Connection timed out"
elapsed:
  description: How long it took, in seconds, with the login.
  returned: success
  type: float
  sample: 0.61
kept:
  description: Whether the reading was kept.
  returned: success
  type: bool
reading:
  description:
    - The evidence from the host. Counters run since boot, so only the difference of two readings means anything.
  returned: success
  type: dict
  contains:
    taken:
      description: The time of the reading, by the clock of the controller, in seconds since 1970.
      type: float
    boot:
      description: The id of the boot. With another one, all counters began anew.
      type: str
    clock:
      description: The clock of the host, in seconds since 1970.
      type: float
    uptime:
      description: Seconds since the boot.
      type: float
    cpu:
      description: Seconds of CPU time that were used since the boot.
      type: float
    jobs:
      description: What was left running, as pairs of kind and age in seconds.
      type: list
      elements: list
    terminals:
      description: Terminals, as pairs of the seconds since a key was pressed, and since something was shown.
      type: list
      elements: list
    sections:
      description: The status of each source by name; 0 for those that could be read.
      type: dict
root:
  description: Whether the reading was taken as root. If not, much is not seen.
  returned: success
  type: bool
"""
