# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages about completed actions, until each channel has accepted them. Pure functions.

A message that the next run can regenerate, such as one about a near deadline, is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ..text.terminal import one_line
from ..times import iso
from .claims import Claim

# The maximum number of messages per playbook and channel. The oldest are dropped.
MOST_WAITING = 10
# A message that could not be delivered for this long is dropped.
KEPT = timedelta(days=7)
LONGEST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as it is sent. ``attached`` are paths of files."""

    subject: str
    text: str
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a channel has not accepted yet.

    ``queue``: the playbook with its profile. ``claim``: that of a run which is sending it. ``taken``: other channels
    that have accepted it. ``lost``: the number of dropped messages before it. ``seen``: the day of its creation.
    """

    queue: str
    channel: str
    draft: Draft
    made: datetime
    claim: Claim[None] | None = None
    taken: frozenset[str] = frozenset()
    lost: int = 0
    seen: str = ""

    def is_free(self, now: datetime) -> bool:
        """Return whether no run is sending it."""
        return self.claim is None or not self.claim.is_held(now)

    def is_same(self, queue: str, draft: Draft) -> bool:
        """Return whether it is a message of that queue with the same text."""
        return self.queue == queue and (self.draft.subject, self.draft.text) == (draft.subject, draft.text)


Outbox = Mapping[str, Message]


@dataclass(frozen=True, slots=True)
class Consignment:
    """A run's message to a channel. ``sent``: keys of included messages; ``dropped``: the number of dropped ones."""

    draft: Draft | None
    sent: tuple[str, ...]
    dropped: int = 0


def consign(
    outbox: Outbox,
    queue: str,
    drafts: Mapping[str, Draft | None],
    kept: Mapping[str, Draft | None],
    key: str,
    now: datetime,
) -> tuple[dict[str, Consignment], Outbox]:
    """Return the message for each channel, and the outbox during delivery.

    ``drafts``: the new text for each channel, None for nothing. ``kept``: the part of it that is kept until delivery,
    under ``key`` and the channel. Messages that wait for a channel are sent along.
    """
    after = dict(outbox)
    found = {}
    for channel, draft in drafts.items():
        is_known = draft is not None and any(
            channel in each.taken and each.is_same(queue, draft) for each in outbox.values()
        )
        part = None if is_known else kept.get(channel)
        mine = None
        if part is not None:
            mine = Message(queue, channel, part, now, Claim(None, now), seen=f"{now.astimezone(UTC).date()}")
        found[channel], after = _consign(after, queue, channel, None if is_known else draft, mine, key, now)
    return found, after


def _consign(
    outbox: dict[str, Message],
    queue: str,
    channel: str,
    draft: Draft | None,
    mine: Message | None,
    key: str,
    now: datetime,
) -> tuple[Consignment, dict[str, Message]]:
    """Return the message for one channel. ``mine``: this run's own message, if it is kept."""
    waiting = [
        name for name, each in outbox.items() if (each.queue, each.channel) == (queue, channel) and each.is_free(now)
    ]
    waiting.sort(key=lambda name: (outbox[name].made, name))
    # A message from the future predates a clock that was set back.
    fresh = [name for name in waiting if abs(now - outbox[name].made) < KEPT]
    sent = fresh[max(len(fresh) + (mine is not None) - MOST_WAITING, 0) :]
    gone = [outbox[name] for name in waiting if name not in sent]
    lost = sum(1 + each.lost for each in gone)
    # A waiting message that equals the new one is sent once.
    older = [outbox[name] for name in sent if draft is None or not outbox[name].is_same(queue, draft)]
    after = {name: each for name, each in outbox.items() if name in sent or name not in waiting}
    after |= {name: replace(after[name], claim=Claim(None, now)) for name in sent}
    if mine is not None:
        name = f"{key}.{channel}"
        after[name] = replace(mine, draft=replace(mine.draft, text=mine.draft.text[:LONGEST_TEXT]))
        sent = [*sent, name]
    all_lost = lost + sum(each.lost for each in older)
    if lost and sent:
        after[sent[0]] = replace(after[sent[0]], lost=after[sent[0]].lost + lost)
    return Consignment(_joined(draft, older, all_lost), tuple(sent), len(gone)), after


def after_delivery(outbox: Outbox, channel: str, sent: Sequence[str], *, delivered: bool) -> Outbox:
    """Return the outbox after a delivery. If it failed, any run may send the messages again at once."""
    if not delivered:
        return {name: replace(each, claim=None) if name in sent else each for name, each in outbox.items()}
    taken = [outbox[name] for name in sent if name in outbox]

    def noted(message: Message) -> Message:
        is_taken = any(message.is_same(each.queue, each.draft) for each in taken)
        return replace(message, taken=message.taken | {channel}) if is_taken else message

    return {name: noted(each) for name, each in outbox.items() if name not in sent}


def _joined(draft: Draft | None, waiting: Sequence[Message], lost: int) -> Draft | None:
    """Return all messages as one: the new text, then the waiting ones, oldest first, then a line about lost ones."""
    if not waiting and not lost:
        return draft
    if draft is None and len(waiting) == 1 and not lost:
        [only] = waiting
        return replace(only.draft, text=f"{_heading(only)}\n\n{only.draft.text}")
    if draft is None and not waiting:
        return Draft("Jetstream: earlier messages were lost", _of_lost(lost))
    older = [f"== {one_line(each.draft.subject)} ==\n\n{_heading(each)}\n\n{each.draft.text}" for each in waiting]
    first = draft or replace(waiting[0].draft, text="", attached=())
    number = len(waiting) - (draft is None)
    more = f" (and {number} earlier message{'' if number == 1 else 's'})" if number else ""
    attached = [path for each in waiting for path in each.draft.attached]
    text = "\n\n".join(each for each in (first.text, *older, _of_lost(lost)) if each)
    return Draft(f"{first.subject}{more}", text, tuple(dict.fromkeys([*first.attached, *attached])))


def _heading(message: Message) -> str:
    return f"This is of {iso(message.made)}, and could not be delivered before."


def _of_lost(lost: int) -> str:
    if not lost:
        return ""
    messages = "1 earlier message is" if lost == 1 else f"{lost} earlier messages are"
    return f"{messages} lost: no more than {MOST_WAITING} wait, and none for longer than {KEPT.days} days."
