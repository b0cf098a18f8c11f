# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev accepts each command in the pages, and the files in it exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtool.__main__ import _parser, _split

ROOT = Path(__file__).resolve().parents[3]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
# A command in a block, or in a sentence.
_COMMAND = re.compile(r"^(?:\$ )?\./dev (?P<block>[^<\n]*)|`\./dev (?P<inline>[^`]*)`", re.MULTILINE)


def commands() -> Iterator[str]:
    """Yield every command line without ``./dev``, and no placeholder (``./dev ...``)."""
    for page in PAGES:
        for match in _COMMAND.finditer(page.read_text(encoding="utf-8")):
            command = (match["block"] or match["inline"]).replace("\n", " ").partition("  #")[0]
            if "..." not in command and "--help" not in command:
                yield command


COMMANDS = sorted(set(commands()))


def test_the_pages_have_the_usual_commands_of_developers() -> None:
    assert {"demo", "test", "test units mypy", "test-openstack", "bench", "lock"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_a_page_is_accepted_and_its_files_exist(command: str) -> None:
    words, extra = _split(shlex.split(command))
    _parser().parse_args(words)
    paths = [word for word in [*words, *extra] if word.startswith(("tests/", "plugins/", "playbooks/"))]
    assert [path for path in paths if not (ROOT / path.partition("::")[0]).exists()] == []
