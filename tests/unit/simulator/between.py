# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry of the steps between recorded requests, which script.py and later_script.py fill."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.jetstream.cloud.tests.unit.simulator.stage import Stage

Do = Callable[[Stage], None]

_STEPS: dict[int, Do] = {}


def steps(after: int, until: int) -> list[Do]:
    """Return the steps after one exchange and before another, in their order."""
    return [do for number, do in sorted(_STEPS.items()) if after < number <= until]


def before(number: int) -> Callable[[Do], Do]:
    """Register a step right before the exchange with a number, or in its place if that is left out."""

    def note(do: Do) -> Do:
        if number in _STEPS:
            raise ValueError(f"two steps before {number}")
        _STEPS[number] = do
        return do

    return note
