# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents options.IDLE_FILES."""

    DOCUMENTATION = r"""
options:
  readings_path:
    description:
      - The folder on the controller in which M(jetstream.cloud.jetstream_activity) keeps readings.
      - Without it, C(~/.local/state/jetstream/readings).
    type: path
  keep_path:
    description:
      - The file on the controller with the keep marks that M(jetstream.cloud.jetstream_keep) writes.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
"""
