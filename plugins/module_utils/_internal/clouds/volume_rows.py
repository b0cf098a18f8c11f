# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks unreadable rows of volumes: a volume in such a row must not be created a second time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import UnexpectedResponse
from ..model import UNKNOWN, Identity, Provider, Volume
from ..text.terminal import one_line
from .json_values import Json, text


def require_none_left_out(
    left_out: Sequence[tuple[Json, str]], wanted: Callable[[Volume], bool] | None, task: str
) -> None:
    """Raise UnexpectedResponse if a wanted volume may be in an unreadable row. ``left_out``: see Reading."""
    for row, why in left_out:
        volume = _named(row)
        # A row without a name causes only a warning: an error would end every task.
        if volume is not None and (wanted is None or wanted(volume)):
            raise UnexpectedResponse(f"{task} failed: the row of {one_line(volume.name)} cannot be parsed: {why}.")


def _named(row: Json) -> Volume | None:
    """Return the known part of a volume, or None without a name."""
    name = text(row.get("name"))
    if name is None:
        return None
    uuid = text(row.get("uuid")) or text(row.get("id")) or UNKNOWN
    no_provider, no_identity = Provider(name="", uuid=""), Identity(name="", uuid="")
    return Volume(
        id=uuid,
        uuid=uuid,
        name=name,
        size=None,
        status=None,
        provider=no_provider,
        identity=no_identity,
        user="",
        owner="",
    )
