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
  - Returns the maintenance that an Atmosphere site announces, also while it closes the API.
  - OpenStack has no such records, so the task fails on Jetstream2 before any request. Jetstream2 announces maintenance
    at U(https://jetstream.status.io).
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
      - Whether to return past maintenance as well.
    type: bool
    default: false
seealso:
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Read the coming maintenance
  jetstream.cloud.jetstream_maintenance_info:
  register: announced

- name: End the play while the API is closed
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
      description: The start. ISO 8601, UTC.
      type: str
      sample: "2026-11-24T12:00:00Z"
    end_date:
      description: The end. V(null) if it is not announced.
      type: str
    active:
      description: Whether it is in progress.
      type: bool
    provider:
      description: The provider in maintenance. V(null) for Atmosphere itself, whose API is then closed.
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
  description: Whether maintenance closes the API now. Then every other module fails.
  returned: success
  type: bool
"""

from ..module_utils._internal.operations.maintenance_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
