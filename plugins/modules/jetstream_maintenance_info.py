#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_maintenance_info
short_description: Read announced maintenance
version_added: 1.0.0
description:
  - Returns the maintenance that an Atmosphere announces, also while its API is closed by it.
  - OpenStack has no such records, so that the task is refused on Jetstream2 before anything is sent. Jetstream2
    announces maintenance at U(https://jetstream.status.io).
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
options:
  past:
    description:
      - Whether to return maintenance that is over, too.
    type: bool
    default: false
seealso:
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Read the maintenance to come
  jetstream.cloud.jetstream_maintenance_info:
  register: announced

- name: End here while the API is closed
  ansible.builtin.meta: end_play
  when: announced.api_is_closed
"""

RETURN = r"""
maintenance:
  description: The records, the latest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number.
      type: int
      sample: 3
    title:
      description: The title.
      type: str
      sample: Scheduled maintenance
    message:
      description: The announcement.
      type: str
    start_date:
      description: When it begins. ISO 8601, UTC.
      type: str
      sample: "2026-11-24T12:00:00Z"
    end_date:
      description: When it ends. V(null) if that is not announced.
      type: str
    active:
      description: Whether it is going on.
      type: bool
    provider:
      description: The site that it is about. V(null) if it is about Atmosphere itself, whose API is closed meanwhile.
      type: dict
      contains:
        name:
          description: The name of the provider.
          type: str
          sample: Jetstream - Indiana University
        uuid:
          description: The UUID of the provider.
          type: str
api_is_closed:
  description: Whether the API is closed by maintenance now. Every other module fails meanwhile.
  returned: success
  type: bool
"""

from ..module_utils.operations.maintenance_info import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
