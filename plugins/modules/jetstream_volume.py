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
  - Brings one volume to a desired state, by as many changes as that takes, and waits for each. A volume that is to be
    deleted is first detached, if O(detach) allows that, and one that has to grow is not attached before it has grown.
  - Nothing is said to be done before the volume shows it. Atmosphere accepts attaching, detaching and deleting whatever
    the volume is doing. If the volume does not show a change 30 seconds later, the task fails.
  - If the response to a request is lost, the volume is looked for by its name before anything else is done. So the name
    is what keeps a second run from creating a second volume.
  - On Jetstream2, a volume that was left C(reserved) by an instance that is gone is freed.
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
      - The name, number or UUID of the volume. No glob. If several of the account's own volumes have the name, the task
        fails.
      - Exactly one of O(name) and O(uuid) has to be given.
    type: str
  uuid:
    description: The UUID of a volume that is there.
    type: str
  state:
    description:
      - V(present) creates the volume unless there is one of that name, and changes its properties to those given.
      - V(absent) deletes it. A volume that is not there is no error.
      - V(attached) does what V(present) does, and attaches it to O(instance).
      - V(detached) does what V(present) does for a volume that is there, and detaches it from O(instance), or from all.
    type: str
    choices:
      - present
      - absent
      - attached
      - detached
    default: present
  size:
    description:
      - GB. Needed to create a volume, unless O(from_snapshot) has a size.
      - A volume that is smaller grows, also while it is attached. The file system in it does not grow with it. Volumes
        do not shrink, and those of Atmosphere do not grow.
    type: int
  description:
    description: The description. Without it, that of a volume that is there is not changed.
    type: str
  project:
    description:
      - Name or UUID of the project to create it in. Atmosphere alone; without it, in no project.
    type: str
  provider:
    description:
      - Name or UUID of the site to create it at. Atmosphere alone, and needed if the account has several identities.
    type: str
  from_snapshot:
    description: Name or UUID of the snapshot to create it from. Jetstream2 alone. Ignored for a volume that is there.
    type: str
  snapshot:
    description: The name of a snapshot that the volume is to have. It is made if it is missing. Jetstream2 alone.
    type: str
  instance:
    description: Name, number or UUID of the instance to attach it to, or to detach it from.
    type: str
  device:
    description:
      - The device to attach it as, such as C(/dev/sdc). The cloud need not heed it. The examples show how to find the
        real one.
    type: str
  detach:
    description:
      - Whether the volume may be detached, from another instance in order to be attached to O(instance), or from any in
        order to be deleted. Without it, the task fails.
      - Nothing unmounts it in the instance first on Jetstream2. Do that before.
    type: bool
    default: false
  delete_snapshots:
    description: Whether its snapshots may be deleted with it. Without it, a volume that has one is not deleted.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait for the last change. Changes that others depend on are always waited for.
      - Without it, RV(ignore:changed) means that the cloud accepted the change, not that it was completed.
    type: bool
    default: true
  wait_timeout:
    description: Seconds in which the volume must reach the state.
    type: float
    default: 300.0
notes:
  - On Jetstream2, an instance that is suspended, in error, locked, or being changed takes no volume. On Atmosphere, it
    has to be active. Such a change is refused before it is requested.
  - Atmosphere also mounts what it attaches, some seconds later. RV(volume.mount_location) is where.
seealso:
  - module: jetstream.cloud.jetstream_volume_info
"""

EXAMPLES = r"""
- name: Have a volume
  jetstream.cloud.jetstream_volume:
    name: data
    size: 50
    description: Genomes of the course

- name: Have it attached to an instance, whichever it was attached to before
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

- name: Let it grow, and keep what is in it now
  jetstream.cloud.jetstream_volume:
    name: data
    size: 100
    snapshot: before-the-course

- name: Create another one from the snapshot
  jetstream.cloud.jetstream_volume:
    name: data-copy
    from_snapshot: before-the-course

- name: Detach it from wherever it is attached
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
  description: The volume, as it was seen last. In check mode, as it would be. V(null) if it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 12
    uuid:
      description: The UUID, which is that of the volume in OpenStack, too.
      type: str
      sample: c2378e55-c5ac-588c-9702-9aa3b979044f
    name:
      description: The name.
      type: str
      sample: data-vol-1
    description:
      description: The description that its owner gave.
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
          description: The C(id) of the instance. V(null) if it is not one of yours.
          type: raw
          sample: 21752
        instance_name:
          description: The name of the instance. V(null) if it is not one of yours.
          type: str
          sample: geo-node-01
        device:
          description: The device in the instance.
          type: str
          sample: /dev/sdb
    mount_location:
      description: Where it is mounted in the instance, if the cloud knows.
      type: str
    user:
      description: The user that the cloud names with it.
      type: str
      sample: johndoe
    owner:
      description: The user that the volume belongs to. Usually the same.
      type: str
      sample: johndoe
    project:
      description: The project it is kept in, if any.
      type: dict
      contains:
        name:
          description: The name of the project.
          type: str
        uuid:
          description: The UUID of the project.
          type: str
    provider:
      description: The site it is at.
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
          description: What the API calls it.
          type: str
        uuid:
          description: The UUID of the identity.
          type: str
    start_date:
      description: When it was made. ISO 8601, UTC.
      type: str
    end_date:
      description: When it was deleted.
      type: str
    serial:
      description:
        - The serial number of its disk in the instance, which is the UUID of the volume. Some disks have the first 20
          characters of it alone.
      type: str
actions:
  description:
    - The changes that were requested, in their order. In check mode, those that would be. Among V(create), V(grow),
      V(describe), V(snapshot), V(repair), V(detach), V(attach), V(delete_snapshot) and V(delete).
  returned: always
  type: list
  elements: str
  sample:
    - detach
    - attach
"""

from ..module_utils.operations.volume import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
