#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_keypair
short_description: Import the public key that instances are launched with
version_added: 1.0.0
description:
  - Ensures that there is, or is not, a key pair of that name with that public key. Only on Jetstream2.
  - It does not generate keys, so no private key is ever sent. Create one with C(ssh-keygen).
  - A key pair belongs to the user of the login. Other members of the project cannot see it, or launch with it.
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
      - The name. Nova takes the letters A to Z, digits, blanks, hyphens and underscores in that of a new key pair.
    type: str
    required: true
  state:
    description: Whether the key pair should exist.
    type: str
    choices:
      - present
      - absent
    default: present
  public_key:
    description:
      - The public key, a line such as C(ssh-ed25519 AAAAC3Nza... name@host). Required for O(state=present). The comment
        at its end is not compared.
    type: str
  replace:
    description:
      - Whether to replace a key pair of that name with another key. Without it, the task fails. Instances keep the key
        that they were launched with.
    type: bool
    default: false
seealso:
  - module: jetstream.cloud.jetstream_instance
"""

EXAMPLES = r"""
- name: Import the key of this machine
  jetstream.cloud.jetstream_keypair:
    name: laptop
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"

- name: Delete it
  jetstream.cloud.jetstream_keypair:
    name: laptop
    state: absent
"""

RETURN = r"""
keypair:
  description: The key pair. V(null) if it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: The name.
      type: str
      sample: laptop
    public_key:
      description: The public key.
      type: str
    fingerprint:
      description: The MD5 fingerprint of the key from Nova. V(null) in check mode for a new key pair.
      type: str
      sample: 6f:1a:2b:0c:5d:8e:77:19:aa:01:42:b3:c4:d5:e6:f7
unclear:
  description: Whether a request was sent with an unknown outcome. Then C(changed) is V(true) as well.
  returned: on failure, if this is the case
  type: bool
"""

from ..module_utils._internal.operations.keypair import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
