#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_project
short_description: Make a project of Atmosphere, and delete it
version_added: 1.0.0
description:
  - Has a project of that name with that description, or has none of that name. Atmosphere alone. At Jetstream2, the
    site makes projects, one for each allocation, and the module refuses.
  - Projects are known by their names. A request whose response was lost is looked for by the name before another one is
    sent.
  - Projects that others share with the account are neither changed nor deleted.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  name:
    description:
      - The name, or the UUID of a project that is there. If several of the account's own have the name, the task fails.
    type: str
    required: true
  state:
    description:
      - With V(present), there is a project of this name.
      - With V(absent), there is none. One that has instances or volumes in it is not deleted.
    type: str
    choices:
      - present
      - absent
    default: present
  description:
    description:
      - The description. Not given, it stays as it is.
    type: str
  new_name:
    description:
      - The new name of the project O(name). If there is none of the old name, it means the project of the new one.
    type: str
  owner:
    description:
      - The group that a new project belongs to. Its members share it. By default, it is the user's own group. The
        group of a project cannot be changed.
    type: str
seealso:
  - module: jetstream.cloud.jetstream_project_info
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_volume
"""

EXAMPLES = r"""
- name: Have a project for the course
  jetstream.cloud.jetstream_project:
    name: geo-101
    description: Instances of the course in spring

- name: Launch an instance in it
  jetstream.cloud.jetstream_instance:
    name: head
    project: geo-101
    image: Ubuntu 18.04 Devel and Docker
    flavor: m1.small

- name: Delete it, once it is empty
  jetstream.cloud.jetstream_project:
    name: geo-100
    state: absent
"""

RETURN = r"""
project:
  description: The project. Null if there is none. In check mode, as it would be.
  returned: always
  type: dict
  contains:
    id:
      description: The number that the web page shows. 0 in check mode if it would be made.
      type: int
    uuid:
      description: The UUID. Empty in check mode if it would be made.
      type: str
    name:
      description: The name.
      type: str
      sample: geo-101
    description:
      description: The description.
      type: str
    owner:
      description: The group that it belongs to.
      type: str
      sample: johndoe
    created_by:
      description: The user that made it.
      type: str
      sample: johndoe
    instances:
      description: The names of the instances in it.
      type: list
      elements: str
    volumes:
      description: The names of the volumes in it.
      type: list
      elements: str
actions:
  description: The steps that were taken. In check mode, those that would be.
  returned: always
  type: list
  elements: str
  sample: [create]
"""

from ..module_utils.operations.project import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
