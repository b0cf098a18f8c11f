# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_delivery: what is to be sent to each channel, with what it has not taken before.

A message about something that is over is stored before it is sent, and removed when the channel took it: what one
channel did not take is sent again to that channel alone, also if the run was killed. Needs no connection.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..policy.act_store import ActStore, ActStoreError
from ..policy.acts import Act, unreported
from ..policy.instance_store import day_of
from ..policy.outbox import KEPT, MOST_WAITING, Consignment, Draft, Message, Outbox, after_delivery, consign
from ..policy.outbox_store import OutboxError, OutboxStore
from ..policy.processes import is_alive, parent_process
from ..text.terminal import one_line
from .run_record import playbook_name, profile_name

SPEC = ModuleSpec(
    argument_spec={
        "playbook": {"type": "str", "required": True},
        "profile": {"type": "str"},
        "messages": {"type": "dict"},
        "kept": {"type": "dict"},
        "channel": {"type": "str"},
        "sent": {"type": "list", "elements": "str"},
        "delivered": {"type": "bool", "default": True},
        "outbox_path": {"type": "path"},
        "acts_path": {"type": "path"},
        "reported": {"type": "list", "elements": "str", "default": []},
    },
    required_together=(("channel", "sent"),),
)
_OUTBOX = Path(".local/state/jetstream/outbox.json")
_LONGEST_WAIT = 30.0
_LONGEST_NAME = 300
_KEYS = frozenset({"subject", "text", "attached"})

Drafts = dict[str, "Draft | None"]


def delivery(options: Mapping[str, Any], context: Context) -> Outcome:
    """Return what is to be sent to each channel, or store what became of that."""
    playbook = playbook_name(options, _LONGEST_NAME)
    store = _store(options, context)
    if options["sent"] is not None:
        return _note(store, options, context)
    drafts = _drafts("messages", options["messages"])
    kept = drafts | _drafts("kept", options["kept"])
    queue = f"{playbook} of {profile_name(options, context)}"
    now, key = context.clock.now().astimezone(UTC), secrets.token_hex(8)

    acts = _Acts(options, context, now)
    if not drafts:
        return Outcome({"messages": {}, "sent": {}}, changed=acts.forget(), warnings=acts.warnings_without_channels)

    def unkept(*warnings: str) -> Outcome:
        found, _outbox = consign({}, queue, drafts, {}, key, now)
        return _outcome(found, key, (*warnings, *acts.warnings), changed=False)

    if store is None:
        return unkept()
    try:
        before = store.load()
        if context.check_mode:
            found, after = consign(before, queue, drafts, kept, key, now)
            return _outcome(found, key, (), changed=after != before and bool(before or any(kept.values())))
        if not before and not any(kept.values()) and acts.draft is None:
            acts.forget()
            return unkept()
        with store.held(_LONGEST_WAIT):
            before = store.load()
            found, after = consign({**before, **acts.messages(queue, drafts, key)}, queue, drafts, kept, key, now)
            if after != before:
                store.save(after)
    except OutboxError as error:
        # It is sent all the same. Only, nothing sends it again. Acts that nothing else reports wait.
        return unkept(str(error))
    # Not before: they are in the outbox now.
    acts.forget()
    return _outcome(found, key, acts.warnings, changed=after != before)


OPERATION = delivery


class _Acts:
    """The acts that are to be reported, or were, by the messages of this run. ``draft``: what nothing else reports."""

    def __init__(self, options: Mapping[str, Any], context: Context, now: datetime) -> None:
        path = None if context.check_mode else options["acts_path"]
        self._store = None if path is None else ActStore(Path(path), context.clock)
        self._now = now
        self.warnings: tuple[str, ...] = ()
        self.draft, self._reported = self._found(options, context)

    def _found(self, options: Mapping[str, Any], context: Context) -> tuple[Draft | None, dict[str, Act]]:
        try:
            acts = self._store.load() if self._store else {}
        except ActStoreError as error:
            self.warnings = (str(error),)
            return None, {}
        profile, own = profile_name(options, context), parent_process()
        draft, left = unreported(acts, profile, own, options["reported"], self._now, is_alive)
        return draft, {key: each for key, each in acts.items() if key not in left}

    @property
    def warnings_without_channels(self) -> tuple[str, ...]:
        """Warnings of a run without channels, which has no other place to report acts."""
        return (*self.warnings, *([one_line(self.draft.text)] if self.draft else []))

    def messages(self, queue: str, channels: Iterable[str], key: str) -> dict[str, Message]:
        """Return a message for each channel that is to be kept until it was delivered."""
        if self.draft is None:
            return {}
        day = day_of(self._now)
        return {
            f"{key}.acts.{channel}": Message(queue, channel, self.draft, self._now, seen=day) for channel in channels
        }

    def forget(self) -> bool:
        """Drop what the messages of this run report. Returns whether that was anything."""
        if self._store is None or not self._reported:
            return False

        def without_reported(acts: Mapping[str, Act]) -> dict[str, Act]:
            return {key: each for key, each in acts.items() if self._reported.get(key) != each}

        try:
            return self._store.update(without_reported, longest_wait=_LONGEST_WAIT)
        except ActStoreError as error:
            self.warnings = (*self.warnings, str(error))
            return False


def _store(options: Mapping[str, Any], context: Context) -> OutboxStore | None:
    """Return the file of ``outbox_path``; None for a user that has no home to have one in."""
    path = context.path_or_none(options["outbox_path"], _OUTBOX)
    return None if path is None else OutboxStore(path, context.clock)


def _drafts(option: str, given: Mapping[str, Any] | None) -> Drafts:
    """Return messages by channel, as an option has them. Raises ConfigurationError."""
    found: Drafts = {}
    for channel, message in (given or {}).items():
        if not isinstance(message, Mapping):
            raise ConfigurationError(f"{option}: {channel} has to be a dictionary with subject, text and attached.")
        found[one_line(str(channel))[:_LONGEST_NAME]] = _draft(option, message)
    return found


def _draft(option: str, given: Mapping[str, Any]) -> Draft | None:
    """Return a message; None if it has no text. Raises ConfigurationError."""
    unknown = sorted(str(each) for each in given if each not in _KEYS)
    if unknown:
        raise ConfigurationError(f"{option} has {', '.join(unknown)}.", hint="Give subject, text and attached.")
    attached = given.get("attached") or []
    if not isinstance(attached, list):
        raise ConfigurationError(f"{option}: attached has to be a list of paths.")
    if not given.get("text"):
        return None
    return Draft(one_line(str(given.get("subject") or "")), str(given["text"]), tuple(str(each) for each in attached))


def _outcome(found: Mapping[str, Consignment], key: str, warnings: tuple[str, ...], *, changed: bool) -> Outcome:
    messages = {
        channel: _message(each, f"{key}.{channel}") for channel, each in found.items() if each.draft is not None
    }
    sent = {channel: list(each.sent) for channel, each in found.items()}
    dropped = sum(each.dropped for each in found.values())
    if dropped:
        count = f"{dropped} earlier message{'' if dropped == 1 else 's'}"
        limit = f"no more than {MOST_WAITING} wait for a channel, and none for longer than {KEPT.days} days"
        warnings = (*warnings, f"{count} that could not be delivered will not be sent again: {limit}.")
    return Outcome({"messages": messages, "sent": sent}, changed=changed, warnings=warnings)


def _message(found: Consignment, name: str) -> dict[str, Any]:
    draft = found.draft
    if draft is None:
        return {}
    return {
        "subject": draft.subject,
        "text": draft.text,
        # A page that was attached to an earlier message may be gone.
        "attached": [each for each in draft.attached if Path(each).is_file()],
        # Where a run was killed before it could record the delivery, the same mail is sent again.
        "id": " ".join(found.sent) or name,
    }


def _note(store: OutboxStore | None, options: Mapping[str, Any], context: Context) -> Outcome:
    """Store that a channel took what an earlier run returned, or that it did not."""
    result: dict[str, Any] = {"messages": {}, "sent": {}}
    if store is None or not options["sent"]:
        return Outcome(result)

    def noted(outbox: Outbox) -> Outbox:
        channel, delivered = one_line(options["channel"]), bool(options["delivered"])
        return after_delivery(outbox, channel, options["sent"], delivered=delivered)

    return Outcome(result, changed=store.update(noted, longest_wait=_LONGEST_WAIT, check_mode=context.check_mode))
