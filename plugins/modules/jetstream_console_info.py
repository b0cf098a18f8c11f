#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_console_info
short_description: Return the address and the text of the console of an instance
version_added: 1.0.0
description:
  - Returns an address that shows the console of an instance in a browser, and on Jetstream2 the last lines on it.
  - The address contains a token, which opens the console without a login for some minutes. So a result with an address
    is hidden from all output and logs, as with C(no_log), also in verbose runs. A registered variable has it, and later
    tasks that print the variable do not hide it.
  - If the task runs in the background (C(async)), set C(no_log) for it and for C(async_status).
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  instance:
    description:
      - The name or UUID of the instance. It must match exactly one instance.
    type: str
    required: true
  owner:
    description:
      - Only an instance of these owners. V(me) is the account itself, V(any) means all users whose instances are
        visible. Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  url:
    description:
      - Whether to return an address.
    type: bool
    default: true
  kind:
    description:
      - The kind of console. V(any) takes the first that the site has, noVNC before SPICE.
      - Atmosphere has V(novnc) alone. Its web shell and web desktop can be opened on its web page alone.
    type: str
    choices:
      - any
      - novnc
      - spice
    default: any
  lines:
    description:
      - How many of the last lines on the console to return, up to 10000. Nova keeps 100 kB of them.
      - Atmosphere returns none, and the task is refused before anything is sent.
    type: int
    default: 0
seealso:
  - module: jetstream.cloud.jetstream_instance_info
  - module: jetstream.cloud.jetstream_instance
"""

EXAMPLES = r"""
- name: Open the console of an instance that ssh does not reach
  jetstream.cloud.jetstream_console_info:
    instance: web
  register: console

- name: Write the address where only I can read it
  ansible.builtin.copy:
    content: "{{ console.url }}"
    dest: ~/console-of-web
    mode: "0600"
  no_log: true

- name: Read the end of its console
  jetstream.cloud.jetstream_console_info:
    instance: web
    url: false
    lines: 20
"""

RETURN = r"""
instance:
  description: The instance.
  returned: success
  type: dict
  contains:
    uuid:
      description: The UUID.
      type: str
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 21752
    name:
      description: The name.
      type: str
      sample: web
url:
  description: The address. A secret. V(null) without O(url).
  returned: success
  type: str
kind:
  description: The kind, V(novnc) or V(spice). V(null) without O(url).
  returned: success
  type: str
  sample: spice
text:
  description: The last lines, without control characters. V(null) without O(lines).
  returned: success
  type: list
  elements: str
  sample:
    - "cloud-init v. 24.1 finished"
"""

from ..module_utils._internal.operations.console_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
