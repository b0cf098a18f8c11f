# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents options.IDENTIFIERS."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Names, or globs such as V(lab-*). Numbers and UUIDs are accepted as well.
      - An exact name is never interpreted as a glob.
      - O(name), O(id) and O(uuid) add up. Filters then narrow the selection.
      - An empty list selects nothing, as for every selecting option.
    type: list
    elements: str
  id:
    description:
      - Numbers, as the web page shows them.
    type: list
    elements: str
  uuid:
    description:
      - UUIDs.
    type: list
    elements: str
  exclude:
    description:
      - Names, globs, numbers or UUIDs to exclude from the selection, even if other options select them.
      - A name that is not there fails a task that changes something, and is a warning elsewhere. A glob that fits
        nothing is a warning.
    type: list
    elements: str
"""
