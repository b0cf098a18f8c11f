# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readouts in messages: no line is lost, and none is longer than a service takes."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.jetstream.cloud.plugins.filter.message_lines import message_lines
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.messages import LIMITS, MOST_MESSAGES, split
from hypothesis import given
from hypothesis import strategies as st

SLACK = LIMITS["slack"]
# Nothing at which a text would be split into lines.
LINES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=300), max_size=60
)


def unnumbered(pages: list[list[str]]) -> list[str]:
    """Return the lines of all messages without the numbers."""
    return [line for page in pages for line in (page[1:] if len(pages) > 1 else page)]


def test_a_text_that_fits_is_one_message_without_a_number() -> None:
    assert message_lines("one\ntwo\n\nthree", "slack", "Jetstream: 3 found") == [["one", "two", "", "three"]]
    assert message_lines("") == [[]]


def test_a_text_that_does_not_fit_is_split_between_lines_and_numbered() -> None:
    lines = [f"{number:03} {'x' * 60}" for number in range(100)]
    pages = split("\n".join(lines), SLACK, "Jetstream: 3 found")
    assert [page[0] for page in pages] == ["(1 of 3)", "(2 of 3)", "(3 of 3)"]
    assert unnumbered(pages) == lines


def test_lines_beyond_the_limit_of_messages_are_counted_in_the_last_one() -> None:
    lines = [f"{number:04} {'x' * 60}" for number in range(1000)]
    pages = split("\n".join(lines), SLACK)
    assert len(pages) == MOST_MESSAGES
    kept = unnumbered(pages)[:-2]
    assert kept == lines[: len(kept)]
    assert pages[-1][-2:] == ["", f"and {1000 - len(kept)} more lines: a mail (mail_to) has all of them"]


def test_a_line_that_is_too_long_is_broken() -> None:
    pages = split(f"a\n{'y' * 7000}\nb", SLACK)
    assert "".join(unnumbered(pages)) == f"a{'y' * 7000}b"
    assert len(pages) == 4


def test_a_long_subject_leaves_room_for_lines() -> None:
    assert unnumbered(split("a\nb", SLACK, "x" * 5000)) == ["a", "b"]


def test_another_service_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="format is teem, but must be one of slack, teams"):
        message_lines("x", "teem")


@given(LINES, st.text(st.characters(codec="utf-8"), max_size=200))
def test_each_message_is_small_enough_for_slack(lines: list[str], subject: str) -> None:
    for page in split("\n".join(lines), SLACK, subject):
        text = "\n".join([subject, "```", *page, "```"])
        assert len(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) <= SLACK.size


@given(LINES)
def test_each_message_is_small_enough_for_teams_and_no_line_is_lost(lines: list[str]) -> None:
    limit = LIMITS["teams"]
    pages = split("\n".join(lines), limit)
    for page in pages:
        blocks = [
            {
                "type": "RichTextBlock",
                "spacing": "Default",
                "inlines": [{"type": "TextRun", "text": line.replace("  ", "\u00a0\u00a0"), "fontType": "Monospace"}],
            }
            for line in page
        ]
        assert len(json.dumps(blocks)) <= limit.size
    if len(pages) < MOST_MESSAGES:
        assert "".join(unnumbered(pages)) == "".join(lines)
