# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nearest known word for an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .terminal import one_line


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return a question such as "Did you mean lab?", or "" without a similar word."""
    near = nearest(word, words)
    return f"Did you mean {near}?" if near else ""


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the most similar word as one line of text, or "" without a similar word."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return one_line(close[0]) if close else ""
