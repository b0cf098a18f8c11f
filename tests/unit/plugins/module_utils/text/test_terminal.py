# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Untrusted text is made safe for a terminal, and measured as a terminal shows it."""

from __future__ import annotations

import unicodedata

import pytest
import wcwidth
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text import terminal
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.terminal import (
    display_width,
    harmless,
    one_line,
    shorten,
    wrap,
)
from hypothesis import given
from hypothesis import strategies as st

ANYTHING = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("geo-node-01", 11),
        ("Zoë", 3),
        ("Zoe\u0308", 3),
        ("日本語", 6),
        ("ｱｲｳ", 3),
        ("\uff21\uff22", 4),
        ("한국", 4),
        ("\u1112\u1161\u11ab", 2),
        ("🚀", 2),
        ("\u0645\u06cc\u200c\u062e", 3),
        ("", 0),
    ],
)
def test_widths_are_those_on_a_terminal(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize(
    ("emoji", "width"),
    [("👩\u200d🔬", 2), ("❤\ufe0f", 2), ("👍🏽", 2), ("🇩🇪", 2), ("🚀🚀", 4)],
    ids=["scientist", "heart", "skin-tone", "flag", "rockets"],
)
def test_the_width_of_an_emoji_is_that_of_wcwidth(emoji: str, width: int) -> None:
    assert wcwidth.wcswidth(emoji) == width
    assert display_width(f"x {emoji}") == width + 2


def test_measures_without_wcwidth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_wcswidth", None)
    assert [display_width(text) for text in ("🚀", "日本語", "Zoe\u0308")] == [2, 6, 3]


@pytest.mark.parametrize(("width", "short"), [(4, "ab …"), (5, "ab 👩\u200d🔬")])
def test_an_emoji_of_several_characters_is_kept_or_left_out_as_a_whole(width: int, short: str) -> None:
    assert shorten("ab 👩\u200d🔬", width).replace("ab…", "ab …") == short


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("fits  as it is", 14, ["fits  as it is"]),
        ("stop done at last", 9, ["stop done", "at last"]),
        ("shelved_offloaded", 10, ["shelved_", "offloaded"]),
        ("student-project-07", 12, ["student-", "project-07"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("日本", 1, ["日", "本"]),
        ("", 5, [""]),
    ],
)
def test_a_text_is_wrapped_at_blanks_then_after_hyphens_then_anywhere(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


@given(ANYTHING.map(one_line), st.integers(2, 12))
def test_wrapping_loses_nothing_but_blanks(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(display_width(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("\x9b2J", "\ufffd2J"),
        ("title\x1b]0;x\x07", "title\ufffd]0;x\ufffd"),
        ("back\x08\x7f", "back\ufffd\ufffd"),
        ("abc\u202etxt.exe", "abc\ufffdtxt.exe"),
        ("lone \ud800", "lone \ufffd"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("over\rwritten", "over\ufffdwritten"),
    ],
)
def test_shows_control_codes_instead_of_obeying_them(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\tb", "a\u2028b", "a\x85b", " a b\n"])
def test_brings_lines_into_one(text: str) -> None:
    assert one_line(text) == "a b"


@given(ANYTHING)
def test_nothing_harmful_is_left_of_any_text(text: str) -> None:
    line = one_line(text)
    line.encode()
    assert not {unicodedata.category(each) for each in line} & {"Cc", "Cs", "Zl", "Zp"}
    assert one_line(line) == line


@given(ANYTHING.map(one_line), st.integers(1, 12))
def test_a_shortened_text_fits_and_shows_that_it_is_cut(text: str, width: int) -> None:
    short = shorten(text, width)
    assert display_width(short) <= width
    assert short == text or short.endswith("…")
