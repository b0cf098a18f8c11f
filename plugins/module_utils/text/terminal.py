# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from elsewhere, made fit for a terminal: what it may do there, and how many columns it takes."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_LINE_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# They shape letters (Persian, Hindi) and emoji, and do nothing else.
_JOINERS = frozenset("\u200c\u200d")
# Control codes, lone surrogates, line separators; and the invisible ones, of which some turn the direction of writing.
_HARMFUL = frozenset({"Cc", "Cs", "Zl", "Zp", "Cf"})
_TAKES_NO_ROOM = frozenset({"Mn", "Me", "Cf"})
# Vowels and final consonants of decomposed Hangul are drawn into the block that the first consonant opens.
_HANGUL_ENDINGS = (range(0x1160, 0x1200), range(0xD7B0, 0xD7FC))


def harmless(text: str) -> str:
    """Return a text that cannot steer a terminal: control codes other than newline and tab become visible.

    Names of instances, and whatever else a cloud returns, are written by its users.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each in "\n\t" or not _is_harmful(each) else REPLACEMENT for each in text)


def one_line(text: str) -> str:
    """Return a harmless text with every line break and tab a blank, and none at its ends."""
    return harmless(_LINE_BREAKS.sub(" ", text)).strip()


def display_width(text: str) -> int:
    """Return how many columns of a terminal a line takes: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def shorten(text: str, width: int) -> str:
    """Return a line that takes no more than C(width) columns, with an ellipsis where something is left out."""
    if display_width(text) <= width:
        return text
    kept, room = [], width - 1
    for each in text:
        room -= _character_width(each)
        if room < 0:
            break
        kept.append(each)
    return "".join(kept).rstrip() + ELLIPSIS


def _is_harmful(character: str) -> bool:
    return unicodedata.category(character) in _HARMFUL and character not in _JOINERS


def _character_width(character: str) -> int:
    # The vowels and final consonants of decomposed Hangul are drawn into the block of the first consonant.
    if (
        unicodedata.category(character) in _TAKES_NO_ROOM
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7fb"
    ):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
