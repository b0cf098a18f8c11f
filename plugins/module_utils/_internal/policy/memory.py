# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about an instance that outlive a run: its notice, its last action, its sleep. Pure functions.

Times are in seconds since 1970, by the controller's clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from .claims import is_recent

# For how long a run that set out to send a notice may take, before another run sends it.
CLAIM = 600.0
# What is later than now by more than this was noted before the clock was set back.
_TOLERANCE = 60.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to the owner.

    ``claimed`` is when a run set out to send it, 0 if none does, and ``claims`` when one did for each channel.
    ``begun`` is when the first run did so that did not note what became of it. ``delivered``: when each channel took
    it.
    ``rehearsed`` is when it would have been sent by a run that only says what it would do, 0 if never.
    """

    claimed: float = 0.0
    delivered: Mapping[str, float] | None = None
    rehearsed: float = 0.0
    begun: float = 0.0
    claims: Mapping[str, float] = field(default_factory=dict)

    def is_claimed(self, channel: str, now: float) -> bool:
        """Whether another run may be sending it by a channel just now."""
        # Files of before do not tell channels apart.
        made = self.claims.get(channel, 0.0 if self.claims else self.claimed)
        return bool(made) and is_recent(timedelta(seconds=now - made), timedelta(seconds=CLAIM))

    def without_claim(self, channel: str) -> Notice:
        """Return it after a run noted what became of the delivery by a channel."""
        claims = {name: made for name, made in self.claims.items() if name != channel}
        return replace(self, claims=claims, claimed=self.claimed if claims else 0.0)

    @property
    def is_repeated(self) -> bool:
        """Whether an earlier run may have sent it, since it was ended before it noted the delivery."""
        return bool(self.claimed) and self.begun < self.claimed

    def told(self, channels: Collection[str], since: float) -> float | None:
        """Return when all channels had taken it; None if one has not, or if the instance was used since."""
        delivered = self.delivered or {}
        if not channels or any(delivered.get(each, 0.0) < since for each in channels):
            return None
        return max(delivered[each] for each in channels)

    def missing(self, channels: Collection[str], since: float) -> list[str]:
        """Return the channels that have not taken it since that time."""
        delivered = self.delivered or {}
        return [each for each in channels if delivered.get(each, 0.0) < since]


@dataclass(frozen=True, slots=True)
class Act:
    """An act that was begun. ``outcome`` is "" as long as none is known, or done, failed or unclear."""

    action: str
    began: float
    outcome: str = ""
    ended: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that is remembered of an instance.

    ``seen`` is when a run last saw it. ``asleep`` is since when it sleeps by its history, or when a run first saw it
    asleep; 0 if it is awake. ``woken`` is when a run first saw it awake after that.
    """

    name: str = ""
    seen: float = 0.0
    asleep: float = 0.0
    woken: float = 0.0
    notice: Notice | None = None
    act: Act | None = None

    def without_future(self, now: float) -> Remembered:
        """Return it without what happened later than now, before the clock was set back: notices are sent again."""
        latest = now + _TOLERANCE
        notice, act = self.notice, self.act
        if notice is not None:
            delivered = {name: at for name, at in (notice.delivered or {}).items() if at <= latest}
            claims = {name: at for name, at in notice.claims.items() if at <= latest}
            is_of_future = notice.claimed > latest
            claimed, begun = (0.0, 0.0) if is_of_future else (notice.claimed, notice.begun)
            rehearsed = notice.rehearsed if notice.rehearsed <= latest else 0.0
            notice = Notice(claimed, delivered, rehearsed, begun, claims)
        if act is not None and act.began > latest:
            act = None
        asleep, woken = (at if at <= latest else now for at in (self.asleep, self.woken))
        return replace(self, asleep=asleep, woken=woken, notice=notice, act=act)

    def observed(self, name: str, now: float, *, awake: bool | None, since: float | None = None) -> Remembered:
        """Return it after a run saw the instance. ``awake`` is None if unknown.

        ``since`` is the time since when it is off, if its history shows it.
        """
        seen = replace(self, name=name, seen=now)
        if awake is None:
            return seen
        if not awake:
            return replace(seen, asleep=since or self.asleep or now)
        if not self.asleep:
            return seen
        # The notice before its sleep is no longer valid: it gets a new one when it is idle again.
        return replace(seen, asleep=0.0, woken=now, notice=None, act=None)

    def without_notice(self) -> Remembered:
        """Return it without the notice, which no longer holds."""
        return replace(self, notice=None)

    def claiming(self, channels: Sequence[str], now: float, since: float) -> Remembered:
        """Return it as one whose notice a run sets out to send by channels. ``since``: since when it is idle.

        The notice is still that of an earlier run that claimed it since then, and noted no outcome.
        """
        notice = self.notice or Notice()
        goes_on = bool(notice.claimed) and bool(notice.begun) and since <= notice.claimed <= now
        begun = notice.begun if goes_on else now
        claims = {**notice.claims, **dict.fromkeys(channels, now)}
        return replace(self, notice=replace(notice, claimed=now, begun=begun, claims=claims))

    def delivered(self, channel: str, now: float) -> Remembered:
        """Return it with a notice that a channel took."""
        notice = (self.notice or Notice()).without_claim(channel)
        return replace(self, notice=replace(notice, delivered={**(notice.delivered or {}), channel: now}))

    def undelivered(self, channel: str) -> Remembered:
        """Return it as one whose notice can be sent at once by the next run, by that channel."""
        return self if self.notice is None else replace(self, notice=self.notice.without_claim(channel))

    def rehearsed(self, now: float) -> Remembered:
        """Return it with a notice that would have been sent now."""
        return replace(self, notice=replace(self.notice or Notice(), rehearsed=now))

    def acting(self, action: str, now: float) -> Remembered:
        """Return it with an act that is about to be sent."""
        return replace(self, act=Act(action, now))

    def acted(self, outcome: str, now: float, reason: str = "") -> Remembered:
        """Return it with the outcome of its act."""
        if self.act is None:
            return self
        act = replace(self.act, outcome=outcome, ended=now, reason=reason)
        return replace(self, act=act, asleep=self.asleep or now if outcome == "done" else self.asleep)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without those that are empty."""
        given: dict[str, Any] = {
            name: value for name in ("name", "seen", "asleep", "woken") if (value := getattr(self, name))
        }
        if self.notice is not None:
            given["notice"] = {
                "claimed": self.notice.claimed,
                "delivered": dict(self.notice.delivered or {}),
                "rehearsed": self.notice.rehearsed,
                "begun": self.notice.begun,
                "claims": dict(self.notice.claims),
            }
        if self.act is not None:
            given["act"] = {name: getattr(self.act, name) for name in ("action", "began", "outcome", "ended", "reason")}
        return given


def remembered_of(values: Mapping[str, Any]) -> Remembered:
    """Return what ``to_json`` wrote. Raises ValueError, TypeError, KeyError or AttributeError for anything else."""
    notice, act = values.get("notice"), values.get("act")
    return Remembered(
        name=str(values.get("name", "")),
        seen=float(values.get("seen", 0.0)),
        asleep=float(values.get("asleep", 0.0)),
        woken=float(values.get("woken", 0.0)),
        notice=None if notice is None else _notice_of(notice),
        act=None if act is None else _act_of(act),
    )


def _notice_of(values: Mapping[str, Any]) -> Notice:
    delivered = {str(channel): float(at) for channel, at in values["delivered"].items()}
    # Files of before have neither when it was begun nor claims by channel.
    begun = float(values.get("begun", 0.0))
    claims = {str(channel): float(at) for channel, at in values.get("claims", {}).items()}
    return Notice(float(values["claimed"]), delivered, float(values["rehearsed"]), begun, claims)


def _act_of(values: Mapping[str, Any]) -> Act:
    return Act(
        str(values["action"]),
        float(values["began"]),
        str(values["outcome"]),
        float(values["ended"]),
        str(values["reason"]),
    )
