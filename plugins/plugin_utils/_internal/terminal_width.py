# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The width of the terminal that the standard output of Ansible goes to."""

from __future__ import annotations

import multiprocessing
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from ansible.utils.display import Display

# Ansible's own lines are as wide as the terminal less one, and never narrower than this.
_NARROWEST = 79


def terminal_width(environ: Mapping[str, str] | None = None) -> int | None:
    """Return the number of columns, or None for no limit: in a pipe, in a file, or if the width is unknown.

    ``COLUMNS`` overrides it, as for other programs.
    """
    given = (os.environ if environ is None else environ).get("COLUMNS", "").strip()
    if given.isdecimal() and given.isascii() and int(given[:9]) > 0:
        return int(given[:9])
    parent = multiprocessing.parent_process()
    if parent is None:
        return _width_of(sys.__stdout__.fileno()) if sys.__stdout__ is not None else None
    # Ansible detaches its workers from the terminal. Its main process, which writes their lines, still has it.
    return _width_at(Path(f"/proc/{parent.pid}/fd/1"))


def _width_at(path: Path) -> int | None:
    try:
        # To open a pipe would interfere with it.
        if not stat.S_ISCHR(path.stat().st_mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        # No /proc, as on macOS, or the terminal of another user, as after su.
        return _width_of_display()
    try:
        return _width_of(descriptor)
    finally:
        os.close(descriptor)


def _width_of(descriptor: int) -> int | None:
    try:
        # A terminal that does not know its width says 0.
        return os.get_terminal_size(descriptor).columns or None
    except (OSError, ValueError):
        return None


def _width_of_display() -> int | None:
    """Return the width that Ansible read from its standard output when it started."""
    columns: int = Display().columns
    return columns + 1 if columns > _NARROWEST else None
