# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of instances before and after a task: figures for results, and lines for diffs. Pure functions.

An unknown cost is a dash, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..model import Flavor, Instance
from .rates import Rates, number_if_known

ABSENT = "absent"
# Check mode cannot predict the cloud's exact word for a state at rest, so a diff uses one word per state.
_WORDS = {"shelved_offloaded": "shelved"}


@dataclass(frozen=True, slots=True)
class CostedState:
    """A state of an instance: its words (``text``), and its cost in SU per hour, None if unknown."""

    text: str
    su_per_hour: Decimal | None
    flavor: str | None = None


# A missing instance costs nothing, whatever its flavor was.
NOT_THERE = CostedState(ABSENT, Decimal(0))


@dataclass(frozen=True, slots=True)
class InstanceCost:
    """The cost of an instance before and after a task. ``label``: its name in messages."""

    label: str
    before: CostedState
    after: CostedState

    @property
    def is_known(self) -> bool:
        """Whether both costs are known."""
        return self.before.su_per_hour is not None and self.after.su_per_hour is not None


def costed(text: str, flavor: Flavor | None, status: str, rates: Rates) -> CostedState:
    """Return a state with its cost. ``flavor``: None if unknown."""
    if flavor is None:
        return CostedState(text, None)
    return CostedState(text, rates.su_per_hour(flavor, status), flavor.name)


def costed_instance(text: str, instance: Instance, rates: Rates) -> CostedState:
    """Return the observed state of an instance, with its cost."""
    return costed(text, instance.flavor, instance.status, rates)


def total_costs(costs: Sequence[InstanceCost]) -> dict[str, Any]:
    """Return the sums in SU per hour, as a module returns them.

    An instance with an unknown cost is in none of the sums. If all costs are unknown, the sums are None.
    """
    known = [each for each in costs if each.is_known]
    before = sum((each.before.su_per_hour or Decimal(0) for each in known), Decimal(0))
    after = sum((each.after.su_per_hour or Decimal(0) for each in known), Decimal(0))
    is_known = bool(known) or not costs
    return {
        "before": number_if_known(before if is_known else None),
        "after": number_if_known(after if is_known else None),
        "difference": number_if_known(after - before if is_known else None),
        "unknown": [each.label for each in costs if not each.is_known],
    }


def cost_lines(states: Iterable[tuple[str, CostedState]]) -> str:
    """Return the text of a diff: a line for each instance, by its label, and one for the total."""
    named = list(states)
    if not named:
        return ""
    lines = [_line(label, state) for label, state in named]
    known = [state.su_per_hour for _label, state in named if state.su_per_hour is not None]
    unknown = len(named) - len(known)
    which = "this instance" if len(named) == 1 else f"these {len(named)} instances"
    left_out = f", without {unknown} of unknown cost" if unknown and known else ""
    total = f"{which}: {_figure(sum(known, Decimal(0)) if known else None)}{left_out}"
    return "\n".join([*lines, total]) + "\n"


def _line(label: str, state: CostedState) -> str:
    if state == NOT_THERE:
        return f"{label}: {ABSENT}"
    why = f" ({state.flavor} has no known rate)" if state.su_per_hour is None and state.flavor else ""
    return f"{label}: {_WORDS.get(state.text, state.text)}, {_figure(state.su_per_hour)}{why}"


def _figure(cost: Decimal | None) -> str:
    return "- SU/h" if cost is None else f"{cost.normalize():f} SU/h"
