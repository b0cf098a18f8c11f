# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_night_record: which parts a run of nightly has, and the record of what it did.

The record is held while it is read and replaced, so that of two runs at once one has the parts that do not run each
time. That it cannot be written is a failure to be told, and keeps no part from running: each part that changes
something has a record of its own, without which it does nothing. Needs no connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..policy.night_store import NightStore, spare_folders
from ..policy.nights import UNRECORDED, NightError, plan, report
from ..policy.processes import is_alive, parent_process

SPEC = ModuleSpec(
    argument_spec={
        "path": {"type": "path", "required": True},
        "variables": {"type": "dict"},
        "planned": {"type": "dict"},
        "results": {"type": "list", "elements": "dict", "default": []},
        "channels": {"type": "list", "elements": "str", "default": []},
        "deliveries": {"type": "dict"},
        "ended": {"type": "bool", "default": True},
        "sent": {"type": "bool", "default": True},
        "problem": {"type": "str", "default": ""},
    },
    required_one_of=(("variables", "planned"),),
    mutually_exclusive=(("variables", "planned"),),
)


def night_record(options: Mapping[str, Any], context: Context) -> Outcome:
    """Plan a run, and store that it began; or say how it went, and store that."""
    given = options["problem"]
    store = NightStore(Path(options["path"]), context.clock, spare_folders(context.environ), problem=given)
    decide = _planned if options["planned"] is None else _reported
    now = context.clock.now().timestamp()

    def change(stored: str, problem: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
        return decide(options, stored, problem, now)

    result = change(store.read(), given)[0] if context.check_mode else store.change(change)
    # What a filter makes of it has texts alone for keys.
    return Outcome(json.loads(json.dumps(result)))


OPERATION = night_record


def _planned(
    options: Mapping[str, Any], stored: str, problem: str, now: float
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Return the plan of a run, and the record of its beginning. Raises ConfigurationError."""
    try:
        planned = plan(options["variables"], stored, now, process=parent_process(), is_alive=is_alive)
    except NightError as error:
        raise ConfigurationError(str(error)) from None
    if options["problem"]:
        planned |= {"run": [], "parts": [{**each, "runs": False} for each in planned["parts"]]}
    return {"plan": planned, "report": {}, "problem": problem}, planned["record"]


def _reported(
    options: Mapping[str, Any], stored: str, problem: str, now: float
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Return how a run went, and the record of that. That it cannot be stored where it belongs is a failure."""
    rows = list(options["results"])
    if problem and all(each.get("part") != UNRECORDED for each in rows):
        rows.append({"part": UNRECORDED, "failure": problem})
    how = report(
        options["planned"],
        rows,
        now,
        options["channels"],
        options["deliveries"],
        stored,
        ended=bool(options["ended"]),
    )
    return {"plan": {}, "report": how, "problem": problem}, how["record" if options["sent"] else "untold"]
