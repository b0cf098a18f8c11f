# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invariants of the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .checked_run import (
    AT_REST,
    DEPLOYING,
    GOALS,
    GONE,
    LOCK_SECONDS,
    NO_ADDRESS,
    REBOOTS,
    ROUNDING,
    SETTLING,
    WAKING,
    CheckedRun,
    brief,
    is_late,
)
from .plans import ATMOSPHERE, JETSTREAM2
from .records import Exchange, Outcome
from .site import ActualState


def results_are_true(checked: CheckedRun) -> Iterator[str]:
    """Each instance's result agrees with the cloud."""
    if checked.run.task.check_mode:
        return
    for item in checked.run.items:
        if checked.is_newcomer(item["uuid"]):
            continue
        for problem in (
            *_about_actions(checked, item),
            *_about_state(checked, item),
            *_about_observations(checked, item),
        ):
            yield f"{checked.label(item['uuid'])}: {problem} {brief(item)}"


def nothing_is_forgotten(checked: CheckedRun) -> Iterator[str]:
    """Every sent action is in the results, whatever happened."""
    items = {item["uuid"] for item in checked.run.items}
    for each in checked.run.record.of(checked.run.client):
        if each.is_action and each.outcome is not Outcome.NOT_EXECUTED and each.uuid not in items:
            yield f"{each.action} was sent to {checked.label(each.uuid or '')}, which is not in the results"


def counts_agree(checked: CheckedRun) -> Iterator[str]:
    """The sums are those of the items, and the task has changed or failed if an item has."""
    run = checked.run
    if run.result is None:
        return
    items, summary = run.items, run.result["summary"]
    counts = {
        "selected": len(items),
        "changed": sum(each["changed"] for each in items),
        "unchanged": sum(not each["changed"] and not each["failed"] and not each["skipped"] for each in items),
        "skipped": sum(each["skipped"] for each in items),
        "failed": sum(each["failed"] for each in items),
    }
    for name, count in counts.items():
        if summary[name] != count:
            yield f"summary.{name} is {summary[name]}, and there are {count}"
    if run.changed != any(each["changed"] for each in items):
        yield f"changed is {run.changed}"
    if any(each["failed"] for each in items) and not run.failure:
        yield "an instance has failed, and the task has not"
    if len({each["uuid"] for each in items}) != len(items):
        yield "an instance has two results"


def time_is_kept(checked: CheckedRun) -> Iterator[str]:
    """A run ends within wait_timeout. Putting back a lock may take longer."""
    run = checked.run
    lifted = len({each.uuid for each in run.record.of(run.client) if each.action == "unlock"})
    allowed = float(run.task.options["wait_timeout"]) + run.frozen + lifted * (LOCK_SECONDS + ROUNDING) + ROUNDING
    took = run.ended - run.begun
    if took > allowed:
        yield f"it took {took:.2f} s, and wait_timeout is {run.task.options['wait_timeout']:g} s"


def no_bugs(checked: CheckedRun) -> Iterator[str]:
    """There is no traceback, and no message about a bug in the collection."""
    if checked.run.crash:
        yield checked.run.crash.strip().replace("\n", " | ")[-1500:]
    if "has a bug" in checked.run.text:
        text = checked.run.text
        at = text.index("has a bug")
        yield text[max(0, at - 100) : at + 300]


def no_secrets(checked: CheckedRun) -> Iterator[str]:
    """No secret is in the output, unless Ansible was told to hide it."""
    for secret in checked.trial.site.secrets():
        if secret in checked.run.text and secret not in checked.run.hidden:
            at = checked.run.text.index(secret)
            yield f"{secret!r} is in {checked.run.text[max(0, at - 120) : at + 60]!r}"


def locks_are_kept(checked: CheckedRun) -> Iterator[str]:
    """A locked instance is locked again, with its reason, or the result says that it is not."""
    if checked.trial.plan.cloud != JETSTREAM2:
        return
    messages = {item["uuid"]: item["msg"] for item in checked.run.items}
    for uuid in checked.trial.site.uuids:
        before, after = checked.run.before[uuid], checked.run.after[uuid]
        if not before.locked or after.text == "missing" or checked.touched(uuid) or _is_unlocked_late(checked, uuid):
            continue
        is_kept = (after.locked, after.lock_reason) == (True, before.lock_reason)
        if not is_kept and "lock" not in messages.get(uuid, ""):
            yield f"{checked.label(uuid)} has lost its lock, and the result does not say so"


def addresses_are_kept(checked: CheckedRun) -> Iterator[str]:
    """Unless an accepted action releases an address, it is kept, or the result says that it is lost."""
    messages = {item["uuid"]: item["msg"] for item in checked.run.items}
    for uuid in checked.trial.site.uuids:
        before, after = checked.run.before[uuid], checked.run.after[uuid]
        if before.address is None or after.address is not None or checked.touched(uuid) or after.text == "missing":
            continue
        if any(
            each in ("stop", "suspend", "shelve")
            for late in (False, True)
            for each in checked.accepted(uuid, late=late)
        ):
            continue
        if checked.actions(uuid) and "lost its address" not in messages.get(uuid, "") and knows(checked, uuid):
            yield f"{checked.label(uuid)} has lost its address, and the result does not say so"


def _about_actions(checked: CheckedRun, item: Mapping[str, Any]) -> Iterator[str]:
    uuid = item["uuid"]
    if not item["msg"]:
        yield "nothing is said of it."
    if item["skipped"] and (item["changed"] or item["failed"]):
        yield "skipped, and changed or failed."
    # A 503 that asks to come again says that nothing was done, but not in every client's eyes.
    doubtful = any(each.outcome is Outcome.UNKNOWN or each.status == 503 for each in checked.actions(uuid))
    doubtful = doubtful or any(_is_unread_refusal(checked, uuid, each) for each in checked.actions(uuid))
    if item["unclear"] and not doubtful:
        yield "unclear is true, and every response came."
    refused = any(each.outcome is Outcome.REFUSED and each.status != 409 for each in checked.actions(uuid))
    if (doubtful or (refused and checked.trial.plan.cloud == ATMOSPHERE)) and checked.touched(uuid):
        # Nobody can tell which of two that asked for the same brought it about.
        return
    accepted, late = checked.accepted(uuid, late=False), checked.accepted(uuid, late=True)
    if accepted and not item["changed"]:
        yield f"changed is false, and the cloud accepted {accepted}."
    if item["changed"] and not accepted and not late and not item["unclear"]:
        yield "changed is true, and the cloud accepted nothing."
    said, done = list(item["actions"]), _without_repeats(accepted)
    possible = [done, _without_repeats([*accepted, *late])]
    if said not in possible and not (item["unclear"] and said[:-1] in possible):
        yield f"the cloud accepted {accepted}, later {late}."


def _about_state(checked: CheckedRun, item: Mapping[str, Any]) -> Iterator[str]:
    uuid = item["uuid"]
    if (
        uuid not in checked.run.after
        or item["failed"]
        or item["skipped"]
        or checked.touched_since_last_observation(item)
    ):
        return
    actual_state = checked.run.after[uuid]
    if not checked.run.task.options.get("wait", True) or "max_changes is" in (checked.run.failure or ""):
        # Nothing was waited for.
        return
    if actual_state.status in GONE and checked.is_asleep:
        return
    if actual_state.status not in GOALS[checked.goal] or (
        actual_state.activity not in AT_REST and not _was_waited_for(checked, uuid, actual_state)
    ):
        yield f"not failed, and it is {actual_state.text}."
        return
    is_own = checked.goal == "rebooted" and not checked.touched(uuid)
    accepted = {*checked.accepted(uuid, late=False), *checked.accepted(uuid, late=True)}
    if is_own and not accepted & (REBOOTS | WAKING):
        yield "rebooted, and no reboot was accepted."


def _about_observations(checked: CheckedRun, item: Mapping[str, Any]) -> Iterator[str]:
    if item["failed"] and not item["actions"] and "last error" in item["msg"]:
        # It could never be read, and is as the database had it.
        return
    observations = checked.observations(item)
    if not observations or any(shown.odd for _exchange, shown in observations) or "cannot be read" in item["msg"]:
        return
    last = observations[-1][1]
    # Of one that failed, a list that was read for others may show more.
    possible = {shown.text for _exchange, shown in observations} if item["failed"] else {last.text}
    if item["after"] not in possible and not locked(checked, item["uuid"]):
        yield f"after is not as last shown, which was {last.text}."
    first = next((each.sent_at for each in checked.actions(item["uuid"])), None)
    earlier = {shown.text for _exchange, shown in checked.shown(item["uuid"], first)}
    if item["before"] not in earlier:
        yield f"before was never shown: {sorted(earlier)}."
    # A list of Atmosphere is read for some of its instances, and says nothing of the others to their runs.
    is_own = checked.trial.plan.cloud == JETSTREAM2 or item["uuid"] in observations[-1][0].path
    is_there = is_own and checked.is_asleep and last.status in GOALS[checked.goal] and not last.activity
    if item["failed"] and is_there and "lock" not in item["msg"]:
        yield f"failed, and it was last shown {last.text}."


def _was_waited_for(checked: CheckedRun, uuid: str, actual_state: ActualState) -> bool:
    """Return whether the run waited long enough for the deployment of a woken instance to begin."""
    if actual_state.activity not in DEPLOYING:
        return False
    sent = [each.at for each in checked.run.record.accepted_for(checked.run.client, uuid)]
    waited = checked.run.ended - max(sent, default=checked.run.begun)
    kept = actual_state.address is not None and actual_state.address == checked.run.before[uuid].address
    return waited >= (SETTLING if kept else NO_ADDRESS)


def knows(checked: CheckedRun, uuid: str) -> bool:
    """Return whether the client read an instance after its last action on it."""
    observations, sent = [each for each in checked.shown(uuid) if not each[1].odd], checked.actions(uuid)
    return bool(observations) and (not sent or observations[-1][0].sent_at >= (sent[-1].answered_at or 0.0))


def _is_unread_refusal(checked: CheckedRun, uuid: str, refused: Exchange) -> bool:
    """Return whether an action was refused, and the instance could not be read afterwards, so it may be carried out."""
    if refused.outcome is not Outcome.REFUSED:
        return False
    since = refused.answered_at or 0.0
    of_client = checked.run.record.of(checked.run.client)
    reads = [each for each in of_client if each.is_read and uuid in each.path and each.sent_at >= since]
    return not reads or not any(each.uuid == uuid and not each.odd for each in reads[0].shown)


def _is_unlocked_late(checked: CheckedRun, uuid: str) -> bool:
    """Return whether an unlock was carried out late, after the client had locked the instance again."""
    sent = checked.run.record.of(checked.run.client)
    return any(each.uuid == uuid and each.action == "unlock" and is_late(each) for each in sent)


def locked(checked: CheckedRun, uuid: str) -> bool:
    return checked.run.before[uuid].locked or checked.run.after[uuid].locked


def _without_repeats(actions: Sequence[str]) -> list[str]:
    return [each for at, each in enumerate(actions) if at == 0 or actions[at - 1] != each]
