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
      Works in the process of the controller if the task runs on the controller, which saves the start of a module.
    support: full
  async:
    description: Can run in the background. It then works as a module.
    support: full
  check_mode:
    description: Can report changes without making them.
  diff_mode:
    description: Shows the difference between before and after for C(--diff).
  idempotent:
    description: Reports no change when run again with the same options.
  platform:
    description: The platform of the host of the task, often C(localhost), never an instance.
    platforms: posix
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    support: full
    details:
      - Only reads, so check mode makes no difference.
  diff_mode:
    support: N/A
    details:
      - Only reads, so there is no difference.
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
