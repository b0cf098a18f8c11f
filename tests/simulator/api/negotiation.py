# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content negotiation. Atmosphere's first choice is HTML: JSON has to be asked for."""

from __future__ import annotations

from collections.abc import Mapping

JSON = "application/json"
HTML = "text/html; charset=utf-8"


class NotAcceptable(Exception):
    """No acceptable content type is available."""


def wants_json(accept: str | None, query: Mapping[str, str], suffix: str) -> bool:
    """Return whether the answer is JSON; else it is HTML. Raises NotAcceptable."""
    if suffix == ".json" or query.get("format") == "json":
        return True
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")]
    # A named kind comes before any kind.
    for kind in sorted(kinds, key=lambda each: each.count("*")):
        if kind in ("application/json", "application/*"):
            return True
        if kind in ("text/html", "text/*", "*/*"):
            return False
    raise NotAcceptable
