# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the budget guard for the log of decisions. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ..model import Instance
from ..states import Action
from ..usage.rates import number_if_known
from .budget_guard import Candidate, Plan, Standing
from .budget_results import change_of
from .ladder import Step
from .records import Event, PolicyName, Record

_LASTS_WITHOUT = "the allocation lasts without that"


@dataclass(frozen=True, slots=True)
class GuardedInstance:
    """An instance that an allocation at its limit pays for.

    ``site`` and ``project`` are of its key in the log. ``is_planned``: whether the plan shelves it.
    """

    candidate: Candidate
    site: str
    project: str
    is_planned: bool

    @property
    def instance(self) -> Instance:
        """The instance."""
        return self.candidate.instance


def decided(
    of: GuardedInstance, standing: Standing, plan: Plan, reached: str, now: datetime, *, applies: bool
) -> Iterator[Record]:
    """Yield the decision about an instance, and, if it ``applies``, that the act begins.

    ``reached``: a clause, why the allocation is at its limit.
    """
    record = _record(of, standing, plan, reached, now, applies=applies)
    yield record
    if applies and of.is_planned:
        yield replace(record, event=Event.BEGUN)


def outcome(
    of: GuardedInstance,
    standing: Standing,
    plan: Plan,
    reached: str,
    now: datetime,
    *,
    event: Event,
    status: str,
    detail: str,
) -> Record:
    """Return the record of an act's outcome. ``status``: the cloud's word after it."""
    record = _record(of, standing, plan, reached, now, applies=True)
    return replace(record, event=event, status=status, detail=detail)


def _record(
    of: GuardedInstance, standing: Standing, plan: Plan, reached: str, now: datetime, *, applies: bool
) -> Record:
    candidate, instance = of.candidate, of.instance
    cost = number_if_known(candidate.cost)
    return Record(
        at=now,
        event=Event.DECIDED,
        site=of.site,
        project=of.project,
        uuid=instance.uuid,
        name=instance.name,
        policy=PolicyName.BUDGET,
        owner=instance.owner,
        status=instance.status,
        rule=standing.source.name,
        reason=reached,
        numbers=_numbers(standing, plan),
        step=(Step.ACT if of.is_planned else Step.NOTHING).value,
        action=Action.SHELVE.value,
        why=f"the budget guard of {standing.source.label}: {reached}; {change_of(standing, plan)}",
        vetoes=() if of.is_planned else (("not_shelved", _why_not(candidate)),),
        applies=applies,
        su_per_hour=None if cost is None else float(cost),
        # What is shelved costs nothing.
        saves_su_per_hour=None if cost is None else float(cost),
    )


def _why_not(candidate: Candidate) -> str:
    if candidate.veto is not None:
        return candidate.veto
    return "its cost is not known" if candidate.cost is None else _LASTS_WITHOUT


def _numbers(standing: Standing, plan: Plan) -> dict[str, float]:
    figures = {
        "percent_used": standing.estimated.percent_used,
        "remaining": standing.estimated.remaining,
        "days_left": standing.estimated.habit.days,
        "days_to_end": standing.days_to_end,
        "su_per_day_before": plan.before * 24,
        "su_per_day_after": plan.after * 24,
    }
    return {name: round(float(value), 3) for name, value in figures.items() if value is not None}
