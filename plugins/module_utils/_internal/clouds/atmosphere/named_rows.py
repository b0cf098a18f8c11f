# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the row that an option names in a list of Atmosphere. Pure functions over rows."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import SelectionError
from ...text.suggestions import did_you_mean
from ...text.terminal import one_line
from ..json_values import Json, text


def row_called(rows: Sequence[Json], wanted: str | None, option: str) -> Json:
    """Return the row with the name or UUID ``wanted``; if that is None, the only row.

    Raises SelectionError for no row or several. ``option``: the name of the option, for the message.
    """
    found = [each for each in rows if wanted is None or wanted in (text(each.get("name")), text(each.get("uuid")))]
    if len(found) == 1:
        return found[0]
    names = sorted(text(each.get("name")) or "" for each in rows)
    if not names and wanted is None:
        raise SelectionError(f"{option} is not set, and the account has none.")
    if wanted is None:
        raise SelectionError(
            f"{option} is not set.", hint=f"Set {option} to one of these: {', '.join(map(one_line, names))}."
        )
    if found:
        uuids = ", ".join(sorted(one_line(text(each.get("uuid")) or "") for each in found))
        raise SelectionError(f"{option}: the name {wanted} is ambiguous.", hint=f"Use a UUID: {uuids}.")
    raise SelectionError(f"{option}: {wanted} does not exist.", hint=did_you_mean(wanted, names) or None)
