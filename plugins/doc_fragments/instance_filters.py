# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents options.INSTANCE_FILTERS."""

    DOCUMENTATION = r"""
options:
  status:
    description:
      - Only instances in one of these states, in the cloud's own words.
      - V(missing) is an instance that is still listed but no longer exists in the cloud.
    type: list
    elements: str
    choices:
      - active
      - build
      - deleted
      - error
      - hard_reboot
      - migrating
      - missing
      - password
      - paused
      - reboot
      - rebuild
      - redeploy
      - rescue
      - resize
      - shelved
      - shelved_offloaded
      - shutoff
      - soft_deleted
      - suspended
      - unknown
      - verify_resize
  project:
    description:
      - Only instances of these projects. Names, globs or UUIDs.
      - A name or UUID that no listed instance has is an error. A glob may match nothing. That also holds for the
        filters below.
    type: list
    elements: str
  flavor:
    description:
      - Only instances of these flavors. Names or globs, such as V(m1.tiny) or V(m1.*).
    type: list
    elements: str
    aliases:
      - size
  image:
    description:
      - Only instances launched from these images. Names, globs or UUIDs.
    type: list
    elements: str
  provider:
    description:
      - Only instances at these providers. Names, globs or UUIDs.
    type: list
    elements: str
  allocation_source:
    description:
      - Only instances charged to these allocation sources. Names, globs or UUIDs.
    type: list
    elements: str
"""
