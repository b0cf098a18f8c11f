# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, and the places in pages that commands write them to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_END = "<!-- to here -->"


def rewrite(page: Path, command: str, text: str) -> None:
    """Put text into the place of a page that belongs to a command, instead of what is there.

    Raises ValueError if the page has no such place.
    """
    begin = f"<!-- Written by {command} from here -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _old, ended, after = rest.partition(_END)
    if not found or not ended:
        raise ValueError(f"{page} has no place for {command}")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{_END}{after}", encoding="utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])
