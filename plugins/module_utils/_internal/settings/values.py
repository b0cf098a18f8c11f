# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a raw value of a setting to a checked one. Each function raises ConfigurationError, in one sentence."""

from __future__ import annotations

import math
import os
from pathlib import Path

from ..errors import ConfigurationError
from .sources import Found

_YES = frozenset({"1", "on", "t", "true", "y", "yes"})
_NO = frozenset({"0", "off", "f", "false", "n", "no"})
_SECONDS_PER_DAY = 86400.0


def text(found: Found) -> str:
    """Return text without blanks at its ends."""
    if not isinstance(found.value, str):
        raise ConfigurationError(f"{found.subject} must be text.")
    return found.value.strip()


def flag(found: Found) -> bool:
    """Return yes or no, in any of the words that Ansible takes for them."""
    if isinstance(found.value, bool):
        return found.value
    word = str(found.value).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ConfigurationError(f'{found.subject} must be yes or no, not "{found.value}".')


def seconds(found: Found, *, zero: bool) -> float:
    """Return a number of seconds, a day at most. ``zero``: whether it may be 0."""
    try:
        number = math.nan if isinstance(found.value, bool) else float(str(found.value))
    except ValueError:
        number = math.nan
    if (number > 0 or (zero and number == 0)) and number <= _SECONDS_PER_DAY:
        return number
    least = "from 0" if zero else "above 0"
    raise ConfigurationError(
        f'{found.subject} must be a number of seconds {least} up to {_SECONDS_PER_DAY:.0f}, not "{found.value}".'
    )


def count(found: Found, *, most: int) -> int:
    """Return a whole number from 1 to ``most``."""
    digits = str(found.value)
    if digits.isascii() and digits.isdigit() and 1 <= int(digits) <= most:
        return int(digits)
    raise ConfigurationError(f'{found.subject} must be a whole number from 1 to {most}, not "{found.value}".')


def readable_path(found: Found, home: Path | None) -> Path:
    """Return the path of a file or folder that is there and can be read. A leading ~ is ``home``, if there is one."""
    path = _expand(text(found), home)
    if not path.exists():
        raise ConfigurationError(f"{found.subject} is {path}, which does not exist.")
    if not os.access(path, os.R_OK):
        raise ConfigurationError(f"{found.subject} is {path}, which this user cannot read. Check its permissions.")
    return path


def _expand(path: str, home: Path | None) -> Path:
    if home is not None and (path == "~" or path.startswith("~/")):
        return home / path[2:]
    return Path(os.path.expanduser(path))
