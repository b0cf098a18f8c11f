# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_variables
short_description: Check and read the variables of a playbook
version_added: 1.0.0
description:
  - The first task of each playbook of this collection. It fails before any request if a variable is unknown, empty, or
    set twice.
  - Reads variables from C(-e), including files, and from the C(vars) of C(import_playbook), which C(-e) overrides.
    Variables of an inventory are ignored; a warning names those with the name of a variable of the playbook. Facts of
    such a name, set by M(ansible.builtin.set_fact), are refused.
  - Variables whose names begin with C(ansible_), C(awx_) or C(tower_), and those in the variable
    C(jetstream_allowed_variables), are allowed.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
attributes:
  action:
    description: Runs on the controller, and never contacts a host.
    support: full
  async:
    description: Can run in the background.
    support: none
  check_mode:
    description: Can report changes without making them.
    support: full
    details:
      - Changes nothing, so it does the same with and without check mode.
  diff_mode:
    description: Shows the difference between before and after.
    support: N/A
    details:
      - Changes nothing.
  idempotent:
    description: Reports no change when run again with the same options.
    support: full
  platform:
    description: What it runs on.
    platforms: posix
    support: full
options:
  playbook:
    description:
      - The name of the playbook, without C(jetstream.cloud).
    type: str
    required: true
    choices:
      - activity
      - allocation
      - budget_guard
      - deadlines
      - hygiene
      - idle
      - install_schedule
      - instance_action
      - instances
      - keep
      - metrics
      - nightly
      - save_credential
      - scheduled
      - shelve_all
      - shelve_idle
      - start_all
      - stop_all
      - suspend_all
      - tour
      - usage_report
      - volumes
      - why
seealso:
  - module: ansible.builtin.assert
"""

EXAMPLES = r"""
- name: Check the variables
  jetstream.cloud.jetstream_variables:
    playbook: instances
  register: jetstream_given

- name: Read the instances
  jetstream.cloud.jetstream_instance_info:
    profile: "{{ jetstream_given.value.get('profile', omit) }}"
    name: "{{ jetstream_given.value.get('only', omit) }}"
  register: jetstream_found
"""

RETURN = r"""
value:
  description:
    - The values by name of the variable. Variables that are not set are missing.
    - Names separated by commas are converted to a list, and paths are absolute. For secrets, the value is V(true).
  returned: success
  type: dict
  sample:
    only:
      - course-*
      - "21752"
    project:
      - plant-genomes
known_clouds:
  description:
    - A sentence with the clouds in C(clouds.yaml), or the mistake in that file. Empty if there is none.
  returned: for V(save_credential)
  type: str
  sample: ~/.config/openstack/clouds.yaml has the cloud TG_GEO160014_IU.
state_path:
  description:
    - The state folder. The environment variable E(JETSTREAM_STATE_PATH) overrides it.
  returned: success
  type: str
  sample: ~/.local/state/jetstream
state_problem:
  description:
    - A sentence if the folder of E(JETSTREAM_STATE_PATH) is missing, or an empty text.
    - Other playbooks are refused then.
  returned: for V(nightly)
  type: str
  sample: ""
tasks_path:
  description:
    - The folder of the task files of the playbooks, from which they include each other.
  returned: success
  type: str
  sample: /home/johndoe/.ansible/collections/ansible_collections/jetstream/cloud/playbooks/tasks
"""
