# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a launch would do, from the same plan (check mode). Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...model import ChangeKind, LaunchRecipe
from ...states import RestingState
from .differences import changed, refusal_text
from .launch_runs import FleetLaunch, Foreseen, LaunchRun, LaunchSettings, Stage
from .plans import LaunchPlan


def preview_launch(
    plan: LaunchPlan,
    recipe: LaunchRecipe | None,
    settings: LaunchSettings,
    refusals: Mapping[tuple[str, ChangeKind], str] | None = None,
) -> FleetLaunch:
    """Return what would be done, from the same plan.

    ``refusals``: why the cloud would refuse a change of an instance, by its name and the kind of change.
    """
    runs = []
    for present in plan.present:
        run = LaunchRun(present.name, present.replaced or present.instance, present.instance, stage=Stage.BUILT)
        run.meant = present.meant
        run.steps += ["remove failed launch"] * bool(present.remains) + ["remove twin"] * bool(present.twins)
        if present.problem is not None:
            run.finish(present.problem, failed=True)
        elif present.instance is None and recipe is not None:
            run.steps += ["delete"] * bool(present.replaced) + ["launch"]
            run.steps += ["assign address"] * (settings.options.wants_address and not settings.given_addresses)
            run.steps += [ChangeKind.SECURITY_GROUPS.value] * (settings.options.security_groups == ())
            run.steps += ["shelve"] * settings.shelved + ["lock"] * bool(settings.options.locked)
            run.foreseen = settings.launched
            run.finish(f"would {', then '.join(run.steps)}")
        elif present.instance is not None and present.instance.status == "error":
            run.finish(f"in error: {(present.instance.fault or 'the cloud gives no reason').rstrip('. ')}", failed=True)
        else:
            _preview_changes(run, settings, refusals or {})
        runs.append(run)
    return FleetLaunch(tuple(runs))


def _preview_changes(run: LaunchRun, settings: LaunchSettings, refusals: Mapping[tuple[str, ChangeKind], str]) -> None:
    if run.lacks_address(settings.options) and not settings.given_addresses:
        run.note("assign address")
    for change in settings.changes.get(run.name, ()):
        if run.now is not None and run.now.locked and change.kind is not ChangeKind.UNLOCK:
            run.finish(f"skipped: locked (to {change.kind}, set locked: false)", skipped=True)
            return
        refusal = refusals.get((run.name, change.kind))
        if refusal is not None:
            run.finish(refusal_text(change, refusal), failed=True)
            return
        run.note(change.kind.value)
        if change.kind is ChangeKind.FLAVOR and run.now is not None:
            run.foreseen = Foreseen(run.now.status, settings.flavor)
        run.now = changed(run.now, change) if run.now is not None else None
        if change.kind is ChangeKind.CONFIRM and run.now is not None:
            run.now = replace(run.now, status=RestingState.ACTIVE.value)
    run.finish(f"would {', then '.join(run.steps)}" if run.steps else f"already {run.state_text()}")
