#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_identity_info
short_description: Read the accounts at providers that the login can use
version_added: 1.0.0
description:
  - Returns identities and providers, in terms of Atmosphere.
  - On Jetstream2, there is one of each, the user of the login in its project, and the region. They are returned without
    a request.
  - Credentials of identities are not returned.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
seealso:
  - module: jetstream.cloud.jetstream_instance
  - module: jetstream.cloud.jetstream_quota_info
"""

EXAMPLES = r"""
- name: Read my identities
  jetstream.cloud.jetstream_identity_info:
  register: found

- name: Show where instances can be launched
  ansible.builtin.debug:
    msg: "{{ found.identities | rejectattr('can_launch', 'eq', false) | map(attribute='provider.name') }}"
"""

RETURN = r"""
identities:
  description: The identities. On Atmosphere, they include identities that others share.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description:
        - The UUID, for O(jetstream.cloud.jetstream_instance#module:identity). On Jetstream2, that of the user.
      type: str
    name:
      description: The name in the API.
      type: str
      sample: "Username: johndoe, Project:johndoe"
    user:
      description: The user that owns it.
      type: str
      sample: johndoe
    own:
      description: Whether it belongs to the user of the login.
      type: bool
    can_launch:
      description:
        - Whether instances can be launched with it. Only leaders can launch with a shared identity.
        - V(null) on Jetstream2, where the roles of the login decide.
      type: bool
    groups:
      description: The groups that it is shared with, on Atmosphere.
      type: list
      elements: str
    project:
      description: The project of the login, on Jetstream2.
      type: dict
      contains:
        name:
          description: The name of the project.
          type: str
          sample: TG-GEO160014
        uuid:
          description: The UUID of the project.
          type: str
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
providers:
  description: The providers. V(null) if they could not be read.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The UUID. On Jetstream2, the name of the region.
      type: str
    name:
      description: The name.
      type: str
      sample: Jetstream - Indiana University
    description:
      description: The description, on Atmosphere.
      type: str
    active:
      description: Whether it is active on Atmosphere. V(null) on Jetstream2.
      type: bool
"""

from ..module_utils._internal.operations.identity_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
