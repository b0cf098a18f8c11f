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
      - Names, or globs such as V(lab-*).
      - A name that is there exactly is never read as a glob.
      - What O(name), O(id) and O(uuid) say adds up. Filters then narrow it down.
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
      - Names, globs, numbers or UUIDs of what is not meant, whatever else is said.
    type: list
    elements: str
"""
