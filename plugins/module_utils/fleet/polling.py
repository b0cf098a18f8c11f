# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to look at instances that are on their way, and at which of them.

A look at a whole fleet costs a cloud seconds, and on Atmosphere a list can only be trusted every half minute. So a few
are looked at first. Once they have arrived, it is known how long it takes, and the others are looked at when they can
all be there. See docs/performance.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..states import Action

# Seconds after an action, before which none has been seen to be over.
_FIRST_LOOK = 3.0
# The later it is, the less a moment matters: pauses are this part of the time that has passed.
_PART = 0.25
_SHORTEST_PAUSE = 0.75
_LONGEST_PAUSE = 20.0
_SAMPLE = 4
# From so many arrivals it is taken that the others take as long.
_ENOUGH = 2


class Pending(Protocol):
    """What can be waited for. C(since): when it set out; C(polled_at): when it was last looked at, if it was since."""

    actions: list[Action]
    since: float
    polled_at: float | None


Someone = TypeVar("Someone", bound=Pending)


@dataclass(frozen=True, slots=True)
class Look(Generic[Someone]):
    """When to look, and at whom: those first that were not seen for longest."""

    at: float
    instances: list[Someone]


class PollScheduler(Generic[Someone]):
    """Plans looks. C(jitter) makes a pause a little longer or shorter, so that many runs do not look all together."""

    def __init__(self, jitter: Callable[[float], float]) -> None:
        """Know nothing yet."""
        self._jitter = jitter
        self._took: dict[Action | None, list[float]] = defaultdict(list)

    def next_poll(self, pending: Collection[Someone], now: float) -> Look[Someone]:
        """Plan the next look at those who are on their way, of whom there must be some."""
        groups: dict[Action | None, list[Someone]] = defaultdict(list)
        for each in sorted(pending, key=lambda each: each.since):
            groups[_last_action(each)].append(each)
        looks = [self._poll_group(action, members, now) for action, members in groups.items()]
        soon = min(look.at for look in looks) + _SHORTEST_PAUSE
        together = [look for look in looks if look.at <= soon]
        whom = sorted((each for look in together for each in look.instances), key=lambda each: each.polled_at or 0.0)
        return Look(max(look.at for look in together), whom)

    def learn(self, action: Action | None, seconds: float) -> None:
        """Take note that somebody was found to have ended an action, so many seconds after it began."""
        self._took[action].append(seconds)

    def _poll_group(self, action: Action | None, members: list[Someone], now: float) -> Look[Someone]:
        """Plan for those who wait for the same action, who come in the order in which they set out."""
        oldest, youngest = members[0], members[-1]
        looks = [each.polled_at for each in members if each.polled_at is not None]
        if looks:
            at = max(max(looks) + self._pause(max(looks) - youngest.since), youngest.since + _FIRST_LOOK)
        else:
            at = max(now, oldest.since + self._jitter(_FIRST_LOOK))
        if len(members) <= _SAMPLE:
            return Look(at, members)
        if len(self._took[action]) < _ENOUGH:
            return Look(at, _sample(members))
        all_there = youngest.since + min(self._took[action])
        if looks and max(looks) >= all_there:
            return Look(at, members)
        if looks and at < all_there:
            # Who arrived may have done so long before he was looked at, such as while others were still asked.
            return Look(at, _sample(members))
        return Look(max(now, all_there), members)

    def _pause(self, passed: float) -> float:
        return self._jitter(min(max(_PART * passed, _SHORTEST_PAUSE), _LONGEST_PAUSE))


def _last_action(traveller: Pending) -> Action | None:
    return traveller.actions[-1] if traveller.actions else None


def _sample(members: Sequence[Someone]) -> list[Someone]:
    """Take the first, the last, and some in between: they set out at different times."""
    step = (len(members) - 1) / (_SAMPLE - 1)
    return [members[round(number * step)] for number in range(_SAMPLE)]
