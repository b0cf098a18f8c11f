# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operations that act by a policy share: acts are recorded before they are sent, until they were reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from ..errors import JetstreamError
from ..fleet.runs import InstanceRun
from ..model import Instance
from ..operation import Context
from ..options import ModuleSpec
from ..policy.act_store import ActStore
from ..policy.acts import Act, open_uuids, records_of, resolved, settled
from ..policy.decisions import DecisionLog, DecisionLogError
from ..policy.instance_store import day_of
from ..policy.processes import is_alive, parent_process
from ..policy.records import PolicyName, Record
from ..states import Goal
from .run_record import profile_name

ACTS = ModuleSpec(argument_spec={"acts_path": {"type": "path"}})
_DECISIONS = Path(".local/state/jetstream/decisions")
_LONGEST_WAIT = 30.0


def decisions_path(options: Mapping[str, Any], context: Context) -> Path:
    """Return the folder of the log of decisions and of the notices."""
    return context.path(options["decisions_path"], _DECISIONS)


class ActRecord:
    """The record of acts of a run. Without ``acts_path``, and in check mode, it does nothing."""

    def __init__(self, options: Mapping[str, Any], context: Context, policy: PolicyName) -> None:
        """Read which acts of earlier runs are open."""
        self._context = context
        self._policy = policy.value
        self._options = options
        self._profile = profile_name(options, context)
        self._process = parent_process()
        path = None if context.check_mode else options["acts_path"]
        self._store = None if path is None else ActStore(Path(path), context.clock)
        self._open = self._open_uuids()

    def _open_uuids(self) -> frozenset[str]:
        try:
            return frozenset() if self._store is None else open_uuids(self._store.load(), self._profile)
        except JetstreamError as error:
            self._context.warn(str(error))
            return frozenset()

    def wanted(self, wanted: Callable[[Instance], bool]) -> Callable[[Instance], bool]:
        """Return a condition that also holds for the instances of open acts."""
        return lambda instance: instance.uuid in self._open or wanted(instance)

    def compare(self, listed: Sequence[Instance]) -> None:
        """Record what became of the acts of runs that did not end, by all instances of the account."""
        if not self._open:
            return
        now = self._context.clock.now().astimezone(UTC)

        def change(acts: Mapping[str, Act]) -> Mapping[str, Act]:
            resolution = resolved(acts, self._profile, listed, self._process, now, is_alive)
            # First the log: an act that is no longer open is not compared again.
            self._write(list(records_of(resolution, listed, now)))
            return resolution.acts

        self._change(change)

    def _write(self, records: Sequence[Record]) -> None:
        """Log what became of acts. The message about them is sent even if that fails."""
        try:
            DecisionLog(decisions_path(self._options, self._context), self._context.clock).write(records)
        except DecisionLogError as error:
            self._context.warn(str(error))

    def begin(self, instances: Sequence[Instance], goal: Goal) -> None:
        """Record that instances are about to be brought to a state. Raises ActStoreError: then nothing may be done."""
        if self._store is None or not instances:
            return
        now = self._context.clock.now().astimezone(UTC)
        acts = [
            Act(self._profile, self._policy, each.uuid, each.name, goal, self._process, now, seen=day_of(now))
            for each in instances
        ]
        new = {each.key: each for each in acts}
        self._store.update(lambda before: {**before, **new}, longest_wait=_LONGEST_WAIT)

    def settle(self, runs: Iterable[InstanceRun]) -> None:
        """Record what became of the acts of this run. A failure takes no result away: a later run finds out."""
        outcomes = {
            run.before.uuid: f"{'failed: ' if run.failed else ''}{run.message}" if run.changed or run.failed else ""
            for run in runs
        }
        if outcomes:
            self._change(lambda acts: settled(acts, outcomes, self._policy, self._process))

    def _change(self, change: Callable[[Mapping[str, Act]], Mapping[str, Act]]) -> None:
        if self._store is None:
            return
        try:
            self._store.update(change, longest_wait=_LONGEST_WAIT)
        except JetstreamError as error:
            self._context.warn(str(error))
