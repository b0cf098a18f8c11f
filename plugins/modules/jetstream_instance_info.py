#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_instance_info
short_description: Read the instances of a Jetstream account
version_added: 1.0.0
description:
  - Returns instances with all their data in the cloud, and their present state.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
  - jetstream.cloud.instance_filters
options:
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are visible.
        Other values are names or globs of users.
      - On Jetstream2 an account cannot read the names of other users. Their IDs are used instead.
    type: list
    elements: str
    default:
      - any
  image_names:
    description:
      - Whether to return the names of images. On Jetstream2, they cost an extra request; without them, the name of an
        image is its UUID.
    type: bool
    default: true
  live:
    description:
      - Whether to read the states from the cloud itself. It costs one more list for each identity.
      - Without it, states come from the database of Atmosphere, and may be 15 minutes old.
    type: bool
    default: true
seealso:
  - module: jetstream.cloud.jetstream_instance_state
  - module: jetstream.cloud.jetstream_volume_info
"""

EXAMPLES = r"""
- name: Read all instances
  jetstream.cloud.jetstream_instance_info:
  register: fleet

- name: Show the running instances
  ansible.builtin.debug:
    msg: "{{ fleet.instances | selectattr('status', 'equalto', 'active') | map(attribute='name') }}"

- name: Read the instance with the number that the web page shows
  jetstream.cloud.jetstream_instance_info:
    id: 21752

- name: Read the sleeping instances of one course, by glob and state
  jetstream.cloud.jetstream_instance_info:
    name: bio101-*
    status: [shutoff, suspended, shelved_offloaded]

- name: Read the instances of one allocation, with another profile
  jetstream.cloud.jetstream_instance_info:
    profile: lab
    allocation_source: TG-GEO160014
"""

RETURN = r"""
instances:
  description:
    - The instances, by number.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 21752
    uuid:
      description: The UUID, the same as in OpenStack.
      type: str
      sample: 103585ce-1a5b-5758-9b80-b0011394d589
    name:
      description: The name.
      type: str
      sample: geo-node-01
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    activity:
      description: The task in progress. Empty if there is none.
      type: str
      sample: powering-off
    live:
      description:
        - Whether RV(instances[].status), RV(instances[].activity), RV(instances[].ip_address) and
          RV(instances[].fault) were read from the cloud itself.
        - Also V(false) if they could not be read. RV(instances[].read_error) has the reason, such as an identity of
          another user that is not shared, or a provider that is down.
      type: bool
    fault:
      description: The reason why the instance is in error, if the cloud returns one.
      type: str
    power_state:
      description: The power state of the machine on Jetstream2. V(null) on Atmosphere.
      type: str
      sample: running
    on_host:
      description:
        - Whether the instance is on a host of the site, on Jetstream2. A shelved instance may have none.
        - V(null) on Atmosphere.
      type: bool
    locked:
      description: Whether it is locked, and so skipped by changes. V(null) on Atmosphere, which has no locks.
      type: bool
    lock_reason:
      description: The reason of the lock, if there is one.
      type: str
    metadata:
      description: The metadata that its owner set on Jetstream2. V(null) on Atmosphere.
      type: dict
    addresses:
      description: All its addresses on Jetstream2. V(null) on Atmosphere.
      type: list
      elements: str
    ip_address:
      description: The floating IP. V(null) if it has none.
      type: str
      sample: 149.165.157.100
    read_error:
      description: The reason why the live state could not be read.
      type: str
    user:
      description: The user in the data of the cloud.
      type: str
      sample: johndoe
    owner:
      description:
        - The user that owns it. On Atmosphere, this is the user of RV(instances[].identity), where live states can be
          read. RV(instances[].user) differs if the instance was launched without Atmosphere.
        - On Jetstream2, the name of the account for its own instances, and the ID of other users.
      type: str
      sample: johndoe
    start_date:
      description: The time of the launch. ISO 8601, UTC.
      type: str
      sample: "2026-10-14T18:46:48Z"
    end_date:
      description: The time of deletion.
      type: str
    flavor:
      description: The flavor.
      type: dict
      contains:
        name:
          description: The name of the flavor.
          type: str
          sample: m1.small
        vcpus:
          description: Virtual cores.
          type: int
          sample: 2
        ram:
          description: Memory in MB.
          type: int
          sample: 4096
        disk:
          description: Root disk in GB.
          type: int
          sample: 20
    image:
      description: The image that it was launched from.
      type: dict
      contains:
        name:
          description: The name of the image.
          type: str
          sample: Ubuntu 18.04 Devel and Docker
        uuid:
          description: The UUID of the image.
          type: str
        version:
          description: The version of the image.
          type: str
          sample: v1.21
    project:
      description: The project, if any.
      type: dict
      contains:
        name:
          description: The name of the project.
          type: str
          sample: Geo Project
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
          sample: "Username: johndoe, Project:johndoe"
        uuid:
          description: The UUID of the identity.
          type: str
    allocation_source:
      description: The allocation source that pays for it, if any. Figures come from the server, in service units (SU).
      type: dict
      contains:
        name:
          description: The name of the allocation source.
          type: str
          sample: TG-GEO160014
        uuid:
          description: The UUID of the allocation source.
          type: str
        compute_allowed:
          description: SU granted.
          type: float
          sample: 50000
        compute_used:
          description: SU used, by all users.
          type: float
          sample: 1234.567
        global_burn_rate:
          description: The server's burn rate for all users. It counts active instances; it is not SU per hour.
          type: float
          sample: 12.0
        user_compute_used:
          description: SU used by this user.
          type: float
          sample: 1234.567
        user_burn_rate:
          description: The server's burn rate for this user. It counts active instances; it is not SU per hour.
          type: float
          sample: 12.0
        updated:
          description: The time of these figures. ISO 8601, UTC.
          type: str
        lag_hours:
          description: The maximum age of these figures in hours, if the site returns no time.
          type: int
        start_date:
          description: The start of the allocation. ISO 8601, UTC.
          type: str
        end_date:
          description: The end of the allocation, if there is one. ISO 8601, UTC.
          type: str
    usage:
      description: SU used of the whole allocation source, as returned with the instance. V(-1) if unknown.
      type: float
      sample: 1234.567
    web_desktop:
      description: Whether it offers a web desktop.
      type: bool
    shell:
      description: Whether it offers a web shell.
      type: bool
    vnc:
      description: Whether it offers VNC.
      type: bool
"""

from ..module_utils._internal.operations.instance_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
