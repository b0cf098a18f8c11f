# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invariants of the following runs, which have no faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...plugins.module_utils._internal.errors import SelectionError
from .checked_run import AT_REST, DELETING, FAILED_DEPLOYMENT, FOR_A_PERSON, GOALS, GONE, SLEEPING, CheckedRun, brief
from .expected import ExpectedSelection, expected
from .plans import ATMOSPHERE
from .records import Exchange
from .site import ActualState
from .trials import Trial


def healed(checked: CheckedRun) -> Iterator[str]:
    """Without faults, the results have the whole selection, each at its goal or with a true reason why not."""
    if not checked.is_undisturbed:
        return
    wanted, error = _expected_by(checked), checked.run.error
    if wanted.refused:
        if not isinstance(error, SelectionError):
            yield f"{wanted.refused}: not refused, but {error or 'carried out'}"
        return
    if error is not None:
        if not (isinstance(error, SelectionError) and _met_newcomer(checked)):
            yield f"it was refused: {error}"
        return
    items = {item["uuid"]: item for item in checked.run.items if not checked.is_newcomer(item["uuid"])}
    if not wanted.uuids <= set(items) <= wanted.uuids | wanted.maybe:
        missing = [checked.label(each) for each in wanted.uuids - set(items)]
        more = [checked.label(each) for each in set(items) - wanted.uuids - wanted.maybe]
        yield f"not in the results: {missing}; in the results, and not expected: {more}"
    for uuid, item in items.items():
        if uuid in checked.run.after and not checked.touched(uuid) and (why := _not_healed(checked, uuid, item)):
            yield f"{checked.label(uuid)}: {why} {brief(item)}"


def repeated_runs_change_nothing(checked: CheckedRun) -> Iterator[str]:
    """A run after a complete one sends nothing. Reboots are repeated: that is what they are for."""
    if checked.name != "repeated" or checked.goal == "rebooted" or checked.trial.recovery.error:
        return
    for each in checked.run.record.of(checked.run.client):
        if checked.is_newcomer(each.uuid):
            continue
        if each.uuid is not None and not each.is_read and not _retries_what_failed(checked, each):
            yield f"{each.action} was sent to {checked.label(each.uuid)}"


def nothing_refused_undisturbed(checked: CheckedRun) -> Iterator[str]:
    """The cloud refuses no action of an undisturbed run."""
    if not checked.is_undisturbed:
        return
    for each in checked.run.record.of(checked.run.client):
        if each.is_action and each.refused_by_cloud and not checked.touched(each.uuid or ""):
            before = checked.run.before[each.uuid or ""]
            shown = checked.shown(each.uuid or "", each.sent_at)
            # Atmosphere's list may be half a minute old, which nobody can tell.
            if not before.refuses and shown and shown[-1][1].text == before.text:
                yield f"{each.action} of {checked.label(each.uuid or '')} was refused (it began {before.text})"


def check_mode_foretells(trial: Trial) -> Iterator[str]:
    """If nothing happened between the two, the run does what check mode predicted."""
    if trial.struck or trial.rival or trial.faulty.result is None:
        return
    said = {item["uuid"]: item for item in trial.faulty.items if "cannot be read" not in item["msg"]}
    for item in trial.recovery.items:
        before = said.get(item["uuid"])
        # Where something is on its way leads, nobody knows; nor whether the site has locked it.
        is_moving = " - " in item["before"]
        actual = trial.recovery.before.get(item["uuid"])
        if (
            before is None
            or is_moving
            or (actual is not None and actual.locked_by_site)
            or before["before"] != item["before"]
            or "max_changes" in trial.plan.task.options
        ):
            continue
        if before["actions"] != item["actions"] or before["skipped"] != item["skipped"]:
            yield f"{brief(before)} was foretold, and {brief(item)} came"


def _expected_by(checked: CheckedRun) -> ExpectedSelection:
    """Return the selection of a run without faults, by the list that it read."""
    site, record = checked.trial.site, checked.run.record
    listed = {
        shown.uuid
        for each in record.of(checked.run.client)
        if each.is_read and _is_list(checked, each)
        for shown in each.shown
        if shown.text != "missing"
    }
    return expected(site, checked.options, listed, checked.statuses())


def _met_newcomer(checked: CheckedRun) -> bool:
    """Return whether a list had an instance that was launched meanwhile, which a name may select as well."""
    shown = (each for exchange in checked.run.record.of(checked.run.client) for each in exchange.shown)
    return any(checked.is_newcomer(each.uuid) for each in shown)


def _is_list(checked: CheckedRun, exchange: Exchange) -> bool:
    path = exchange.path.partition("?")[0]
    return path == ("/api/v2/instances" if checked.trial.plan.cloud == ATMOSPHERE else "/compute/servers/detail")


def _not_healed(checked: CheckedRun, uuid: str, item: Mapping[str, Any]) -> str:
    """Return the error of an instance after a run without faults, or ""."""
    actual_state = checked.run.after[uuid]
    if actual_state.status in GOALS[checked.goal] and actual_state.activity in AT_REST:
        return _wrong_at_goal(checked, uuid, item, actual_state)
    if item["skipped"]:
        return "" if _may_be_skipped(checked, uuid, actual_state) else f"skipped, and it is {actual_state.text}"
    if item["failed"]:
        return "" if _may_fail(checked, uuid, actual_state) else f"failed, and it is {actual_state.text}"
    return f"neither skipped nor failed, and it is {actual_state.text}"


def _wrong_at_goal(checked: CheckedRun, uuid: str, item: Mapping[str, Any], actual_state: ActualState) -> str:
    if checked.goal in ("started", "rebooted") and actual_state.activity in FAILED_DEPLOYMENT:
        return "" if item["failed"] else "its deployment has failed, and it has not"
    if checked.is_unreadable(uuid):
        return ""
    if checked.goal == "rebooted" and item["skipped"]:
        return "" if checked.is_left_locked(uuid) else "not rebooted"
    if checked.goal == "rebooted" and actual_state.locked_by_site and checked.includes_locked:
        return ""
    if item["failed"] or item["skipped"]:
        return f"failed or skipped, and it is {actual_state.text}"
    return ""


def _may_be_skipped(checked: CheckedRun, uuid: str, actual_state: ActualState) -> bool:
    if actual_state.activity in DELETING:
        return checked.is_asleep
    if (
        actual_state.status in GONE
        or (actual_state.status == "error" and checked.is_asleep)
        or checked.is_left_locked(uuid)
    ):
        return actual_state.status not in GONE or checked.is_asleep
    if actual_state.status not in SLEEPING or checked.goal == "started":
        return False
    if checked.goal == "shelved":
        return False
    return (
        not checked.options.get("allow_wake") or _cannot_be_woken(checked, actual_state) or checked.cannot_suspend(uuid)
    )


def _may_fail(checked: CheckedRun, uuid: str, actual_state: ActualState) -> bool:
    awake = checked.goal in ("started", "rebooted")
    if actual_state.status in FOR_A_PERSON or actual_state.activity not in AT_REST:
        return True
    if checked.is_unreadable(uuid) or (actual_state.locked_by_site and checked.includes_locked):
        return True
    if actual_state.status in GONE or actual_state.status == "error":
        return awake
    if actual_state.status == "active":
        return checked.goal == "suspended" and checked.cannot_suspend(uuid)
    return awake and _cannot_be_woken(checked, actual_state)


def _cannot_be_woken(checked: CheckedRun, actual_state: ActualState) -> bool:
    if checked.trial.plan.cloud == ATMOSPHERE:
        return actual_state.status == "paused"
    return actual_state.status == "shelved" and not actual_state.on_host


def _retries_what_failed(checked: CheckedRun, exchange: Exchange) -> bool:
    """Return whether an action is for an instance that the run before could not bring to its goal."""
    before = {item["uuid"]: item for item in checked.trial.recovery.items}
    item = before.get(exchange.uuid or "")
    # One that was not listed then came back since.
    return item is None or bool(item["failed"])
