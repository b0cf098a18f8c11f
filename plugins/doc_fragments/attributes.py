# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Says how a module behaves under Ansible's modes."""

    DOCUMENTATION = r"""
attributes:
  action:
    description: >-
      Does its work in the controller's own process where the task runs on the controller, which saves the start of a
      module.
    support: full
  async:
    description: Can run in the background. It does its work as a module then.
    support: full
  check_mode:
    description: Can report changes without making them.
  diff_mode:
    description: Shows the difference between before and after, in the form that C(--diff) prints.
  idempotent:
    description: Reports no change when run again with the same options.
  platform:
    description: What it runs on. That is the host of the task, often C(localhost), and never an instance.
    platforms: posix
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    support: full
    details:
      - Only reads, so it does the same with and without check mode.
  diff_mode:
    support: N/A
    details:
      - Only reads, so nothing is different afterwards.
  idempotent:
    support: full
    details:
      - Only reads, and never reports a change.
"""

    STATE = r"""
attributes:
  check_mode:
    support: full
    details:
      - Reads and plans as without check mode, and stops before the first action.
  diff_mode:
    support: full
  idempotent:
    support: full
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: >-
      Use C(group/jetstream.cloud.all) in C(module_defaults) to set options, such as those of the connection, once for
      all modules of this collection.
    support: full
    membership:
      - jetstream.cloud.all
"""
