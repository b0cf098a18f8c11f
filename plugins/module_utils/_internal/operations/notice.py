# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_notice: records whether a notice about idle instances was delivered.

Only a notice that was delivered lets the grace time begin. Needs no connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import ConfigurationError
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..policy.decisions import DecisionLog
from ..policy.memory_file import MemoryFile
from ..policy.records import Event, Record
from ..text.terminal import one_line
from ..times import moment_or_none
from .acts import decisions_path

SPEC = ModuleSpec(
    argument_spec={
        "instances": {"type": "list", "elements": "dict", "required": True},
        "channel": {"type": "str", "required": True},
        "delivered": {"type": "bool", "required": True},
        "to": {"type": "list", "elements": "str", "default": []},
        "detail": {"type": "str", "default": ""},
        "decisions_path": {"type": "path"},
    }
)
_NEEDED = ("site", "project", "uuid", "name")


def notice(options: Mapping[str, Any], context: Context) -> Outcome:
    """Record that a channel took a notice about instances, or did not take it."""
    now = context.clock.now()
    event = Event.NOTIFIED if options["delivered"] else Event.UNDELIVERED
    records = [_record(each, event, now, options) for each in options["instances"]]
    folder = decisions_path(options, context)
    memory_file = MemoryFile(folder, context.clock)
    result = {"channel": options["channel"], "delivered": options["delivered"], "instances": len(records)}
    if context.check_mode or not records:
        return Outcome(result, changed=bool(records))
    with memory_file.changing() as memory:
        for each in records:
            before = memory.of(each.key)
            seen = before.observed(each.name, now.timestamp(), awake=None)
            memory.instances[each.key] = (
                seen.delivered(options["channel"], now.timestamp())
                if options["delivered"]
                else seen.undelivered(options["channel"])
            )
        DecisionLog(folder, context.clock).write(records)
    return Outcome(result, changed=True)


def _record(row: Mapping[str, Any], event: Event, now: datetime, options: Mapping[str, Any]) -> Record:
    missing = [name for name in _NEEDED if not row.get(name)]
    if missing:
        raise ConfigurationError(
            f"instances has a row without {' and '.join(missing)}.",
            hint="Set instances to rows returned by jetstream_idle.",
        )
    return Record(
        at=now,
        event=event,
        site=str(row["site"]),
        project=str(row["project"]),
        uuid=str(row["uuid"]),
        name=str(row["name"]),
        owner=str(row.get("owner") or ""),
        status=str(row.get("status") or ""),
        since=moment_or_none(row.get("since")),
        action=str(row.get("action") or ""),
        applies=True,
        to=tuple(options["to"]) or (options["channel"],),
        detail=one_line(options["detail"]),
    )


OPERATION = notice
