# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules polls: when to poll pending instances, and which of them.

A poll of a whole fleet takes a cloud seconds, and a list of Atmosphere is only reliable every half minute. So a sample
is polled first. Once some of it have completed, the duration of the action is known, and the others are polled when all
of them can have completed. See docs/performance.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..states import Action

# Pauses are this fraction of the elapsed time: the longer an action takes, the less a moment matters.
_PAUSE_FRACTION = 0.25
_SHORTEST_PAUSE = 0.75
_LONGEST_PAUSE = 20.0
_SAMPLE = 4
# From this number of completions on, the others are expected to take as long.
_ENOUGH = 2


class Pending(Protocol):
    """An awaited item. ``since``: when its last action was accepted; ``polled_at``: the last poll after that."""

    actions: list[Action]
    since: float
    polled_at: float | None


Item = TypeVar("Item", bound=Pending)


@dataclass(frozen=True, slots=True)
class Poll(Generic[Item]):
    """The time of a poll, and its instances, the longest unpolled ones first."""

    at: float
    instances: list[Item]


class PollScheduler(Generic[Item]):
    """Schedules polls."""

    def __init__(self, jitter: Callable[[float], float], *, first_poll: float) -> None:
        """Begin without known durations.

        ``jitter`` lengthens or shortens a pause a little, so that parallel runs do not poll in step. ``first_poll``:
        the minimum seconds from an action to its completion.
        """
        self._jitter = jitter
        self._first_poll = first_poll
        self._durations: dict[Action | None, list[float]] = defaultdict(list)

    def next_poll(self, pending: Collection[Item], now: float) -> Poll[Item]:
        """Schedule the next poll of the pending instances, at least one."""
        groups: dict[Action | None, list[Item]] = defaultdict(list)
        for each in sorted(pending, key=lambda each: each.since):
            groups[_last_action(each)].append(each)
        polls = [self._poll_of_group(action, members, now) for action, members in groups.items()]
        soon = min(poll.at for poll in polls) + _SHORTEST_PAUSE
        together = [poll for poll in polls if poll.at <= soon]
        instances = sorted(
            (each for poll in together for each in poll.instances), key=lambda each: each.polled_at or 0.0
        )
        return Poll(max(poll.at for poll in together), instances)

    def learn(self, action: Action | None, seconds: float) -> None:
        """Record that the completion of an action was observed ``seconds`` after its acceptance."""
        self._durations[action].append(seconds)

    def _poll_of_group(self, action: Action | None, members: list[Item], now: float) -> Poll[Item]:
        """Schedule the poll of those that wait for the same action, given in the order of its acceptance."""
        oldest, youngest = members[0], members[-1]
        polls = [each.polled_at for each in members if each.polled_at is not None]
        if polls:
            at = max(max(polls) + self._pause(max(polls) - youngest.since), youngest.since + self._first_poll)
        else:
            at = max(now, oldest.since + self._jitter(self._first_poll))
        if len(members) <= _SAMPLE:
            return Poll(at, members)
        if len(self._durations[action]) < _ENOUGH:
            return Poll(at, _sample(members))
        all_completed = youngest.since + min(self._durations[action])
        if polls and max(polls) >= all_completed:
            return Poll(at, members)
        if polls and at < all_completed:
            # The action may have completed long before the poll, such as during the sending of others.
            return Poll(at, _sample(members))
        return Poll(max(now, all_completed), members)

    def _pause(self, passed: float) -> float:
        return self._jitter(min(max(_PAUSE_FRACTION * passed, _SHORTEST_PAUSE), _LONGEST_PAUSE))


def _last_action(item: Pending) -> Action | None:
    return item.actions[-1] if item.actions else None


def _sample(members: Sequence[Item]) -> list[Item]:
    """Return the first, the last, and some in between, since their actions were accepted at different times."""
    step = (len(members) - 1) / (_SAMPLE - 1)
    return [members[round(number * step)] for number in range(_SAMPLE)]
