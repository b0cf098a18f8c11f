# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts_to_read
short_description: Select the hosts for readings of running instances
version_added: 1.0.0
author:
  - jetstream.cloud contributors (@jetstream-cloud)
description:
  - Converts the result of M(jetstream.cloud.jetstream_instance_info) to hosts for
    M(jetstream.cloud.jetstream_activity), each with the key of its readings.
  - If the inventory has hosts other than C(localhost), instances are matched with them by the variable
    C(jetstream_uuid), by the name of the instance, or by its address.
options:
  _input:
    description: The instances.
    type: list
    elements: dict
    required: true
  inventory:
    description: The variables of each host by its name, such as C(hostvars).
    type: dict
    required: true
positional: inventory
seealso:
  - module: jetstream.cloud.jetstream_activity
"""

EXAMPLES = r"""
- name: Read the running instances
  jetstream.cloud.jetstream_instance_info:
    status: active
  register: fleet

- name: Show their addresses
  ansible.builtin.debug:
    msg: "{{ fleet.instances | jetstream.cloud.hosts_to_read(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each instance C(name), C(address) and C(user) (both V(null) for a host of the inventory), C(site), C(project)
      and C(uuid) (the key of its readings), and C(problem), the reason why it cannot be read, or an empty text.
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils._internal.idle.targets import targets
from ..plugin_utils._internal.supported_core import require_supported_core

_NEEDED = ("jetstream_uuid", "ansible_host")


def hosts_to_read(instances: Iterable[Mapping[str, Any]], inventory: Mapping[str, Any]) -> list[dict[str, Any]]:
    # Not when this file is imported: then, Ansible would only warn that there is no such filter.
    require_supported_core()
    known = {str(name): _needed(inventory[name]) for name in inventory}
    return [each.to_result() for each in targets(instances, known)]


def _needed(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: variables[name] for name in _NEEDED if name in variables}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        return {"hosts_to_read": hosts_to_read}
