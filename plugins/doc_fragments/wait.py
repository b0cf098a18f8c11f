# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents options.WAIT."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until every instance has reached the state.
      - Without it, RV(ignore:changed) means that the cloud has accepted the action, not that it is complete.
    type: bool
    default: true
  wait_timeout:
    description:
      - The timeout in seconds for all instances together to reach the state. The others have failed.
    type: float
    default: 900.0
"""
