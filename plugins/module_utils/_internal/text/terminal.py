# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for a terminal: removes control codes, measures, shortens and wraps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

_wcswidth: Callable[[str], int] | None
try:
    # wcwidth knows emoji better than Python's own tables. It is optional.
    from wcwidth import wcswidth as _wcswidth
except ImportError:
    _wcswidth = None

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_LINE_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_ZERO_WIDTH_JOINER = "\u200d"
# These characters shape letters (Persian, Hindi) and emoji, and have no other effect.
_JOINERS = frozenset({"\u200c", _ZERO_WIDTH_JOINER})
# Control codes, lone surrogates, line separators, and invisible characters, some of which reverse the text.
_HARMFUL = frozenset({"Cc", "Cs", "Zl", "Zp", "Cf"})
_ZERO_WIDTH = frozenset({"Mn", "Me", "Cf"})
_SKIN_TONES = frozenset("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
# A long word is broken after one of these characters, if possible.
_BREAKS = frozenset("-_/.,:")


def harmless(text: str) -> str:
    """Return a text without terminal control: control codes except newline and tab become visible.

    Users of the cloud choose the names of instances and other texts.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each in "\n\t" or not _is_harmful(each) else REPLACEMENT for each in text)


def one_line(text: str) -> str:
    """Return a harmless text as one line: line breaks and tabs become blanks, and both ends are trimmed."""
    return harmless(_LINE_BREAKS.sub(" ", text)).strip()


def display_width(text: str) -> int:
    """Return the number of terminal columns of a line: two per wide character, none per combining one."""
    return len(text) if text.isascii() else sum(map(_cluster_width, _clusters(text)))


def shorten(text: str, width: int) -> str:
    """Return a line of at most ``width`` columns, with an ellipsis in place of the cut part."""
    if display_width(text) <= width:
        return text
    return _beginning(text, width - 1).rstrip() + ELLIPSIS


def wrap(text: str, width: int) -> list[str]:
    """Return the lines of at most ``width`` columns into which a line is broken.

    A line that fits is returned unchanged. Others break at blanks. A longer word is broken too, after a hyphen or the
    like if possible. A character wider than ``width`` gets a line of its own.
    """
    if display_width(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if display_width(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, width)
        lines.extend(full)
    return [*lines, line]


def _broken(word: str, width: int) -> Iterator[str]:
    while display_width(word) > width:
        part = _beginning(word, width) or next(_clusters(word), word)
        at = max((index for index, each in enumerate(part, 1) if each in _BREAKS), default=0)
        part = part[:at] if at * 2 >= len(part) else part
        yield part
        word = word[len(part) :]
    if word:
        yield word


def _beginning(text: str, width: int) -> str:
    """Return the longest beginning of a line that fits into ``width`` columns."""
    kept, room = [], width
    for cluster in _clusters(text):
        room -= _cluster_width(cluster)
        if room < 0:
            break
        kept.append(cluster)
    return "".join(kept)


def _is_harmful(character: str) -> bool:
    return unicodedata.category(character) in _HARMFUL and character not in _JOINERS


def _clusters(text: str) -> Iterator[str]:
    """Yield the parts of a text that occupy one place: a letter with its accents, an emoji sequence."""
    cluster = ""
    for each in text:
        if cluster and not _joins(cluster, each):
            yield cluster
            cluster = ""
        cluster += each
    if cluster:
        yield cluster


def _joins(cluster: str, character: str) -> bool:
    return (
        _character_width(character) == 0
        or character in _SKIN_TONES
        or (cluster[-1] == _ZERO_WIDTH_JOINER and not character.isascii())
        # Two of these letters form a flag.
        or (len(cluster) == 1 and _is_flag_letter(cluster) and _is_flag_letter(character))
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _cluster_width(cluster: str) -> int:
    if _wcswidth is not None and not cluster.isascii():
        width = _wcswidth(cluster)
        if width >= 0:
            return width
    return sum(map(_character_width, cluster))


def _character_width(character: str) -> int:
    # The vowels and final consonants of decomposed Hangul are drawn into the block of the first consonant.
    if (
        unicodedata.category(character) in _ZERO_WIDTH
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7fb"
    ):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
