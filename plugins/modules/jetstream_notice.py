#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_notice
short_description: Record the delivery of notices to owners of idle instances
version_added: 1.0.0
description:
  - Sends nothing. Use it after the task that sends the notices returned by M(jetstream.cloud.jetstream_idle). The grace
    time begins with the recorded delivery.
  - If a notice was not delivered, the next run of M(jetstream.cloud.jetstream_idle) returns it again.
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
      - Checks the options, and records nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each delivery is a separate event.
options:
  instances:
    description: The instances of the notice, as returned by M(jetstream.cloud.jetstream_idle).
    type: list
    elements: dict
    required: true
  channel:
    description: The channel of the notice, one of O(jetstream.cloud.jetstream_idle#module:channels).
    type: str
    required: true
  delivered:
    description: Whether the notice was delivered.
    type: bool
    required: true
  to:
    description: The recipients, for the log. By default, the channel.
    type: list
    elements: str
    default: []
  detail:
    description: The reason of a failed delivery, for the log.
    type: str
    default: ""
  decisions_path:
    description:
      - The folder on the controller for the decision log and the notices.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
seealso:
  - module: jetstream.cloud.jetstream_idle
  - module: jetstream.cloud.jetstream_mail
"""

EXAMPLES = r"""
- name: Decide, and find the owners that need a notice
  jetstream.cloud.jetstream_idle:
    apply: true
    act: false
    channels: [chat]
  register: decided

- name: Notify the group
  ansible.builtin.uri:
    url: https://chat.example.edu/hooks/idle
    method: POST
    body_format: json
    body:
      text: "Idle: {{ decided.instances | selectattr('step', 'equalto', 'warn') | map(attribute='name') | join(', ') }}"
  register: sent
  failed_when: false

- name: Record the delivery
  jetstream.cloud.jetstream_notice:
    instances: "{{ decided.instances | selectattr('step', 'equalto', 'warn') }}"
    channel: chat
    delivered: "{{ sent.status == 200 }}"
"""

RETURN = r"""
channel:
  description: The channel.
  returned: success
  type: str
delivered:
  description: Whether the notice was delivered.
  returned: success
  type: bool
instances:
  description: The number of instances.
  returned: success
  type: int
"""

from ..module_utils._internal.operations.notice import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
