# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invariants of the requests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .checked_run import AT_REST, CANNOT_BE_SUSPENDED, REBOOTS, TAKEN_IN, TAKEN_IN_ERROR, WAKING, CheckedRun
from .expected import permitted
from .plans import ATMOSPHERE, JETSTREAM2
from .records import Exchange, Outcome, Shown


def nothing_outside(checked: CheckedRun) -> Iterator[str]:
    """Only expected instances are acted on, and only actions are requested."""
    allowed = permitted(checked.trial.site, checked.options, checked.statuses())
    for each in checked.run.record.of(checked.run.client):
        if each.is_read or each.path.endswith(("/auth", "/auth/tokens")) or checked.is_newcomer(each.uuid):
            continue
        if each.uuid is None:
            yield f"{each.method} {each.path} is no action"
        elif each.uuid not in allowed:
            yield f"{each.action} was sent to {checked.label(each.uuid)}, which is not expected"
    for url in checked.run.record.strangers:
        yield f"another server was asked: {url}"


def nothing_refusable(checked: CheckedRun) -> Iterator[str]:
    """No request is sent that would be refused in the states that the client has read."""
    for each in checked.run.record.of(checked.run.client):
        if not each.is_action or each.uuid is None or checked.is_newcomer(each.uuid):
            continue
        observations = checked.shown(each.uuid, each.sent_at)
        if not observations:
            yield f"{each.action} was sent to {checked.label(each.uuid)}, whose state was never read"
        elif not observations[-1][1].odd and (why := would_be_refused(checked, each, observations[-1][1])):
            yield f"{each.action} was sent to {checked.label(each.uuid)} at {each.sent_at:.1f} s: {why}"


def nothing_twice(checked: CheckedRun) -> Iterator[str]:
    """No accepted action and no reboot is sent again, and no other action before two polls show it undone."""
    for uuid in checked.trial.site.uuids:
        sent = [each for each in checked.actions(uuid) if each.outcome is not Outcome.NOT_EXECUTED]
        for before, after in pairwise(sent):
            if before.action != after.action and not (before.action in REBOOTS and after.action in REBOOTS):
                continue
            if why := _may_not_follow(checked, before, after):
                yield f"{after.action} was sent to {checked.label(uuid)} again at {after.sent_at:.1f} s: {why}"
        reboots = [each for each in checked.accepted(uuid, late=False) if each in REBOOTS]
        if len(reboots) > 1:
            yield f"{checked.label(uuid)} was rebooted {len(reboots)} times"


def nothing_woken_unasked(checked: CheckedRun) -> Iterator[str]:
    """A sleeping instance is woken on the way to another sleep, or for a reboot, only with allow_wake."""
    if checked.goal == "started" or (checked.options.get("allow_wake") and checked.goal != "shelved"):
        return
    for each in checked.run.record.of(checked.run.client):
        if each.action in WAKING:
            yield f"{each.action} was sent to {checked.label(each.uuid or '')}"


def nothing_unlocked_unasked(checked: CheckedRun) -> Iterator[str]:
    """An instance is unlocked only with include_locked."""
    for each in checked.run.record.of(checked.run.client):
        if each.action == "unlock" and not checked.includes_locked:
            yield f"unlock was sent to {checked.label(each.uuid or '')}"


def check_mode_writes_nothing(checked: CheckedRun) -> Iterator[str]:
    """Check mode sends only reads and logins."""
    if checked.run.task.check_mode:
        for each in checked.run.record.of(checked.run.client):
            if each.uuid is not None and not each.is_read:
                yield f"{each.action} was sent to {checked.label(each.uuid)}"


def max_changes_is_kept(checked: CheckedRun) -> Iterator[str]:
    """No more instances than max_changes are acted on."""
    most = checked.run.task.options.get("max_changes")
    acted_on = {each.uuid for each in checked.run.record.of(checked.run.client) if each.is_action}
    if most is not None and len(acted_on) > most:
        yield f"{len(acted_on)} instances were acted on, and max_changes is {most}"


def would_be_refused(checked: CheckedRun, exchange: Exchange, shown: Shown) -> str:
    """Return why a cloud refuses an action on an instance in the state that was read; "" if it accepts it."""
    action, flavor = exchange.action or "", checked.member(exchange.uuid or "").flavor
    if checked.trial.plan.cloud == ATMOSPHERE and action == "unpause":
        return "Atmosphere cannot unpause"
    if action == "suspend" and flavor.startswith(CANNOT_BE_SUSPENDED):
        return f"{flavor} cannot be suspended"
    if shown.locked and not checked.includes_locked:
        return "it was shown locked"
    if shown.status == "error":
        taken = checked.trial.plan.cloud == JETSTREAM2 and action in TAKEN_IN_ERROR and not shown.activity
        return "" if taken else f"it was shown {shown.text}"
    if shown.status not in TAKEN_IN[action] or shown.activity not in AT_REST:
        return f"it was shown {shown.text}"
    return ""


def _may_not_follow(checked: CheckedRun, before: Exchange, after: Exchange) -> str:
    """Return why an action may not be repeated, or ""."""
    if before.outcome is Outcome.ACCEPTED:
        return "it was accepted before"
    if before.action in REBOOTS and before.outcome is Outcome.UNKNOWN:
        return "a reboot that may have been carried out is never repeated"
    observations = [
        shown
        for exchange, shown in checked.shown(before.uuid or "", after.sent_at)
        if exchange.sent_at >= (before.answered_at or 0.0)
    ]
    if before.outcome is Outcome.REFUSED:
        return "" if observations else "it was refused before, and not looked at since"
    undone = [each for each in observations[-2:] if not would_be_refused(checked, after, each)]
    return (
        ""
        if len(undone) == 2
        else f"{before.outcome.value} before, and seen since: {[each.text for each in observations]}"
    )
