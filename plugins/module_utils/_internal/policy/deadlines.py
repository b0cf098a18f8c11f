# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines of instances: the times of shelving and deletion, the notices about them, and the actions.

Nothing here leads to a deletion. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from ..errors import ConfigurationError
from ..idle.advice import Veto
from ..idle.keeps import moment_of
from ..model import Instance
from ..text.terminal import one_line
from ..times import iso
from .claims import Claim, without
from .filters import passes

# A value in the metadata or in a row: the instance has no such deadline, and later rows do not apply.
NO_DEADLINE = "none"
MAY_SHELVE_KEY = "jetstream_may_shelve"
# Days before a deadline at which it is reported. 0 is the deadline itself.
DAYS = (7, 3, 1, 0)
_YEARS = (2000, 2200)
# Tolerance for differences between clocks.
_TOLERANCE = timedelta(minutes=1)
_YES, _NO = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})
_LONGEST_SHOWN = 40


class Kind(StrEnum):
    """The purpose of a deadline."""

    SHELVE_AT = "shelve_at"
    DELETE_WARN_AT = "delete_warn_at"

    @property
    def metadata_key(self) -> str:
        """Return the key in the metadata of an instance."""
        return f"jetstream_{self.value}"


class Step(StrEnum):
    """The decision about a ``shelve_at`` in a run.

    ``nothing``: there is none. ``ahead``: it is in the future. ``left``: shelving is not allowed, or a veto holds.
    ``wait``: the notice is too recent. ``act``: shelve it. ``done``: it needs no further action.
    """

    NOTHING = "nothing"
    AHEAD = "ahead"
    LEFT = "left"
    WAIT = "wait"
    ACT = "act"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment in UTC, the zone to show it in, and its source: the metadata, or a row of the file."""

    at: datetime
    zone: tzinfo
    source: str


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """A row of the file: the instances that pass its filters have these deadlines.

    ``dates`` has None for a kind that these instances are not to have. ``line`` is the row's line in the file.
    """

    filters: Mapping[str, tuple[str, ...]]
    dates: Mapping[Kind, datetime | None]
    zone: tzinfo
    may_shelve: bool
    line: int


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The deadlines of an instance. ``problems`` are clauses about values in its metadata that cannot be read."""

    by_kind: Mapping[Kind, Deadline]
    may_shelve: bool
    problems: tuple[str, ...] = ()

    @property
    def shelve_at(self) -> Deadline | None:
        """Return the deadline at which it is to be shelved."""
        return self.by_kind.get(Kind.SHELVE_AT)

    def has_ended(self, now: datetime) -> bool:
        """Whether a deadline that may shelve it has passed."""
        return self.may_shelve and self.shelve_at is not None and self.shelve_at.at <= now


def deadline_moment(text: str, zone: tzinfo = UTC) -> datetime:
    """Return the moment of a text, in ``zone`` if it names none. A date alone is the end of that day.

    Raises ConfigurationError.
    """
    moment = moment_of(text, zone)
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise ConfigurationError(f"{text[:_LONGEST_SHOWN]!r} is not in the years from {_YEARS[0]} to {_YEARS[1]}.")
    # They are stored in whole seconds, and must compare equal afterwards.
    return moment.replace(microsecond=0)


def deadlines_of(instance: Instance, rows: Iterable[DeadlineRow]) -> Deadlines:
    """Return the deadlines of an instance: its metadata, key by key, before the first row that fits.

    A date in the metadata that cannot be read overrides the row as well, so that no action follows at either.
    """
    row = next((each for each in rows if passes(each.filters, instance)), None)
    written = instance.metadata or {}
    problems: list[str] = []
    found: dict[Kind, Deadline] = {}
    for kind in Kind:
        text = written.get(kind.metadata_key)
        if text is None:
            date = row.dates.get(kind) if row else None
            if row is not None and date is not None:
                found[kind] = Deadline(date, row.zone, f"the row in line {row.line}")
        elif text.strip().casefold() != NO_DEADLINE:
            try:
                found[kind] = Deadline(deadline_moment(text), UTC, "its metadata")
            except ConfigurationError:
                problems.append(_unread(kind.metadata_key, text, "2026-12-18, 2026-12-18T18:00-05:00 or none"))
    may_shelve = row is not None and row.may_shelve
    if (word := written.get(MAY_SHELVE_KEY)) is not None:
        may_shelve = word.strip().casefold() in _YES
        if not may_shelve and word.strip().casefold() not in _NO:
            problems.append(_unread(MAY_SHELVE_KEY, word, "true or false"))
    return Deadlines(found, may_shelve, tuple(problems))


def _unread(key: str, text: str, choices: str) -> str:
    shown = one_line(text)[:_LONGEST_SHOWN] or "nothing"
    return f"its metadata {key} cannot be read, and nothing is done by it: {shown}. Write {choices}"


@dataclass(frozen=True, slots=True)
class ChannelNotice:
    """The notice of a deadline through one channel: the fewest days ahead, and the time of the first delivery."""

    days: int
    first: datetime


@dataclass(frozen=True, slots=True)
class DeadlineNotices:
    """What was told, and is being told, of the deadline at a moment, by channel. Of another moment, nothing was yet.

    The subject of a claim is the days before the deadline.
    """

    at: datetime
    channels: Mapping[str, ChannelNotice]
    claims: Mapping[str, Claim[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of an instance.

    ``done``: the moment of the ``shelve_at`` about which nothing more is to be done. ``attempts`` to shelve it at the
    present one. ``noted``: what the log has of it last. ``seen``: the last day on which it was there.
    """

    notices: Mapping[Kind, DeadlineNotices] = field(default_factory=dict)
    done: datetime | None = None
    attempts: int = 0
    noted: str = ""
    seen: str = ""

    def notices_of(self, kind: Kind, at: datetime, now: datetime) -> Mapping[str, ChannelNotice]:
        """Return the notices of a deadline by channel. One of the future was sent before the clock was set back."""
        channels = self._of(kind, at).channels
        return {name: each for name, each in channels.items() if each.first <= now + _TOLERANCE}

    def is_claimed(self, kind: Kind, at: datetime, days: int, channel: str, now: datetime) -> bool:
        """Whether another run may be reporting a deadline through a channel at the moment."""
        claim = self._of(kind, at).claims.get(channel)
        return claim is not None and claim.subject <= days and claim.is_held(now)

    def after_delivery(self, kind: Kind, at: datetime, days: int, channel: str, now: datetime) -> Memory:
        """Return the memory after a channel delivered a notice."""
        before = self._of(kind, at)
        known = self.notices_of(kind, at, now).get(channel)
        after = ChannelNotice(days, now) if known is None else ChannelNotice(min(days, known.days), known.first)
        return self._with(
            kind, DeadlineNotices(at, {**before.channels, channel: after}, _ended(before.claims, channel, days))
        )

    def claiming(self, news: News, now: datetime) -> Memory:
        """Return the memory with the claims of a run."""
        at = news.deadline.at
        before = self._of(news.kind, at)
        claims = dict.fromkeys(news.channels, Claim(news.days, now))
        return self._with(news.kind, replace(before, claims={**before.claims, **claims})) if claims else self

    def after_failure(self, kind: Kind, at: datetime, days: int, channel: str) -> Memory:
        """Return the memory after a channel did not take a notice: any run may tell it again at once."""
        before = self._of(kind, at)
        claims = _ended(before.claims, channel, days)
        return self if claims == before.claims else self._with(kind, replace(before, claims=claims))

    def _of(self, kind: Kind, at: datetime) -> DeadlineNotices:
        notices = self.notices.get(kind)
        return notices if notices is not None and notices.at == at else DeadlineNotices(at, {})

    def _with(self, kind: Kind, notices: DeadlineNotices) -> Memory:
        return replace(self, notices={**self.notices, kind: notices})


def _ended(claims: Mapping[str, Claim[int]], channel: str, days: int) -> Mapping[str, Claim[int]]:
    """Return the claims after a run ended its own. One of fewer days is that of another run, which goes on."""
    claim = claims.get(channel)
    return claims if claim is None or claim.subject < days else without(claims, channel)


@dataclass(frozen=True, slots=True)
class News:
    """A deadline to report: it is ``days`` away or less, and the channels have no notice of that. 0: it is reached."""

    kind: Kind
    deadline: Deadline
    days: int
    channels: tuple[str, ...]


def news_of(deadlines: Deadlines, memory: Memory, channels: Sequence[str], now: datetime) -> list[News]:
    """Return the news of an instance: for each deadline the nearest number of days, once through each channel.

    Deadlines that another run may be reporting at the moment are omitted. Without channels, all near deadlines are
    returned, and none counts as reported.
    """
    found = []
    for kind, deadline in deadlines.by_kind.items():
        near = [days for days in DAYS if now >= deadline.at - timedelta(days=days)]
        if not near:
            continue
        notices = memory.notices_of(kind, deadline.at, now)
        untold = [each for each in channels if each not in notices or notices[each].days > near[-1]]
        missing = tuple(each for each in untold if not memory.is_claimed(kind, deadline.at, near[-1], each, now))
        if missing or not channels:
            found.append(News(kind, deadline, near[-1], missing))
    return found


@dataclass(frozen=True, slots=True)
class Policy:
    """What a site wants done. ``notice``: for how long all channels have to have been told before an act."""

    applies: bool
    channels: tuple[str, ...]
    notice: timedelta


@dataclass(frozen=True, slots=True)
class Decision:
    """A step about ``shelve_at``, and its reason as a clause."""

    step: Step
    reason: str
    vetoes: tuple[Veto, ...] = ()


def decide(
    deadlines: Deadlines,
    memory: Memory,
    policy: Policy,
    now: datetime,
    *,
    vetoes: tuple[Veto, ...] = (),
    is_shelved: bool = False,
) -> Decision:
    """Return what to do about an instance now. ``vetoes`` are the reasons not to act, if it came to that."""
    deadline = deadlines.shelve_at
    if deadline is None:
        return Decision(Step.NOTHING, "no shelve_at")
    if now < deadline.at:
        return Decision(Step.AHEAD, f"shelve_at is {iso(deadline.at)}")
    if memory.done == deadline.at:
        return Decision(Step.DONE, "it was already shelved at this deadline")
    if is_shelved:
        return Decision(Step.DONE, "already shelved")
    if not deadlines.may_shelve:
        return Decision(Step.LEFT, "its deadline is not allowed to shelve it (may_shelve)")
    if vetoes:
        return Decision(Step.LEFT, vetoes[0].reason, vetoes)
    if not policy.applies:
        return Decision(Step.ACT, "would be shelved: set apply=true")
    notices = memory.notices_of(Kind.SHELVE_AT, deadline.at, now)
    if any(each not in notices for each in policy.channels):
        return Decision(Step.WAIT, "no notice was sent yet")
    due = max((notices[each].first for each in policy.channels), default=now) + policy.notice
    if now < due:
        return Decision(Step.WAIT, f"its notice was late: it is shelved from {iso(due)} on")
    return Decision(Step.ACT, f"shelve_at was {iso(deadline.at)}")


def limited(decisions: Sequence[tuple[datetime | None, str, Decision]], most: int) -> list[Decision]:
    """Return the decisions with no more than ``most`` acts, those whose deadlines passed first.

    Each is given with its deadline and a text that breaks ties.
    """
    acting = sorted(
        (at, text, number)
        for number, (at, text, each) in enumerate(decisions)
        if at is not None and each.step is Step.ACT
    )
    beyond = {number for _at, _text, number in acting[most:]}
    veto = Veto("max_actions", f"max_actions ({most}) is reached: a later run continues")
    return [
        replace(each, step=Step.LEFT, reason=veto.reason, vetoes=(*each.vetoes, veto)) if number in beyond else each
        for number, (_at, _text, each) in enumerate(decisions)
    ]
