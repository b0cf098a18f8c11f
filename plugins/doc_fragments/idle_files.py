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
  settings_path:
    description:
      - A file of YAML on the controller, with settings of all instances (C(defaults)), of some of them by name, owner
        and project (C(instances)), and with the C(bounds) of what owners may set in the metadata of their instances.
        docs/idle.md describes it. O(settings) takes precedence over its defaults.
      - Without it, all instances have the settings of O(settings), and owners may set any number within the bounds of
        the rules.
    type: path
  console:
    description:
      - Of which running instances to read the lines that Exosphere's set-up prints on their console, by one request
        each. They can prove that an instance is used. V(needed) is of those that the readings do not show to be in
        use, V(all) of all, and V(never) of none. Atmosphere returns no consoles.
    type: str
    choices:
      - needed
      - all
      - never
    default: needed
  console_only:
    description:
      - Whether the console alone is enough to call an instance idle of which there are no readings in the window, with
        the rule C(console_only). That is for people who cannot log in to the instances; it sees neither people at work,
        nor transfers, nor jobs that wait. docs/idle.md has its error rates.
      - It needs a flavor without GPU and with at most 32 vCPUs, and a console without gaps for the whole window.
    type: bool
    default: false
  keep_path:
    description:
      - The file on the controller with the keep marks that M(jetstream.cloud.jetstream_keep) writes.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  schedules_path:
    description:
      - The file of schedules that M(jetstream.cloud.jetstream_schedule) carries out. An instance is not put away while
        its schedule wants it to run, however idle it is.
    type: path
"""
