# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts OpenStack takes as names and descriptions, so that check mode tells it as well. Pure functions."""

from __future__ import annotations

import re

# Of names, descriptions and values of metadata in nova.
LONGEST_TEXT = 255
METADATA_KEY_HINT = "A key has 1 to 255 letters, digits, blanks or characters of _:.-"
NAME_HINT = f"It must have 1 to {LONGEST_TEXT} printable characters, no emoji, and no space at its ends."
# Nova's patterns have no character after this one, and so no emoji.
_LAST_CHARACTER = "\uffff"
_KEY_NAME = re.compile(r"[A-Za-z0-9_ -]+")
_METADATA_KEY = re.compile(r"[a-zA-Z0-9_:. -]{1,255}")


def is_name(text: str) -> bool:
    """Return whether nova takes a text as the name of an instance or image."""
    return 0 < len(text) <= LONGEST_TEXT and text == text.strip() and is_printable(text)


def is_key_name(text: str) -> bool:
    """Return whether nova takes a text as the name of a key pair."""
    return is_name(text) and _KEY_NAME.fullmatch(text) is not None


def is_metadata_key(text: str) -> bool:
    """Return whether nova takes a text as a key of metadata."""
    return _METADATA_KEY.fullmatch(text) is not None


def is_printable(text: str) -> bool:
    """Return whether nova takes all characters of a name or description."""
    return text.isprintable() and all(each <= _LAST_CHARACTER for each in text)
