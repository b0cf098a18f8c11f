#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_hygiene_info
short_description: Return unused and stuck resources, and how to fix them
version_added: 1.0.0
description:
  - Reads instances, volumes, floating IPs, images of shelved instances, keep marks and allocations, and returns
    findings, each with its cost and, if there is one, the command that fixes it. Changes nothing.
  - Resources that the cloud is changing, or that changed within half an hour, are not reported.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
options:
  owner:
    description:
      - Only instances and volumes of these owners. V(me) is the account itself, V(any) means all users whose instances
        are visible. Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  asleep_days:
    description: The number of days after which a shut-off, suspended or paused instance is a finding.
    type: float
    default: 14.0
  ends_days:
    description: The number of days before its end at which an allocation becomes a finding.
    type: float
    default: 30.0
  keep_path:
    description:
      - The file on the controller with the keep marks of M(jetstream.cloud.jetstream_keep).
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
notes:
  - Floating IPs and images belong to the project, so they are findings only with V(me) and V(any). Atmosphere releases
    floating IPs itself, and its users have no images.
seealso:
  - module: jetstream.cloud.jetstream_idle_info
  - module: jetstream.cloud.jetstream_usage_report
"""

EXAMPLES = r"""
- name: Read the findings
  jetstream.cloud.jetstream_hygiene_info:
  register: hygiene

- name: Show them
  jetstream.cloud.jetstream_print:
    msg: "{{ hygiene.findings | jetstream.cloud.table(['name', 'sentence', 'su_per_day', 'command'], empty='Clean.') }}"
"""

RETURN = r"""
findings:
  description: The findings about instances, then volumes, keep marks and allocations.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(no_address), an instance that has run for half an hour without an address; V(asleep), one that was shut off,
          suspended or paused for O(asleep_days); V(stuck_shelved), one that is shelved and has no host; V(error), one
          in error.
        - V(unattached), V(stuck_volume) or V(volume_error) of volumes.
        - V(unattached_address), a floating IP; V(leftover_image), an image of an instance that is no longer shelved.
        - V(ended_keep), a keep mark in metadata that has ended, or V(unreadable_keep).
        - V(allocation_ends), an allocation that ends within O(ends_days), or has ended; V(unpaid), an instance
          that no allocation of the account pays for; V(unknown_rate), one whose flavor has no known rate.
      type: str
    thing:
      description: V(instance), V(volume) or V(allocation).
      type: str
    name:
      description: Its name.
      type: str
    id:
      description: Its number. On Jetstream2, the UUID.
      type: raw
    uuid:
      description: Its UUID.
      type: str
    owner:
      description: The user that owns it.
      type: str
    since:
      description: Since when, V(null) if unknown. ISO 8601, UTC.
      type: str
    su_per_day:
      description: The cost in SU per day. V(null) if unknown, or not in service units.
      type: float
    sentence:
      description: The threshold as a sentence.
      type: str
      sample: it has been shut off for 20 days, and still costs
    command:
      description: The command that fixes it, or V(null).
      type: str
summary:
  description: The sums.
  returned: success
  type: dict
  contains:
    findings:
      description: The number of findings.
      type: int
    kinds:
      description: The number of findings by kind.
      type: dict
    su_per_day:
      description: The sum of the known costs.
      type: float
    sentence:
      description: The sums as a sentence.
      type: str
"""

from ..module_utils._internal.operations.hygiene_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
