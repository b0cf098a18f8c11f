# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..module_utils._internal.flavors import FAMILIES

*_FIRST, _LAST = [f"V({name}) {family.su_per_core_hour}" for name, family in FAMILIES.items()]


class ModuleDocFragment:
    """Documents options.RATES, with the rates of the families."""

    # With its type: ansible-test reads the values of plain assignments, and expects text there.
    DOCUMENTATION: str = f"""
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
          - Known are {", ".join(_FIRST)} and {_LAST}.
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
