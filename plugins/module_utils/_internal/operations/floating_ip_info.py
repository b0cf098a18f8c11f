# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_floating_ip_info."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..catalog import require_supported
from ..cloud import Cloud
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec

SPEC = CONNECTION + ModuleSpec(
    argument_spec={"address": {"type": "list", "elements": "str"}, "attached": {"type": "bool"}}
)


def floating_ip_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the floating IPs of the project that the options select."""
    catalog = cloud.catalog()
    require_supported(catalog, "floating_ips")
    wanted, attached = options["address"], options["attached"]
    if wanted is not None and not wanted:
        return Outcome({"floating_ips": []}, warnings=("address is an empty list, so no floating IP is selected.",))
    found = catalog.floating_ips()
    known = {each.address for each in found}
    unknown = tuple(f"address: the project has no floating IP {each}." for each in wanted or () if each not in known)
    rows = [
        asdict(each)
        for each in found
        if (wanted is None or each.address in wanted) and attached in (None, each.attached)
    ]
    return Outcome({"floating_ips": rows}, warnings=unknown)


OPERATION = on_cloud(floating_ip_info)
