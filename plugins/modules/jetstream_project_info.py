#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_project_info
short_description: Read the projects of the login
version_added: 1.0.0
description:
  - Returns the projects of instances and volumes.
  - On Jetstream2, a login is for one project, which is returned without a request. Each project needs its own
    application credential.
  - On Atmosphere, these are the projects of all groups that the user is in.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  name:
    description:
      - Names, or globs such as V(geo*). UUIDs are accepted as well. An empty list selects nothing.
    type: list
    elements: str
seealso:
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_quota_info
"""

EXAMPLES = r"""
- name: Read my projects
  jetstream.cloud.jetstream_project_info:
  register: found

- name: Show their users
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.users or 'not known' }}"
  loop: "{{ found.projects }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
projects:
  description: The projects, by name.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number. On Jetstream2, the UUID.
      type: raw
      sample: 12
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name, for O(jetstream.cloud.jetstream_instance#module:project).
      type: str
      sample: TG-GEO160014
    description:
      description: The description, on Atmosphere.
      type: str
    owner:
      description: The group that owns it, on Atmosphere. Each user also has a group of the same name.
      type: str
      sample: johndoe
    created_by:
      description: The user that created it. V(null) on Jetstream2.
      type: str
    users:
      description: The names of the users of that group. V(null) on Jetstream2.
      type: list
      elements: str
    leaders:
      description: The names of the users who lead that group. V(null) on Jetstream2.
      type: list
      elements: str
    instances:
      description: The number of its instances. V(null) on Jetstream2.
      type: int
      sample: 4
    volumes:
      description: The number of its volumes. V(null) on Jetstream2.
      type: int
      sample: 1
    created:
      description: The time of creation. ISO 8601, UTC. V(null) on Jetstream2.
      type: str
"""

from ..module_utils._internal.operations.project_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
