# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: message_lines
short_description: Split a text into messages for a chat service
version_added: 1.0.0
author:
  - jetstream.cloud contributors (@jetstream-cloud)
description:
  - Splits a text between its lines, so that no message exceeds the maximum length of Slack or Microsoft Teams. If there
    are several messages, their first lines number them.
  - The maximum is ten messages. The last line of the last message has the number of omitted lines.
positional: format, subject
options:
  _input:
    description: The text.
    type: str
    required: true
  format:
    description: The service, V(slack) (also Mattermost and others) or V(teams).
    type: str
    choices: [slack, teams]
    default: slack
  subject:
    description: A text that is part of each message.
    type: str
    default: ""
seealso:
  - plugin: jetstream.cloud.table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Post a long text
  ansible.builtin.uri:
    url: https://chat.example.edu/hooks/lab
    method: POST
    body_format: json
    body:
      text: "{{ item | join('\n') }}"
  loop: "{{ lookup('ansible.builtin.file', 'report.txt') | jetstream.cloud.message_lines }}"
  loop_control:
    label: "{{ item[0] }}"
"""

RETURN = r"""
_value:
  description: For each message, its lines.
  type: list
  elements: list
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ..plugin_utils._internal.messages import LIMITS, split
from ..plugin_utils._internal.supported_core import require_supported_core


def message_lines(text: object, format: object = "slack", subject: object = "") -> list[list[str]]:  # noqa: A002
    # Not when this file is imported: then, Ansible would only warn that there is no such filter.
    require_supported_core()
    limit = LIMITS.get(str(format))
    if limit is None:
        raise AnsibleFilterError(f"format is {format}, but must be one of {', '.join(LIMITS)}.")
    return split(str(text), limit, str(subject))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[list[str]]]]:
        return {"message_lines": message_lines}
