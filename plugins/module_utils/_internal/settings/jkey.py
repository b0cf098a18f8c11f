# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ~/.config/jetstream/jkey.csv: the password that the original command-line tool saved."""

from __future__ import annotations

import csv
from pathlib import Path

from ..files import read_file
from .sources import Found, open_to_others

JKEY = Path(".config/jetstream/jkey.csv")


def read_jkey(home: Path | None, warnings: list[str], missed: list[str]) -> Found | None:
    """Return the password, or None. ``missed`` gets the reason if the file is there and gives none."""
    if home is None:
        return None
    path = home / JKEY
    shown = f"~/{JKEY}"
    try:
        content = read_file(path)
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        missed.append(f"{shown} cannot be read: {error.strerror}.")
        return None
    password = _parse_jkey(content)
    if password is None:
        missed.append(f"{shown} has no password in its first line.")
        return None
    warnings += open_to_others(mode, shown)
    return Found(password, shown, f"The password in {shown}")


def _parse_jkey(content: bytes) -> str | None:
    """Read one line that a CSV writer wrote, or a person with any editor on any system."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        lines = content.decode(encoding).split("\n")
    except UnicodeDecodeError:
        return None
    line = next((line.strip() for line in lines if line.strip()), "")
    if len(line) > 1 and line.startswith('"') and line.endswith('"'):
        # A CSV writer quotes a value with a comma or a quote. Without quotes, a comma is a part of the password.
        fields = next(csv.reader([line]))
        line = fields[0] if len(fields) == 1 else line
    return line or None
