# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_delivery: what is to be sent to each channel, with what it has not taken before.

A message about something that is over is stored before it is sent, and removed when the channel took it: what one
channel did not take is sent again to that channel alone, also if the run was killed. Needs no connection.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..policy.outbox import KEPT, MOST_WAITING, Consignment, Draft, Outbox, after_delivery, consign
from ..policy.outbox_store import OutboxError, OutboxStore
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

    def unkept(*warnings: str) -> Outcome:
        found, _outbox = consign({}, queue, drafts, {}, key, now)
        return _outcome(found, key, warnings, changed=False)

    if store is None:
        return unkept()
    try:
        before = store.load()
        if context.check_mode:
            return _outcome(consign(before, queue, drafts, kept, key, now)[0], key, (), changed=False)
        if not before and not any(kept.values()):
            return unkept()
        with store.held(_LONGEST_WAIT):
            before = store.load()
            found, after = consign(before, queue, drafts, kept, key, now)
            if after != before:
                store.save(after)
    except OutboxError as error:
        # It is sent all the same. Only, nothing sends it again.
        return unkept(str(error))
    return _outcome(found, key, (), changed=after != before)


OPERATION = delivery


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
