#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_volume
short_description: Create, attach, detach and delete a volume
version_added: 1.0.0
description:
  - Brings one volume to a desired state, in as many changes as necessary, and waits for each. A volume to delete is
    first detached, if O(detach) allows that, and a volume to grow is attached after it has grown.
  - A change counts as done once the volume shows it. Atmosphere accepts attaching, detaching and deleting in any state
    of the volume. If the volume does not show the change 30 seconds later, the task fails.
  - If the response to a request is lost, the volume is searched by its name before another request. So a second run
    does not create a second volume.
  - On Jetstream2, a volume that a deleted instance left C(reserved) is released.
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
      - The name, number or UUID of the volume, without globs. If several of the account's own volumes have the name,
        the task fails.
      - Exactly one of O(name) and O(uuid) is required.
    type: str
  uuid:
    description: The UUID of an existing volume.
    type: str
  state:
    description:
      - V(present) creates the volume unless it exists, and changes its properties to the given ones.
      - V(absent) deletes it. A missing volume is no error.
      - V(attached) does what V(present) does, and attaches it to O(instance).
      - V(detached) does what V(present) does for an existing volume, and detaches it from O(instance), or from all.
    type: str
    choices:
      - present
      - absent
      - attached
      - detached
    default: present
  size:
    description:
      - The size in GB. Required to create a volume, unless O(from_snapshot) has a size.
      - A smaller volume grows, also while it is attached, but its file system does not. Volumes cannot shrink, and
        volumes of Atmosphere cannot grow.
    type: int
  description:
    description: The description. By default, it is not changed.
    type: str
  project:
    description:
      - The name or UUID of the project to create it in. Only on Atmosphere. Without it, the volume is in no project.
    type: str
  provider:
    description:
      - The name or UUID of the provider to create it at. Only on Atmosphere, where it is required if the account has
        several identities.
    type: str
  from_snapshot:
    description: The name or UUID of the snapshot to create it from. Only on Jetstream2. Ignored for an existing volume.
    type: str
  snapshot:
    description: The name of a snapshot of the volume, which is created if it is missing. Only on Jetstream2.
    type: str
  instance:
    description: The name, number or UUID of the instance to attach it to, or to detach it from.
    type: str
  owner:
    description:
      - Select only volumes and instances of these owners. V(me) is the account itself, V(any) is every user whose
        volumes it can see. Other values are names or globs of users.
      - The name of what belongs to another user fails the task.
    type: list
    elements: str
    default: [me]
  device:
    description:
      - The preferred device, such as C(/dev/sdc). The cloud may choose another one. The examples show how to find the
        actual device.
    type: str
  detach:
    description:
      - Whether the volume may be detached from another instance to attach it to O(instance), or from any instance to
        delete it. Without it, the task fails.
      - On Jetstream2, unmount it in the instance first.
    type: bool
    default: false
  delete_snapshots:
    description: Whether its snapshots may be deleted with it. Without it, a volume with snapshots is not deleted.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait for the last change. The task always waits for changes that others depend on.
      - Without it, RV(ignore:changed) means that the cloud has accepted the change, not that it is complete.
    type: bool
    default: true
  wait_timeout:
    description: The timeout in seconds.
    type: float
    default: 300.0
notes:
  - On Jetstream2, an instance that is suspended, in error, locked, or being changed cannot attach or detach volumes. On
    Atmosphere, it must be active. Such changes fail before any request.
  - Atmosphere also mounts the volume some seconds later, at RV(volume.mount_location).
seealso:
  - module: jetstream.cloud.jetstream_volume_info
"""

EXAMPLES = r"""
- name: Create a volume
  jetstream.cloud.jetstream_volume:
    name: data
    size: 50
    description: Genomes of the course

- name: Attach it to an instance, even if it is attached to another one
  jetstream.cloud.jetstream_volume:
    name: data
    state: attached
    instance: blast-server
    detach: true
  register: data

- name: Find its real device in the instance, by the serial number of the disk
  ansible.builtin.shell: >-
    lsblk --nodeps --noheadings --paths --output NAME,SERIAL
    | awk -v serial={{ data.volume.serial }} '$2 != "" && index(serial, $2) == 1 { print $1 }'
  delegate_to: blast-server
  register: device
  changed_when: false

- name: Create a snapshot, then grow the volume
  jetstream.cloud.jetstream_volume:
    name: data
    size: 100
    snapshot: before-the-course

- name: Create another one from the snapshot
  jetstream.cloud.jetstream_volume:
    name: data-copy
    from_snapshot: before-the-course

- name: Detach it from any instance
  jetstream.cloud.jetstream_volume:
    name: data
    state: detached

- name: Delete it and its snapshots
  jetstream.cloud.jetstream_volume:
    name: data
    state: absent
    delete_snapshots: true
"""

RETURN = r"""
volume:
  description: The last observed volume. In check mode, the expected one. V(null) if it is absent.
  returned: success, and if a change or a wait failed
  type: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 12
    uuid:
      description: The UUID, the same as in OpenStack.
      type: str
      sample: c2378e55-c5ac-588c-9702-9aa3b979044f
    name:
      description: The name.
      type: str
      sample: data-vol-1
    description:
      description: The description.
      type: str
    size:
      description: GB.
      type: int
      sample: 10
    status:
      description: The state, in the cloud's own word. V(null) if it could not be read.
      type: str
      sample: in-use
    attachments:
      description: The instances it is attached to. Empty if it is not attached.
      type: list
      elements: dict
      contains:
        instance_uuid:
          description: The UUID of the instance.
          type: str
        instance_id:
          description: The C(id) of the instance. V(null) if the instance is not visible.
          type: raw
          sample: 21752
        instance_name:
          description: The name of the instance. V(null) if the instance is not visible.
          type: str
          sample: geo-node-01
        device:
          description: The device in the instance.
          type: str
          sample: /dev/sdb
    mount_location:
      description: The mount point in the instance, if known.
      type: str
    user:
      description: The user in the data of the cloud.
      type: str
      sample: johndoe
    owner:
      description: The user that owns the volume. Usually the same.
      type: str
      sample: johndoe
    project:
      description: The project, if any.
      type: dict
      contains:
        name:
          description: The name of the project.
          type: str
        uuid:
          description: The UUID of the project.
          type: str
    provider:
      description: The site.
      type: dict
      contains:
        name:
          description: The name of the provider.
          type: str
          sample: Jetstream - Indiana University
        uuid:
          description: The UUID of the provider.
          type: str
    identity:
      description: The account at the provider.
      type: dict
      contains:
        name:
          description: The name in the API.
          type: str
        uuid:
          description: The UUID of the identity.
          type: str
    start_date:
      description: The time of creation. ISO 8601, UTC.
      type: str
    end_date:
      description: The time of deletion.
      type: str
    serial:
      description:
        - The serial number of its disk in the instance, which is the UUID of the volume. Some disks show only its first
          20 characters.
      type: str
actions:
  description:
    - The requested changes in order. In check mode, the expected ones. Among V(create), V(grow), V(describe),
      V(snapshot), V(repair), V(detach), V(attach), V(delete_snapshot) and V(delete).
  returned: success, and if a change or a wait failed
  type: list
  elements: str
  sample:
    - detach
    - attach
unclear:
  description: Whether a request was sent with an unknown outcome.
  returned: success, and if a change or a wait failed
  type: bool
"""

from ..module_utils._internal.operations.volume import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
