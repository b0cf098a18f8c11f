# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_volume_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cloud import Cloud
from ..fleet.selection import ANY, VOLUME_FIELDS, Selector, may_select, select
from ..model import Outcome, Volume
from ..operation import Context, on_cloud
from ..options import (
    CONNECTION,
    IDENTIFIERS,
    VOLUME_FILTERS,
    ModuleSpec,
)

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + VOLUME_FILTERS
    + ModuleSpec(
        argument_spec={
            "owner": {"type": "list", "elements": "str", "default": [ANY]},
            "attached": {"type": "bool"},
            "live": {"type": "bool", "default": True},
        }
    )
)


def volume_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the volumes that the options select."""
    selector = Selector.from_options(options, VOLUME_FILTERS.argument_spec).with_account(cloud.account)
    volumes = cloud.list_volumes(live=options["live"], wanted=may_select(selector, VOLUME_FIELDS))
    selection = select(volumes, selector, VOLUME_FIELDS)
    shown = [each.to_result() for each in selection.things if _is_wanted(each, options["attached"])]
    return Outcome({"volumes": shown}, warnings=selection.warnings)


OPERATION = on_cloud(volume_info)


def _is_wanted(volume: Volume, attached: bool | None) -> bool:
    return attached is None or attached == bool(volume.attachments)
