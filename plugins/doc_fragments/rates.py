# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents options.RATES."""

    DOCUMENTATION = r"""
options:
  rates:
    description:
      - Rates that differ from those of this collection.
      - An instance of a flavor without a rate is not counted, and leads to a warning.
    type: dict
    suboptions:
      families:
        description:
          - Service units (SU) per hour and virtual core of an active instance, by the part of its flavor's name that
            is before the dot.
          - Known are V(m1) 1, V(m3) 1, V(r3) 2, V(g3) 2, V(g4) 7 and V(g5) 6.4.
        type: dict
      flavors:
        description:
          - SU per hour of an active instance, by the name of its flavor. Goes before O(rates.families).
        type: dict
        aliases:
          - sizes
      states:
        description:
          - The share, from 0 to 1, that is charged in a state.
          - Known are V(suspended) and V(paused) 0.75, V(shutoff) 0.5, and V(shelved), V(shelved_offloaded), V(build)
            and V(error) 0. Any other state is charged in full.
        type: dict
"""
