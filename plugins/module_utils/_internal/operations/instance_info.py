# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_instance_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cloud import Cloud
from ..fleet.selection import ANY, INSTANCE_FIELDS, Selector, may_select, select
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import (
    CONNECTION,
    IDENTIFIERS,
    INSTANCE_FILTERS,
    ModuleSpec,
)

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + INSTANCE_FILTERS
    + ModuleSpec(
        argument_spec={
            "owner": {"type": "list", "elements": "str", "default": [ANY]},
            "live": {"type": "bool", "default": True},
            "image_names": {"type": "bool", "default": True},
        }
    )
)


def instance_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the instances that the options select."""
    selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec).with_account(cloud.account)
    instances = cloud.list_instances(
        live=options["live"],
        images=options["image_names"] or bool(options["image"]),
        # To detect an image that no instance has.
        all_images=bool(options["image"]),
        wanted=may_select(selector, INSTANCE_FIELDS),
    )
    selection = select(instances, selector, INSTANCE_FIELDS)
    return Outcome({"instances": [each.to_result() for each in selection.things]}, warnings=selection.warnings)


OPERATION = on_cloud(instance_info)
