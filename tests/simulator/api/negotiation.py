# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which form an answer has. Atmosphere's first choice is HTML: JSON has to be asked for."""

from __future__ import annotations

from collections.abc import Mapping

JSON = "application/json"
HTML = "text/html; charset=utf-8"


class NotAcceptable(Exception):
    """None of the forms asked for is to be had."""


def wants_json(accept: str | None, query: Mapping[str, str], suffix: str) -> bool:
    """Say whether the answer is JSON; else it is HTML. Raises NotAcceptable."""
    if suffix == ".json" or query.get("format") == "json":
        return True
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")]
    # What names a kind comes before what names any.
    for kind in sorted(kinds, key=lambda each: each.count("*")):
        if kind in ("application/json", "application/*"):
            return True
        if kind in ("text/html", "text/*", "*/*"):
            return False
    raise NotAcceptable
