# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_security_group_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cloud import Cloud
from ..fleet.selection import Selector, select_by_name
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec
from .security_group import group_row

SPEC = CONNECTION + ModuleSpec(argument_spec={"name": {"type": "list", "elements": "str"}})


def security_group_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the security groups that the options select, with their rules."""
    store = cloud.access_store()
    empty = Selector.from_options(options, ()).empty_because
    if empty:
        return Outcome({"security_groups": []}, warnings=(empty,))
    selection = select_by_name(store.list_groups(), options["name"])
    return Outcome({"security_groups": [group_row(each) for each in selection.things]}, warnings=selection.warnings)


OPERATION = on_cloud(security_group_info)
