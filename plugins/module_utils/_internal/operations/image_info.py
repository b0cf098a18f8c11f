# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_image_info."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ..catalog import ImageQuery, OfferedImage
from ..cloud import Cloud
from ..fleet.selection import ANY, ME, Selector, is_glob, select_by_name
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec

_STRINGS = {"type": "list", "elements": "str"}
SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "name": _STRINGS,
        "uuid": _STRINGS,
        "visibility": {**_STRINGS, "choices": ["public", "private", "shared", "community"]},
        "owner": {**_STRINGS, "default": [ANY]},
        "newest": {"type": "bool", "default": False},
        "hidden": {"type": "bool", "default": False},
    },
)


def image_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the images that the options select."""
    selector = Selector.from_options(options, ("visibility",))
    if selector.empty_because:
        return Outcome({"images": []}, warnings=(selector.empty_because,))
    images = cloud.catalog().images(_query(options))
    names, uuids = options["name"], options["uuid"]
    called = None if names is None and uuids is None else [*(names or ()), *(uuids or ())]
    selection = select_by_name(images, called)
    chosen = [each for each in selection.things if _passes(each, options["visibility"], options["owner"])]
    shown = _newest(chosen) if options["newest"] else chosen
    return Outcome({"images": [each.to_result() for each in shown]}, warnings=selection.warnings)


def _query(options: Mapping[str, Any]) -> ImageQuery:
    names, uuids = options["name"], options["uuid"]
    exact: tuple[str, ...] | None = None
    if names is None and uuids is not None:
        exact = ()
    elif names is not None and not any(map(is_glob, names)):
        # No cloud has globs: all images are read for one.
        exact = tuple(names)
    return ImageQuery(
        names=exact,
        uuids=tuple(uuids or ()),
        visibilities=None if options["visibility"] is None else tuple(options["visibility"]),
        own_only=options["owner"] == [ME],
        hidden=options["hidden"],
    )


def _passes(image: OfferedImage, visibilities: Sequence[str] | None, owners: Sequence[str]) -> bool:
    if visibilities is not None and image.visibility not in visibilities:
        return False
    return any(each == ANY or (image.own if each == ME else fnmatchcase(image.owner or "", each)) for each in owners)


def _newest(images: Sequence[OfferedImage]) -> list[OfferedImage]:
    """Return, of each name at each provider, the image that a launch takes. The newest comes first in the list."""
    best: dict[tuple[str, str], OfferedImage] = {}
    for each in images:
        key = (each.provider.uuid, each.name)
        if each.usable and (key not in best or each.precedence < best[key].precedence):
            best[key] = each
    return [each for each in images if each in best.values()]


OPERATION = on_cloud(image_info)
