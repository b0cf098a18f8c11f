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
      - The folder on the controller in which M(jetstream.cloud.jetstream_activity) stores readings.
      - Without it, C(~/.local/state/jetstream/readings).
    type: path
  settings_path:
    description:
      - A YAML file on the controller, with settings for all instances (C(defaults)), for some by name, owner and
        project (C(instances)), and with C(bounds) for the settings of owners in the metadata of their instances.
        docs/idle.md describes it. O(settings) takes precedence over its defaults.
      - Without it, O(settings) apply to all instances, and owners can set any number within the bounds of the rules.
    type: path
  console:
    description:
      - The running instances whose consoles to read, by one request each, for lines of the setup of Exosphere. These
        lines can prove that an instance is used. V(needed) reads those that readings do not show to be in use, V(all)
        all, and V(never) none. Atmosphere returns no consoles.
    type: str
    choices:
      - needed
      - all
      - never
    default: needed
  console_only:
    description:
      - Whether the console alone is enough evidence of idleness for an instance without readings in the window, with
        the rule C(console_only). It is for users who cannot log in to the instances. The console does not show
        interactive use, transfers and waiting jobs. docs/idle.md has its error rates.
      - It requires a flavor without GPU and with at most 32 vCPUs, and a console without gaps for the whole window.
    type: bool
    default: false
  keep_path:
    description:
      - The file on the controller with the keep marks of M(jetstream.cloud.jetstream_keep).
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  schedules_path:
    description:
      - The file of schedules for M(jetstream.cloud.jetstream_schedule). No action is taken on an idle instance while
        its schedule keeps it running.
    type: path
"""
