#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_image
short_description: Make images of Jetstream instances, and delete them
version_added: 1.0.0
description:
  - Makes an image of an instance, from which others can be launched, changes it in place, or deletes it. Jetstream2
    alone. Atmosphere's users can only request an image from its staff, on its web page.
  - Images are known by their names. Where the project has an image of the name, no other one is made. A request whose
    response was lost is looked for by the name before another one is sent, and a run goes on with the image that a
    killed one began.
  - Only images that the project owns are changed or deleted. Hidden ones are left out.
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
      - The name of the image.
    type: str
  uuid:
    description:
      - The UUID of an image that is there, where several have the name.
    type: str
  state:
    description:
      - With V(present), there is an image of this name, with the given properties.
      - With V(absent), there is none. An image from which instances of the project were launched is deleted with
        O(force) alone. One that is protected, or that is the disk of a shelved instance, is not deleted.
    type: str
    choices:
      - present
      - absent
    default: present
  instance:
    description:
      - The name or UUID of the instance to make the image of. It is needed where there is no such image.
      - It should be shut off. Jetstream2 advises that, and that cloud-init and qemu-guest-agent are installed in it.
      - Of an instance that boots from a volume, the image has size 0, and refers to new snapshots of all volumes that
        are attached to it. These count in the quota of volumes.
    type: str
  force:
    description:
      - With O(state=present), whether to make the image also if the instance is running, paused or suspended. It is
        like the disk of a machine whose power failed. What was only in memory is missing.
      - With O(state=absent), whether to delete it also if instances were launched from it.
    type: bool
    default: false
  visibility:
    description:
      - With V(private), the project alone can use it. A new image is private.
      - With V(shared), projects in O(members) can use it, once they have accepted it.
      - With V(community), everybody can use it by its UUID, and nobody finds it in the usual lists.
      - Only the site can make an image public.
    type: str
    choices:
      - private
      - shared
      - community
  members:
    description:
      - The UUIDs of the projects that a shared image is shared with. Others lose it. Not given, they stay as they are.
    type: list
    elements: str
  description:
    description:
      - The description.
    type: str
  properties:
    description:
      - Properties, such as C(os_distro). Those that are not given here are never changed.
    type: dict
  protected:
    description:
      - Whether the image cannot be deleted, neither here nor elsewhere.
    type: bool
  delete_snapshots:
    description:
      - Whether the snapshots of volumes that the image refers to are deleted before it. Otherwise they stay, with a
        warning that names them.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the image can be used. Without it, visibility, members and protection of a new image are
        set by the next run.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds in which all of it must be done. A large disk takes long.
    type: float
    default: 1800.0
seealso:
  - module: jetstream.cloud.jetstream_image_info
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_instance_state
"""

EXAMPLES = r"""
- name: Stop the instance that is set up as all others are to be
  jetstream.cloud.jetstream_instance_state:
    name: template
    state: stopped

- name: Make an image of it
  jetstream.cloud.jetstream_image:
    name: geo-101
    instance: template
    description: Ubuntu 24.04 with GRASS
    properties:
      course: geo-101

- name: Let another project use it, and protect it from deletion
  jetstream.cloud.jetstream_image:
    name: geo-101
    visibility: shared
    members: [3f2a8c5e9b1d4e7f8a6b5c4d3e2f1a0b]
    protected: true

- name: Delete it
  jetstream.cloud.jetstream_image:
    name: geo-100
    state: absent
    delete_snapshots: true
"""

RETURN = r"""
image:
  description: The image. Null if there is none. In check mode, as it would be.
  returned: always
  type: dict
  contains:
    uuid:
      description: The UUID. Empty in check mode if it would be made.
      type: str
    name:
      description: The name.
      type: str
      sample: geo-101
    status:
      description: The cloud's word for its state.
      type: str
      sample: active
    visibility:
      description: Who can use it.
      type: str
      sample: private
    protected:
      description: Whether it cannot be deleted.
      type: bool
    size:
      description: Its size in GB. 0 if it refers to snapshots of volumes, null while it is being made.
      type: float
      sample: 2.14
    min_disk:
      description: The smallest disk, in GB, that it can be launched on.
      type: int
    min_ram:
      description: The least memory, in MB, that it can be launched with.
      type: int
    created:
      description: When it was made.
      type: str
      sample: "2026-11-26T04:12:00Z"
    properties:
      description: The properties that users can set, with the description.
      type: dict
    instance_uuid:
      description: The UUID of the instance that it was made of.
      type: str
    snapshots:
      description: The UUIDs of the snapshots of volumes that it refers to.
      type: list
      elements: str
actions:
  description: The steps that were taken, in order. In check mode, those that would be.
  returned: always
  type: list
  elements: str
  sample: [create, update]
used_by:
  description: The instances of the project that were launched from it, with O(state=absent).
  returned: always
  type: list
  elements: str
unclear:
  description: Whether a request was sent of which it is not known if the cloud carried it out.
  returned: always
  type: bool
"""

from ..module_utils.operations.image import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
