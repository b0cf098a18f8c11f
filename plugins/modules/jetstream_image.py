#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_image
short_description: Create, change and delete images of Jetstream instances
version_added: 1.0.0
description:
  - Creates an image of an instance, changes it in place, or deletes it. Only on Jetstream2. Users of Atmosphere request
    images on its web page.
  - Images are identified by their names. If the project has an image of the name, no other one is created. If the
    response to a request is lost, the image is searched by its name before another request. A run continues with the
    image that a killed run began.
  - Only images that the project owns are changed or deleted. Hidden images are ignored.
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
      - The UUID of an existing image, if the name is ambiguous.
    type: str
  state:
    description:
      - V(present) ensures that there is an image of this name with the given properties.
      - V(absent) deletes it. An image from which instances of the project were launched is deleted only with O(force).
        A protected image, or the disk of a shelved instance, is not deleted.
    type: str
    choices:
      - present
      - absent
    default: present
  instance:
    description:
      - The name or UUID of the source instance. Required to create an image.
      - It should be shut off, with cloud-init and qemu-guest-agent installed, as Jetstream2 advises.
      - If the instance boots from a volume, the image has size 0, and refers to new snapshots of all its volumes, which
        count in the quota of volumes.
    type: str
  force:
    description:
      - With O(state=present), whether to create the image even if the instance is running, paused or suspended. The
        image is then like a disk after a power failure, without data in memory.
      - With O(state=absent), whether to delete it even if instances were launched from it.
    type: bool
    default: false
  visibility:
    description:
      - With V(private), only the project can use it. A new image is private.
      - With V(shared), projects in O(members) can use it, once they have accepted it.
      - With V(community), everybody can use it by its UUID, but the usual lists do not show it.
      - Only the site can make an image public.
    type: str
    choices:
      - private
      - shared
      - community
  members:
    description:
      - The UUIDs of the projects that a shared image is shared with. Other projects lose access. By default, the
        members are not changed.
    type: list
    elements: str
  description:
    description:
      - The description.
    type: str
  properties:
    description:
      - Properties, such as C(os_distro). Other properties are not changed.
    type: dict
  protected:
    description:
      - Whether the image is protected against deletion.
    type: bool
  delete_snapshots:
    description:
      - Whether to delete the snapshots of volumes that the image refers to first. Otherwise they are kept, and a
        warning names them.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the image is usable. Without it, the next run sets visibility, members and protection of a
        new image.
    type: bool
    default: true
  wait_timeout:
    description:
      - The timeout in seconds. A large disk takes long.
    type: float
    default: 1800.0
seealso:
  - module: jetstream.cloud.jetstream_image_info
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_instance_state
"""

EXAMPLES = r"""
- name: Stop the instance that is the model of all others
  jetstream.cloud.jetstream_instance_state:
    name: template
    state: stopped

- name: Create an image of it
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
  description: The image. V(null) if there is none. In check mode, the expected one.
  returned: success, and if a change or a wait failed
  type: dict
  contains:
    uuid:
      description: The UUID. Empty in check mode for a new image.
      type: str
    name:
      description: The name.
      type: str
      sample: geo-101
    status:
      description: The status in the cloud's own word.
      type: str
      sample: active
    visibility:
      description: The visibility.
      type: str
      sample: private
    protected:
      description: Whether it is protected against deletion.
      type: bool
    size:
      description: The size in GB. V(0) if it refers to snapshots of volumes, V(null) while it is being created.
      type: float
      sample: 2.14
    min_disk:
      description: The minimum disk in GB.
      type: int
    min_ram:
      description: The minimum memory in MB.
      type: int
    created:
      description: The time of creation.
      type: str
      sample: "2026-11-26T04:12:00Z"
    properties:
      description: The properties that users can set, with the description.
      type: dict
    instance_uuid:
      description: The UUID of the source instance.
      type: str
    snapshots:
      description: The UUIDs of the snapshots of volumes that it refers to.
      type: list
      elements: str
actions:
  description: The steps in order. In check mode, the expected steps.
  returned: success, and if a change or a wait failed
  type: list
  elements: str
  sample: [create, update]
used_by:
  description: The instances of the project that were launched from it, with O(state=absent).
  returned: success, and if a change or a wait failed
  type: list
  elements: str
unclear:
  description: Whether a request was sent with an unknown outcome.
  returned: success, and if a change or a wait failed
  type: bool
"""

from ..module_utils._internal.operations.image import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
