# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run to be checked: the rules of docs/states.md, written again, and the requests and states of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .faults import NEWCOMERS
from .plans import ATMOSPHERE, COLLEAGUE, Member
from .records import Exchange, Shown
from .stages import Run
from .trials import Trial

# The states in which a cloud accepts an action. In error, Jetstream2 accepts two.
TAKEN_IN: Mapping[str, frozenset[str]] = {
    "stop": frozenset({"active"}),
    "start": frozenset({"shutoff"}),
    "suspend": frozenset({"active"}),
    "resume": frozenset({"suspended"}),
    "shelve": frozenset({"active", "shutoff", "suspended", "paused"}),
    "unshelve": frozenset({"shelved", "shelved_offloaded"}),
    "unpause": frozenset({"paused"}),
    "reboot": frozenset({"active"}),
    "hard reboot": frozenset({"active"}),
}
TAKEN_IN_ERROR = frozenset({"stop", "hard reboot"})
REBOOTS = frozenset({"reboot", "hard reboot"})
WAKING = frozenset({"start", "resume", "unshelve", "unpause"})
SLEEPING = frozenset({"shutoff", "suspended", "paused", "shelved", "shelved_offloaded"})
GONE = frozenset({"missing", "deleted", "soft_deleted"})
DELETING = frozenset({"deleting", "soft-deleting"})
FOR_A_PERSON = frozenset({"rescue", "unknown", "verify_resize"})
FAILED_DEPLOYMENT = frozenset({"deploy_error", "boot_script_error"})
AT_REST = frozenset({"", "user_deploy_error", *FAILED_DEPLOYMENT})
DEPLOYING = frozenset({"initializing", "networking", "deploying", "redeploying"})
GOALS: Mapping[str, frozenset[str]] = {
    "started": frozenset({"active"}),
    "stopped": frozenset({"shutoff"}),
    "suspended": frozenset({"suspended"}),
    "shelved": frozenset({"shelved", "shelved_offloaded"}),
    "rebooted": frozenset({"active"}),
}
CANNOT_BE_SUSPENDED = ("r3", "g3", "g4", "g5")
# Seconds of the wait for a woken instance without a visible deployment: with its former address, and without.
SETTLING, NO_ADDRESS = 30.0, 180.0
LOCK_SECONDS = 30.0
# Seconds for which Atmosphere's list may show former states.
STALE = 30.0
ROUNDING = 0.05
# Elapsed seconds have one decimal.
TENTH = 0.06


@dataclass(frozen=True)
class CheckedRun:
    """A run to be checked, with its trial."""

    trial: Trial
    name: str
    run: Run

    @property
    def goal(self) -> str:
        """Return the state that the task requests."""
        return str(self.run.task.options["state"])

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the options of the task, with ids instead of the numbers of members."""
        site = self.trial.site
        known = {"id": site.ids, "uuid": site.uuids}
        return {
            name: [known[name][int(each.removeprefix("#"))] for each in value] if name in known else value
            for name, value in self.run.task.options.items()
        }

    @property
    def is_asleep(self) -> bool:
        """Return whether the requested state is one of sleep."""
        return self.goal in ("stopped", "suspended", "shelved")

    @property
    def includes_locked(self) -> bool:
        """Return whether the task includes locked instances."""
        return bool(self.run.task.options.get("include_locked"))

    @property
    def is_undisturbed(self) -> bool:
        """Return whether no fault and no other client disturbed the run."""
        return self.name in ("recovery", "repeated")

    def is_newcomer(self, uuid: str | None) -> bool:
        """Return whether an instance was launched meanwhile: the expected selection may or may not include it."""
        return uuid is not None and uuid.startswith(NEWCOMERS)

    def member(self, uuid: str) -> Member:
        """Return the member of the fleet with a uuid."""
        return self.trial.site.members[list(self.trial.site.uuids).index(uuid)]

    def label(self, uuid: str) -> str:
        """Return the name and the number of an instance."""
        number = list(self.trial.site.uuids).index(uuid) if uuid in self.trial.site.uuids else None
        return uuid if number is None else f"#{number} {self.trial.site.members[number].name!r}"

    def actions(self, uuid: str) -> list[Exchange]:
        """Return the requested actions on an instance."""
        return self.run.record.actions(self.run.client, uuid)

    def accepted(self, uuid: str, *, late: bool) -> list[str]:
        """Return the actions on an instance that the cloud accepted in time, or after the client's timeout."""
        return [accepted.action for each in self.actions(uuid) if is_late(each) == late for accepted in each.accepted]

    def shown(self, uuid: str, before: float | None = None) -> list[tuple[Exchange, Shown]]:
        """Return the cloud's own states of an instance that the client read, in order."""
        found = self.run.record.shown_to(self.run.client, uuid, before)
        return [(exchange, shown) for exchange, shown in found if shown.live]

    def statuses(self) -> dict[str, set[str]]:
        """Return the statuses of each instance that the client read before its first request to change it."""
        found: dict[str, set[str]] = {}
        for uuid in self.trial.site.uuids:
            first = next((each.sent_at for each in self.actions(uuid)), None)
            shown = list(self.run.record.shown_to(self.run.client, uuid, first))
            found[uuid] = {each.status for _exchange, each in shown}
        return found

    def touched(self, uuid: str, since: float = 0.0) -> bool:
        """Return whether another client changed an instance from a moment on."""
        return self.run.record.others_touched(self.run.client, uuid, since)

    def observations(self, item: Mapping[str, Any]) -> list[tuple[Exchange, Shown]]:
        """Return the states of an instance until its result. The run may wait for other instances after that."""
        return self.shown(item["uuid"], self.run.begun + float(item["elapsed"]) + TENTH)

    def touched_since_last_observation(self, item: Mapping[str, Any]) -> bool:
        """Return whether another client changed an instance after its last read, or just before."""
        uuid, observations = item["uuid"], self.observations(item)
        stale = STALE if self.trial.plan.cloud == ATMOSPHERE else 0.0
        return self.touched(uuid, self._begun_at(observations[-1][0]) - stale if observations else -STALE)

    def _begun_at(self, exchange: Exchange) -> float:
        """Return the time at which a read began. A list begins with its first page, and shows states with its last."""
        page = exchange.path.partition("?")[0]
        pages = [
            each
            for each in self.run.record.of(self.run.client)
            if each.sent_at <= exchange.sent_at and each.path.partition("?")[0] == page
        ]
        if "marker=" not in exchange.path:
            return exchange.sent_at
        return max((each.sent_at for each in pages if "marker=" not in each.path), default=exchange.sent_at)

    def is_left_locked(self, uuid: str) -> bool:
        """Return whether an instance must not be changed, since it is locked."""
        return self.run.before[uuid].locked and not self.includes_locked

    def is_unreadable(self, uuid: str) -> bool:
        """Return whether an instance belongs to a colleague whose identity is not shared."""
        shared = self.trial.plan.settings.get("share_identities", True)
        return self.member(uuid).owner == COLLEAGUE and not shared

    def cannot_suspend(self, uuid: str) -> bool:
        """Return whether the task suspends an instance whose flavor cannot be suspended."""
        return self.goal == "suspended" and self.member(uuid).flavor.startswith(CANNOT_BE_SUSPENDED)


def is_late(exchange: Exchange) -> bool:
    """Return whether the server handled a request after the client's timeout."""
    return (exchange.done_at or 0.0) > (exchange.answered_at or 0.0)


def brief(item: Mapping[str, Any]) -> str:
    """Return the result of an instance in one line."""
    flags = [name for name in ("changed", "failed", "skipped", "unclear") if item[name]]
    return f"[{item['before']} -> {item['after']}; {item['actions']}; {', '.join(flags) or 'unchanged'}; {item['msg']}]"
