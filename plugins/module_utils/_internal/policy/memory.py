# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about an instance that outlive a run: its notice, last action and sleep. Pure functions.

Times are in seconds since 1970, by the controller's clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from .claims import is_recent

# The time that a run may take to send the notices it has claimed, before another run sends them.
CLAIM = 600.0
# A time later than now by more than this was recorded before the clock was set back.
_TOLERANCE = 60.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to the owner.

    ``claimed``: when a run claimed it, 0 without a claim; ``claims``: the same by channel. ``begun``: the first claim
    without a recorded outcome. ``delivered``: the time of delivery by channel. ``rehearsed``: when a run in rehearsal
    would have sent it, 0 if never.
    """

    claimed: float = 0.0
    delivered: Mapping[str, float] | None = None
    rehearsed: float = 0.0
    begun: float = 0.0
    claims: Mapping[str, float] = field(default_factory=dict)

    def is_claimed(self, channel: str, now: float) -> bool:
        """Return whether another run may be sending it through a channel."""
        # Files of earlier versions have no claims by channel.
        made = self.claims.get(channel, 0.0 if self.claims else self.claimed)
        return bool(made) and is_recent(timedelta(seconds=now - made), timedelta(seconds=CLAIM))

    def without_claim(self, channel: str) -> Notice:
        """Return the notice after a run recorded the outcome of a delivery."""
        claims = {name: made for name, made in self.claims.items() if name != channel}
        return replace(self, claims=claims, claimed=self.claimed if claims else 0.0)

    @property
    def is_repeated(self) -> bool:
        """Whether an earlier run may have sent it: that run ended without recording a delivery."""
        return bool(self.claimed) and self.begun < self.claimed

    def delivered_to_all_at(self, channels: Collection[str], since: float) -> float | None:
        """Return the time of the last of all channels' deliveries; None if one is missing or older than ``since``."""
        delivered = self.delivered or {}
        if not channels or any(delivered.get(each, 0.0) < since for each in channels):
            return None
        return max(delivered[each] for each in channels)

    def missing(self, channels: Collection[str], since: float) -> list[str]:
        """Return the channels without a delivery since that time."""
        delivered = self.delivered or {}
        return [each for each in channels if delivered.get(each, 0.0) < since]


@dataclass(frozen=True, slots=True)
class Act:
    """An act that was begun. ``outcome``: done, failed or unclear; "" while unknown."""

    action: str
    began: float
    outcome: str = ""
    ended: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory of an instance.

    ``seen``: when a run last saw it. ``asleep``: since when it is asleep, by its history or by the first run that saw
    it asleep; 0 if it is awake. ``woken``: when a run first saw it awake after that.
    """

    name: str = ""
    seen: float = 0.0
    asleep: float = 0.0
    woken: float = 0.0
    notice: Notice | None = None
    act: Act | None = None

    def without_future(self, now: float) -> Remembered:
        """Return the memory without entries in the future, made before the clock was set back: notices are resent."""
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
        """Return the memory after a run saw the instance.

        ``awake`` is None if unknown. ``since``: since when it is off, if its history shows that.
        """
        seen = replace(self, name=name, seen=now)
        if awake is None:
            return seen
        if not awake:
            return replace(seen, asleep=since or self.asleep or now)
        if not self.asleep:
            return seen
        # The notice from before its sleep has expired. A new one is sent when it is idle again.
        return replace(seen, asleep=0.0, woken=now, notice=None, act=None)

    def without_notice(self) -> Remembered:
        """Return the memory without the notice."""
        return replace(self, notice=None)

    def claiming(self, channels: Sequence[str], now: float, since: float) -> Remembered:
        """Return the memory with this run's claim on the notice for some channels.

        ``since``: since when the instance is idle. The claim of an earlier run since then, without a recorded outcome,
        keeps its notice.
        """
        notice = self.notice or Notice()
        goes_on = bool(notice.claimed) and bool(notice.begun) and since <= notice.claimed <= now
        begun = notice.begun if goes_on else now
        claims = {**notice.claims, **dict.fromkeys(channels, now)}
        return replace(self, notice=replace(notice, claimed=now, begun=begun, claims=claims))

    def delivered(self, channel: str, now: float) -> Remembered:
        """Return the memory after a channel accepted the notice."""
        notice = (self.notice or Notice()).without_claim(channel)
        return replace(self, notice=replace(notice, delivered={**(notice.delivered or {}), channel: now}))

    def undelivered(self, channel: str) -> Remembered:
        """Return the memory after a failed delivery. The next run may repeat it at once."""
        return self if self.notice is None else replace(self, notice=self.notice.without_claim(channel))

    def rehearsed(self, now: float) -> Remembered:
        """Return the memory with a notice that a run in rehearsal would have sent."""
        return replace(self, notice=replace(self.notice or Notice(), rehearsed=now))

    def acting(self, action: str, now: float) -> Remembered:
        """Return the memory with an act that is about to be sent."""
        return replace(self, act=Act(action, now))

    def acted(self, outcome: str, now: float, reason: str = "") -> Remembered:
        """Return the memory with the outcome of its act."""
        if self.act is None:
            return self
        act = replace(self.act, outcome=outcome, ended=now, reason=reason)
        return replace(self, act=act, asleep=self.asleep or now if outcome == "done" else self.asleep)

    def to_json(self) -> dict[str, Any]:
        """Return plain values without the empty ones."""
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
    """Return the memory from the values of ``to_json``.

    Raises ValueError, TypeError, KeyError or AttributeError for anything else.
    """
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
    # Files of earlier versions have neither ``begun`` nor ``claims``.
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
