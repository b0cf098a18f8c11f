#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_volume_info
short_description: Read the volumes of a Jetstream account
version_added: 1.0.0
description:
  - Returns volumes with their status, and the instance and device that each is attached to.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
  - jetstream.cloud.volume_filters
options:
  owner:
    description:
      - Only volumes of these owners. V(me) is the account itself, V(any) means all users whose volumes are visible.
        Other values are names or globs of users.
      - On Jetstream2 an account cannot read the names of other users. Their IDs are used instead.
    type: list
    elements: str
    default:
      - any
  attached:
    description:
      - V(true) for only the volumes that are attached, V(false) for only those that are not.
      - Attachments are known only with O(live=true).
    type: bool
  live:
    description:
      - Whether to read status and attachments as well. It costs one more list for each identity, and a list of the
        instances if a volume is attached.
    type: bool
    default: true
seealso:
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Read all volumes
  jetstream.cloud.jetstream_volume_info:
  register: disks

- name: Show the instance of each volume
  ansible.builtin.debug:
    msg: "{{ item.name }} is {{ item.attachments[0].device }} of {{ item.attachments[0].instance_name }}"
  loop: "{{ disks.volumes | selectattr('attachments') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Read the volumes that are not attached
  jetstream.cloud.jetstream_volume_info:
    attached: false
"""

RETURN = r"""
volumes:
  description:
    - The volumes, by number.
  returned: success
  type: list
  elements: dict
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
      description: The state, in the cloud's own word. V(null) without O(live), and if it could not be read.
      type: str
      sample: in-use
    attachments:
      description: The instances it is attached to. Empty if it is not attached, and without O(live).
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
      description: The owner, for comparison with O(owner).
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
"""

from ..module_utils._internal.operations.volume_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
