# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_keep: sets a keep mark for an instance on the controller, or removes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select_to_change
from ..idle.keeps import KeepFile, moment_of
from ..model import Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDENTIFIERS, ModuleSpec
from ..times import iso
from .idle_info import keep_path

_LONGEST_HOURS = 24 * 366
SPEC = (
    CONNECTION
    + IDENTIFIERS
    + ModuleSpec(
        argument_spec={
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
            "hours": {"type": "float"},
            "until": {"type": "str"},
            "keep_path": {"type": "path"},
        },
        mutually_exclusive=(("hours", "until"),),
        required_if=(("state", "present", ("hours", "until"), True),),
    )
)


def keep(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Set or take away the keep mark of each instance that the options select."""
    until = _until(options, context.clock.now())
    file = KeepFile(keep_path(options, context), context.clock)
    selector = Selector.from_options(options, ()).with_account(cloud.account)
    selector.require_criteria()
    instances = cloud.list_instances(live=False, images=False, wanted=may_select(selector, INSTANCE_FIELDS))
    selection = select_to_change(instances, selector, INSTANCE_FIELDS)
    rows = [_row(each, file, until, check_mode=context.check_mode) for each in selection.things]
    changed = any(each["changed"] for each in rows)
    return Outcome({"instances": rows, "keep_path": str(file.path)}, changed=changed, warnings=selection.warnings)


def _row(instance: Instance, file: KeepFile, until: datetime | None, *, check_mode: bool) -> dict[str, Any]:
    if until is None:
        changed = file.release(instance.uuid, check_mode=check_mode)
    else:
        changed = file.keep(instance.uuid, instance.name, until, check_mode=check_mode)
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "until": None if until is None else iso(until),
        "changed": changed,
    }


def _until(options: Mapping[str, Any], now: datetime) -> datetime | None:
    if options["state"] == "absent":
        if options["hours"] is not None or options["until"] is not None:
            raise ConfigurationError("state: absent takes neither hours nor until.")
        return None
    hours = options["hours"]
    if hours is not None and not 0 < hours <= _LONGEST_HOURS:
        raise ConfigurationError(f"hours is {hours:g}, and has to be above 0 and at most {_LONGEST_HOURS} (a year).")
    until = moment_of(options["until"]) if hours is None else now + timedelta(hours=hours)
    if until <= now:
        raise ConfigurationError(f"until is {iso(until)}, which is over.", hint="state: absent takes a mark away.")
    return until


OPERATION = on_cloud(keep)
