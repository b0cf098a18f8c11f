#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_project
short_description: Create, change and delete a project of Atmosphere
version_added: 1.0.0
description:
  - Ensures that there is, or is not, a project of that name with that description. Only on Atmosphere. On Jetstream2,
    the site creates projects, one for each allocation, and the module fails.
  - Projects are identified by their names. If the response to a request is lost, the project is searched by its name
    before another request.
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
      - The name, or the UUID of an existing project. If several of the account's own projects have the name, the task
        fails.
    type: str
    required: true
  state:
    description:
      - V(present) ensures that there is a project of this name.
      - V(absent) deletes it. A project with instances or volumes is not deleted.
    type: str
    choices:
      - present
      - absent
    default: present
  description:
    description:
      - The description. By default, it is not changed.
    type: str
  new_name:
    description:
      - The new name of the project O(name). If there is no project of the old name, the task refers to the project of
        the new name.
    type: str
  owner:
    description:
      - The group that owns a new project, and whose members share it. By default, the user's own group. The group of a
        project cannot be changed.
    type: str
seealso:
  - module: jetstream.cloud.jetstream_project_info
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_volume
"""

EXAMPLES = r"""
- name: Create a project for the course
  jetstream.cloud.jetstream_project:
    name: geo-101
    description: Instances of the course in spring

- name: Launch an instance in it
  jetstream.cloud.jetstream_instance:
    name: head
    project: geo-101
    image: Ubuntu 18.04 Devel and Docker
    flavor: m1.small

- name: Delete it once it is empty
  jetstream.cloud.jetstream_project:
    name: geo-100
    state: absent
"""

RETURN = r"""
project:
  description: The project. V(null) if there is none. In check mode, the expected one.
  returned: success
  type: dict
  contains:
    id:
      description: The number that the web page shows. V(0) in check mode for a new project.
      type: int
    uuid:
      description: The UUID. Empty in check mode for a new image.
      type: str
    name:
      description: The name.
      type: str
      sample: geo-101
    description:
      description: The description.
      type: str
    owner:
      description: The group that owns it.
      type: str
      sample: johndoe
    created_by:
      description: The user that created it.
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
  description: The steps. In check mode, the expected steps.
  returned: success
  type: list
  elements: str
  sample: [create]
unclear:
  description: Whether a request was sent with an unknown outcome. Then C(changed) is V(true) as well.
  returned: on failure, if this is the case
  type: bool
"""

from ..module_utils._internal.operations.project import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
