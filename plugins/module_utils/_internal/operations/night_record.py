# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_night_record: which parts a run of nightly has, and the record of what it did.

The record is held while it is read and replaced, so that of two runs at once one has the parts that do not run each
time. Needs no connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, JetstreamError
from ..files import PRIVATE_FILE, exclusive, make_folder, read_file, replace_file
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..policy.nights import NightError, plan, report

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
    },
    required_one_of=(("variables", "planned"),),
    mutually_exclusive=(("variables", "planned"),),
)


class NightRecordError(JetstreamError):
    """The record of runs cannot be read or written."""


def night_record(options: Mapping[str, Any], context: Context) -> Outcome:
    """Plan a run, and store that it began; or say how it went, and store that."""
    path = Path(options["path"])
    now = context.clock.now().timestamp()
    with _held(path, context) as stored:
        if options["planned"] is None:
            try:
                planned = plan(options["variables"], stored, now)
            except NightError as error:
                raise ConfigurationError(str(error)) from None
            result, record = {"plan": planned, "report": {}}, planned["record"]
        else:
            how = report(
                options["planned"],
                options["results"],
                now,
                options["channels"],
                options["deliveries"],
                stored,
                ended=bool(options["ended"]),
            )
            result, record = {"plan": {}, "report": how}, how["record" if options["sent"] else "untold"]
        # What a filter makes of it has texts alone for keys.
        result = json.loads(json.dumps(result))
        if not context.check_mode:
            replace_file(path, json.dumps(record).encode(), mode=PRIVATE_FILE)
    return Outcome(result)


OPERATION = night_record


@contextmanager
def _held(path: Path, context: Context) -> Iterator[str]:
    """Hold the record, and yield its text, "" if there is none. In check mode, it is only read."""
    try:
        if context.check_mode:
            yield _text_of(path)
            return
        make_folder(path.parent, private=True)
        with exclusive(path, clock=context.clock):
            yield _text_of(path)
    except OSError as error:
        raise NightRecordError(f"The record of nightly, {path}, cannot be used: {error.strerror}.") from None


def _text_of(path: Path) -> str:
    try:
        return read_file(path).decode(errors="replace")
    except FileNotFoundError:
        return ""
