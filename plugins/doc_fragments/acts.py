# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents operations.acts.ACTS."""

    DOCUMENTATION = r"""
options:
  acts_path:
    description:
      - The file on the controller in which each act is recorded before it is sent, and its outcome after it, until
        M(jetstream.cloud.jetstream_delivery) has reported it. The outcome of an act of a run that was killed is read
        from the cloud by a later run. What cannot be recorded is not done.
      - Without it, a run that is killed before its report is sent is not made up for.
    type: path
    version_added: 1.1.0
"""
