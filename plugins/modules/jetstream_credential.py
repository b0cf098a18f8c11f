#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_credential
short_description: Save the login of a Jetstream account in a profile
version_added: 1.0.0
description:
  - Saves a login in a named profile of C(~/.config/jetstream/profiles.toml), which every module of this collection
    reads. Only its owner can read the file.
  - For Jetstream2, a login is the name of a cloud in C(clouds.yaml), or an application credential; for Atmosphere, a
    username and its password, or a token.
  - The login is verified before it is saved.
  - The file is written as a whole or not at all. Other profiles, and comments, stay as they are.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  state:
    description:
      - V(present) saves the connection options that are set; other settings of the profile are kept. A login replaces
        any other login of the profile.
      - V(absent) removes the profile.
    type: str
    choices:
      - present
      - absent
    default: present
  verify:
    description:
      - Whether to log in first, and save nothing if that fails.
      - An application credential whose access rules do not allow reading the allocations is saved as well.
    type: bool
    default: true
notes:
  - O(profile) is the profile to save; without it, that is V(default).
  - Only options are saved, not settings from the environment or another profile.
  - V(verify=true) logs in even if nothing changes.
seealso:
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Save a cloud of clouds.yaml as the default
  jetstream.cloud.jetstream_credential:
    cloud: TG_GEO160014_IU

- name: Save an application credential of Jetstream2, where there is no clouds.yaml
  jetstream.cloud.jetstream_credential:
    profile: course
    application_credential_id: 0123456789abcdef0123456789abcdef
    application_credential_secret: "{{ vault_jetstream2_secret }}"

- name: Save a login for Atmosphere
  jetstream.cloud.jetstream_credential:
    username: johndoe
    password: "{{ vault_jetstream_password }}"

- name: Save a token for another site in a separate profile
  jetstream.cloud.jetstream_credential:
    profile: cyverse
    api_url: https://atmo.cyverse.org
    token: "{{ vault_cyverse_token }}"

- name: Remove a profile
  jetstream.cloud.jetstream_credential:
    profile: cyverse
    state: absent
"""

RETURN = r"""
profile:
  description: The name of the profile.
  returned: success
  type: str
  sample: default
path:
  description: The file of the profile.
  returned: success
  type: str
  sample: /home/johndoe/.config/jetstream/profiles.toml
"""

from ..module_utils._internal.operations.credential import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
