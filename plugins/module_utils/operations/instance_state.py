# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jetstream_instance_state does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..fleet.converge import (
    Order,
    Run,
    Track,
    converge,
    foresee,
    state_text,
)
from ..fleet.selection import (
    INSTANCE_FIELDS,
    Selector,
    select_to_change,
)
from ..model import Instance, Outcome
from ..operation import Context
from ..options import (
    CONNECTION,
    IDENTIFIERS,
    INSTANCE_FILTERS,
    WAIT,
    ModuleSpec,
)
from ..states import Action, Goal
from ..usage.rates import DEFAULT_RATES

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + INSTANCE_FILTERS
    + WAIT
    + ModuleSpec(
        argument_spec={
            "state": {"type": "str", "required": True, "choices": [goal.value for goal in Goal]},
            "all": {"type": "bool", "default": False},
            "allow_wake": {"type": "bool", "default": False},
            "include_locked": {"type": "bool", "default": False},
            "max_changes": {"type": "int"},
            "reboot_type": {"type": "str", "default": "soft", "choices": ["soft", "hard"]},
        },
    )
)
# More failed instances than these are counted in the message, and named in the results only.
_NAMED_IN_MESSAGE = 3


def instance_state(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Bring the selected instances to a state, or say what that would take."""
    order = _order(options)
    selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec)
    _check(options, selector)
    chosen = select_to_change(cloud.list_instances(live=True, images=bool(options["image"])), selector, INSTANCE_FIELDS)
    if order.max_changes is not None:
        ahead = foresee(cloud, chosen, order)
        count = sum(track.changed for track in ahead.tracks)
        if count > order.max_changes:
            return _too_many(chosen, count, order.max_changes)
    if context.check_mode:
        return _outcome(foresee(cloud, chosen, order))
    return _outcome(converge(cloud, chosen, order, context.clock, report=context.report))


def _order(options: Mapping[str, Any]) -> Order:
    return Order(
        goal=Goal(options["state"]),
        reboot=Action.HARD_REBOOT if options["reboot_type"] == "hard" else Action.REBOOT,
        allow_wake=options["allow_wake"],
        include_locked=options["include_locked"],
        wait=options["wait"],
        timeout=options["wait_timeout"],
        max_changes=options["max_changes"],
    )


def _check(options: Mapping[str, Any], selector: Selector) -> None:
    if options["wait_timeout"] <= 0:
        raise ConfigurationError("wait_timeout must be more than 0 seconds.", hint="To not wait, say wait: false.")
    if options["max_changes"] is not None and options["max_changes"] < 0:
        raise ConfigurationError("max_changes must be 0 or more.")
    if selector.everything and selector.identifies:
        raise ConfigurationError("all: true and a name, id or uuid contradict each other.", hint="Say one of them.")
    selector.require_something()


def _too_many(chosen: Sequence[Instance], count: int, limit: int) -> Outcome:
    tracks = tuple(Track(each, each) for each in chosen)
    for track in tracks:
        track.end("not done")
    failure = f"{count} instances would be changed, and max_changes is {limit}; none was."
    return Outcome(_result(tracks), failure=failure)


def _outcome(run: Run) -> Outcome:
    warnings = () if run.tracks else ("Nothing matched, so nothing was done.",)
    return Outcome(
        _result(run.tracks),
        changed=any(track.changed for track in run.tracks),
        failure=_failure(run),
        warnings=warnings,
        diff=_diff(run.tracks),
    )


def _result(tracks: Sequence[Track]) -> dict[str, Any]:
    return {
        "instances": [_item(track) for track in tracks],
        "summary": {
            "selected": len(tracks),
            "changed": sum(track.changed for track in tracks),
            "unchanged": sum(not track.changed and not track.failed and not track.left for track in tracks),
            "left": sum(track.left for track in tracks),
            "failed": sum(track.failed for track in tracks),
        },
    }


def _item(track: Track) -> dict[str, Any]:
    return {
        "id": track.before.id,
        "uuid": track.before.uuid,
        "name": track.before.name,
        "before": state_text(track.before),
        "after": state_text(track.now),
        "actions": [action.value for action in track.actions],
        "changed": track.changed,
        "failed": track.failed,
        "left": track.left,
        "msg": track.message,
        "seconds": track.seconds or 0.0,
    }


def _failure(run: Run) -> str | None:
    """Return one sentence for all that failed: the reason if it is one instance, the first few if there are many."""
    failed = [track for track in run.tracks if track.failed]
    if run.stopped_by is not None:
        return f"{run.stopped_by} {len(failed)} of {len(run.tracks)} instances were not seen through."
    if not failed:
        return None
    named = "; ".join(_told(track) for track in failed[:_NAMED_IN_MESSAGE])
    if len(failed) == len(run.tracks) == 1:
        return f"{named}."
    more = f"; and {len(failed) - _NAMED_IN_MESSAGE} more" if len(failed) > _NAMED_IN_MESSAGE else ""
    return f"{len(failed)} of {len(run.tracks)} instances failed: {named}{more}."


def _told(track: Track) -> str:
    """Return why an instance has failed, with its name, which many errors have already."""
    why = track.message.rstrip(".")
    return why if track.before.label in why else f"{track.before.label}: {why}"


def _diff(tracks: Sequence[Track]) -> dict[str, str]:
    """Return state and cost of what changed, a line an instance, and what it adds up to."""
    changed = [track for track in tracks if track.changed]
    return {
        "before": _lines([track.before for track in changed]),
        "after": _lines([track.now for track in changed]),
    }


def _lines(instances: Sequence[Instance]) -> str:
    if not instances:
        return ""
    costs = [DEFAULT_RATES.su_per_hour(each.size, each.status) for each in instances]
    lines = [f"{each.label}: {state_text(each)}, {_cost(cost)}" for each, cost in zip(instances, costs, strict=True)]
    known = [cost for cost in costs if cost is not None]
    unknown = len(costs) - len(known)
    total = f"{_cost(sum(known, Decimal(0)))} in all" + (f", {unknown} of unknown cost not counted" if unknown else "")
    return "\n".join([*lines, total]) + "\n"


def _cost(cost: Decimal | None) -> str:
    return "cost unknown" if cost is None else f"{cost.normalize():f} SU/h"
