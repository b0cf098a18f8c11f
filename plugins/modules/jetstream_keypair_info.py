#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_keypair_info
short_description: Read the key pairs of the user
version_added: 1.0.0
description:
  - Returns the key pairs for launching instances. Only on Jetstream2.
  - A key pair belongs to the user of the login. Key pairs of other members of the project are not visible.
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
      - Names, or globs such as V(laptop*). An empty list selects nothing.
    type: list
    elements: str
seealso:
  - module: jetstream.cloud.jetstream_keypair
"""

EXAMPLES = r"""
- name: Read my key pairs
  jetstream.cloud.jetstream_keypair_info:
  register: keys

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ keys.keypairs | map(attribute='name') }}"
"""

RETURN = r"""
keypairs:
  description: The key pairs, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name, for O(jetstream.cloud.jetstream_instance#module:key_name).
      type: str
      sample: laptop
    public_key:
      description: The public key.
      type: str
    fingerprint:
      description: The MD5 fingerprint of the key from Nova.
      type: str
      sample: 6f:1a:2b:0c:5d:8e:77:19:aa:01:42:b3:c4:d5:e6:f7
"""

from ..module_utils._internal.operations.keypair_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
