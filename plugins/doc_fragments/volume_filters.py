# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents options.VOLUME_FILTERS."""

    DOCUMENTATION = r"""
options:
  status:
    description:
      - Only volumes in one of these states, in the cloud's own words.
      - A volume's status is known only with O(live=true).
    type: list
    elements: str
    choices:
      - attaching
      - available
      - awaiting-transfer
      - backing-up
      - creating
      - deleting
      - detaching
      - downloading
      - error
      - error_backing-up
      - error_deleting
      - error_extending
      - error_managing
      - error_restoring
      - extending
      - in-use
      - maintenance
      - managing
      - reserved
      - restoring-backup
      - retyping
      - unmanaging
      - uploading
  project:
    description:
      - Only volumes of these projects. Names, globs or UUIDs.
      - A name or UUID that no listed volume has is an error. A glob may match nothing. That also holds for the filters
        below.
    type: list
    elements: str
  provider:
    description:
      - Only volumes at these providers. Names, globs or UUIDs.
    type: list
    elements: str
"""
