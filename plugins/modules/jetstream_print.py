# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_print
short_description: Print text as it is
version_added: 1.0.0
description:
  - Prints text for a person to read, line by line, without the quotes and escapes that M(ansible.builtin.debug) puts
    around it.
  - Control codes other than newline and tab are printed as the replacement character, since text may come from the
    cloud's other users.
  - Prints nothing with C(no_log), or if results are printed as a whole, as by the program C(ansible), or by a stdout
    callback such as P(ansible.builtin.minimal#callback) or P(ansible.posix.json#callback). The result then contains the
    text.
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
  msg:
    description:
      - The text, or a list of texts, each on a new line.
    type: raw
    required: true
seealso:
  - plugin: jetstream.cloud.table
    plugin_type: filter
  - module: ansible.builtin.debug
"""

EXAMPLES = r"""
- name: Read the instances
  jetstream.cloud.jetstream_instance_info:
  register: fleet

- name: Show them
  jetstream.cloud.jetstream_print:
    msg:
      - "{{ fleet.instances | jetstream.cloud.table(['name', 'id', 'status']) }}"
      - ""
      - "{{ fleet.instances | length }} instances"
"""

RETURN = r"""
msg:
  description: The text.
  returned: success
  type: str
  sample: 12 instances
"""
