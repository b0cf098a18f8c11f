# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_network_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog import require_supported
from ..cloud import Cloud
from ..fleet.selection import Selector, select_by_name
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec

SPEC = CONNECTION + ModuleSpec(argument_spec={"name": {"type": "list", "elements": "str"}})


def network_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the networks that the options select, and the routers of the project."""
    catalog = cloud.catalog()
    require_supported(catalog, "networks")
    empty = Selector.from_options(options, ()).empty_because
    if empty:
        return Outcome({"networks": [], "routers": None}, warnings=(empty,))
    networks, routers = catalog.networks()
    selection = select_by_name(networks, options["name"])
    rows = {
        "networks": [each.to_result() for each in selection.things],
        "routers": None if routers is None else [each.to_result() for each in routers],
    }
    return Outcome(rows, warnings=selection.warnings)


OPERATION = on_cloud(network_info)
