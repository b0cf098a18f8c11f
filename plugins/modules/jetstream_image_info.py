#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_image_info
short_description: Find images for launching instances
version_added: 1.0.0
description:
  - Returns images by name, so that no playbook needs a UUID. With O(newest), only the image that
    M(jetstream.cloud.jetstream_instance) uses for each name.
  - On Atmosphere, an image is an application. Each row is the machine of one version at one provider.
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
      - Names, or globs such as V(Featured-*). UUIDs are accepted as well.
      - Jetstream2 filters by exact names. For globs, and on Atmosphere, all images are read.
      - An empty list selects nothing.
    type: list
    elements: str
  uuid:
    description:
      - UUIDs. On Jetstream2, a community image is found by its UUID without O(visibility).
    type: list
    elements: str
  visibility:
    description:
      - Only images of these visibilities. Without it, community images are not returned on Jetstream2, since every user
        can publish one under any name.
      - V(shared) are images that others share and the project has accepted.
    type: list
    elements: str
    choices:
      - public
      - private
      - shared
      - community
  owner:
    description:
      - Only images of these owners. V(me) is the project of the login, or the user on Atmosphere; V(any) means all
        owners. Other values are IDs of projects or globs of them, or names of users on Atmosphere.
    type: list
    elements: str
    default:
      - any
  newest:
    description:
      - Whether to return only the image of each name that a launch uses, the newest of the account's own, otherwise the
        newest public one, otherwise the newest shared one. Images that cannot be launched are not returned.
      - On Atmosphere, it is the newest version at each provider.
    type: bool
    default: false
  hidden:
    description:
      - Whether to return hidden images as well. Their owners have withdrawn them from the lists, such as older images
        of the site, but they can still be launched by their UUIDs. O(newest) does not return them.
      - O(uuid) finds a hidden image without it.
      - On Atmosphere, no image is hidden.
    type: bool
    default: false
seealso:
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_flavor_info
"""

EXAMPLES = r"""
- name: Find the images of the site
  jetstream.cloud.jetstream_image_info:
    name: Featured-*
    visibility: public
    newest: true
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.name }} of {{ item.created }} needs a disk of {{ item.min_disk }} GB"
  loop: "{{ found.images }}"
  loop_control:
    label: "{{ item.name }}"

- name: Find my own snapshots
  jetstream.cloud.jetstream_image_info:
    owner: me

- name: Find a hidden image
  jetstream.cloud.jetstream_image_info:
    name: Featured-Ubuntu22
    hidden: true
"""

RETURN = r"""
images:
  description: The images by name, the newest first for equal names.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description:
        - The UUID. As O(jetstream.cloud.jetstream_instance#module:image), it selects exactly this image.
        - On Atmosphere, that of the machine.
      type: str
      sample: 1d355b5f-4f28-40a1-91c6-33f7111af908
    name:
      description: The name, or the UUID if the image has none.
      type: str
      sample: Featured-Ubuntu24
    version:
      description: The name of the version, on Atmosphere.
      type: str
      sample: v1.21
    application:
      description: On Atmosphere, the UUID of the image in results about instances.
      type: str
    status:
      description:
        - The state, in the cloud's own word. Only V(active) images can be launched.
        - On Atmosphere, V(active) or V(ended).
      type: str
      sample: active
    usable:
      description:
        - Whether a launch can use it by its name. It is active and not hidden.
        - A hidden image that is active can be launched by its UUID.
      type: bool
    hidden:
      description: Whether its owner has withdrawn it from the lists.
      type: bool
    visibility:
      description: V(public), V(private), V(shared) or V(community). V(null) if unknown.
      type: str
      sample: public
    owner:
      description: The ID of the project that it belongs to. On Atmosphere, the name of the user.
      type: str
    own:
      description: Whether it belongs to the project of the login, or to the user on Atmosphere.
      type: bool
    size:
      description: The size in GB. V(null) while unknown.
      type: float
      sample: 2.14
    min_disk:
      description: The minimum disk of a flavor in GB. V(null) on Atmosphere.
      type: int
      sample: 20
    min_ram:
      description: The minimum memory of a flavor in MB. V(0) for no limit, V(null) if unknown.
      type: int
      sample: 0
    created:
      description: The time of creation. ISO 8601, UTC.
      type: str
      sample: "2026-11-23T22:28:44Z"
    description:
      description: The description, if it has one.
      type: str
    tags:
      description: The tags of the image on Jetstream2.
      type: list
      elements: str
    provider:
      description: The site. On Jetstream2, the region.
      type: dict
      contains:
        name:
          description: The name of the provider.
          type: str
          sample: IU
        uuid:
          description: The UUID of the provider. On Jetstream2, the region.
          type: str
          sample: IU
"""

from ..module_utils._internal.operations.image_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
