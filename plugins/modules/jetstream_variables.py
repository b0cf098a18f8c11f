# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_variables
short_description: Check and read the variables of a playbook of this collection
version_added: 1.0.0
description:
  - The first task of each playbook of this collection. It fails, before any request is sent, if the playbook was given
    a variable that it does not take, one that is empty, or one that is given twice.
  - Takes variables from C(-e), files given by C(-e) included, and from the C(vars) of C(import_playbook), which C(-e)
    overrides. Variables of an inventory are not taken; a warning names those that a playbook would take otherwise.
    A fact of that name, as M(ansible.builtin.set_fact) makes it, is refused.
  - Variables whose names begin with C(ansible_), C(awx_) or C(tower_) pass, and so do those that the variable
    C(jetstream_allowed_variables) names.
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
      - The playbook whose variables are checked, by its name without C(jetstream.cloud).
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
    - What was given, by the name of the variable. A variable that was not given is not in it.
    - Names with commas between them are a list, and a path is absolute. Of a secret, there is V(true) alone.
  returned: success
  type: dict
  sample:
    only:
      - course-*
      - "21752"
    project:
      - plant-genomes
state_path:
  description:
    - The folder of what outlives a run. Where the environment variable E(JETSTREAM_STATE_PATH) names one, it is that.
  returned: success
  type: str
  sample: ~/.local/state/jetstream
"""
