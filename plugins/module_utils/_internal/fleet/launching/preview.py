# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a launch would do, from the same plan (check mode). Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from ...errors import FATAL_ERRORS, JetstreamError
from ...model import AssignedAddress, Change, ChangeKind, Instance, LaunchRecipe
from ...states import Kind
from ..runs import settled
from .differences import changed, locked_text, refusal_text
from .launch_runs import (
    FleetLaunch,
    Foreseen,
    LaunchRun,
    LaunchSettings,
    Stage,
    error_text,
    is_awaited,
    is_resumed,
    no_address_text,
    resume_resize,
    unchanged_text,
)
from .plans import LaunchPlan, Present

_SHUT_DOWN = "shut down"


class Refusal(Protocol):
    """Returns why the cloud would refuse a change of an instance, or None."""

    def __call__(self, instance: Instance, change: Change) -> str | None:
        """Return the reason, a clause."""


def as_it_will_be(instance: Instance, settings: LaunchSettings) -> Instance:
    """Return an instance as a run finds it before the first change: it waits for the end of what was begun."""
    if is_resumed(instance, settings.options):
        resized = instance if settings.flavor is None else replace(instance, flavor=settings.flavor)
        return _confirmed(resized)
    return settled(instance) if is_awaited(instance, wait=settings.wait) else instance


def preview_launch(
    plan: LaunchPlan,
    recipe: LaunchRecipe | None,
    settings: LaunchSettings,
    refusal: Refusal,
    addresses: Mapping[str, AssignedAddress | JetstreamError],
) -> FleetLaunch:
    """Return what would be done, from the same plan.

    ``addresses``: the floating IPs that instances would have, or why one cannot have any, by uuid. Raises FATAL_ERRORS
    of ``refusal``.
    """
    return FleetLaunch(tuple(_previewed(each, recipe, settings, refusal, addresses) for each in plan.present))


def _previewed(
    present: Present,
    recipe: LaunchRecipe | None,
    settings: LaunchSettings,
    refusal: Refusal,
    addresses: Mapping[str, AssignedAddress | JetstreamError],
) -> LaunchRun:
    run = LaunchRun(present.name, present.replaced or present.instance, present.instance, stage=Stage.BUILT)
    run.changes, run.meant = settings.changes.get(run.name, ()), present.meant
    run.steps += ["remove failed launch"] * bool(present.remains) + ["remove twin"] * bool(present.twins)
    if present.problem is not None:
        run.finish(present.problem, failed=True)
    elif present.instance is None and recipe is not None:
        _preview_new(run, settings, is_replaced=present.replaced is not None)
    elif present.instance is not None and run.observed.kind is Kind.ERROR:
        run.finish(error_text(present.instance), failed=True)
    elif present.instance is not None:
        _preview_resumed(run, settings)
        if not settings.wait and run.changes and (run.resize or is_awaited(present.instance, wait=False)):
            run.finish(unchanged_text(present.instance, run.changes), failed=True)
            return run
        run.now = as_it_will_be(present.instance, settings)
        _preview_address(run, addresses)
        _preview_changes(run, settings, refusal)
    return run


def _preview_new(run: LaunchRun, settings: LaunchSettings, *, is_replaced: bool) -> None:
    run.steps += ["delete"] * is_replaced + ["launch"]
    run.steps += ["assign address"] * (settings.options.wants_address and not settings.given_addresses)
    run.steps += [ChangeKind.SECURITY_GROUPS.value] * (settings.options.security_groups == ())
    run.steps += ["shelve"] * settings.shelved + ["lock"] * bool(settings.options.locked)
    run.foreseen = settings.launched
    run.finish(f"would {', then '.join(run.steps)}")


def _preview_resumed(run: LaunchRun, settings: LaunchSettings) -> None:
    """Foresee the end of a resize that an earlier run requested."""
    if run.meant:
        resume_resize(run, settings.options)
    if run.resize is not None and settings.wait:
        run.note(ChangeKind.CONFIRM.value)


def _confirmed(instance: Instance) -> Instance:
    """Return an instance after its resize: one that was shut off before is so again."""
    status = "shutoff" if instance.power_state == _SHUT_DOWN else "active"
    return replace(instance, status=status, activity="")


def _preview_address(run: LaunchRun, addresses: Mapping[str, AssignedAddress | JetstreamError]) -> None:
    found = addresses.get(run.now.uuid) if run.now is not None else None
    if run.now is None or found is None:
        return
    if isinstance(found, JetstreamError):
        run.finish(no_address_text(run, found), failed=True)
        return
    if found.is_new:
        run.note("assign address")
    run.now = replace(run.now, ip_address=found.address or None)


def _preview_changes(run: LaunchRun, settings: LaunchSettings, refusal: Refusal) -> None:
    for change in () if run.done else run.changes:
        if run.now is None:
            break
        if run.now.locked and change.kind is not ChangeKind.UNLOCK:
            run.finish(locked_text(run.now, change), skipped=True)
            return
        try:
            reason = refusal(run.now, change)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            run.finish(str(error), failed=True)
            return
        if reason is not None:
            run.finish(refusal_text(change, reason), failed=True)
            return
        run.note(change.kind.value)
        if change.kind is ChangeKind.FLAVOR:
            run.foreseen = Foreseen(run.now.status, settings.flavor)
        run.now = changed(run.now, change)
        if change.kind is ChangeKind.CONFIRM:
            run.now = _confirmed(run.now)
    if not run.done:
        run.finish(f"would {', then '.join(run.steps)}" if run.steps else f"already {run.state_text()}")
