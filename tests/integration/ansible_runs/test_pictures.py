# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the pages show what the playbooks print now, and nothing of the machine that they were made on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import PLUGINS
from ansible_collections.jetstream.cloud.tests.pictures.__main__ import drawings
from ansible_collections.jetstream.cloud.tests.pictures.evening import play, shape
from ansible_collections.jetstream.cloud.tests.pictures.svg import text_of

PICTURES = PLUGINS.parent / "docs" / "pictures"
PAGES = [PLUGINS.parent / "README.md", *sorted((PLUGINS.parent / "docs" / "guides").glob("*.md"))]
_LARGEST = 60 * 1024


def test_the_pictures_show_what_the_playbooks_print(tmp_path: Path) -> None:
    drawn = drawings(play(tmp_path, charts=False))
    kept = {path.stem: path.read_text(encoding="utf-8") for path in PICTURES.glob("*.svg")}

    assert kept.keys() == drawn.keys()
    for name in sorted(kept):
        assert shape(text_of(kept[name])) == shape(text_of(drawn[name])), f"{name}: make it anew by ./dev pictures"


@pytest.mark.parametrize("path", sorted(PICTURES.iterdir()), ids=lambda path: path.name)
def test_a_picture_is_small_described_and_tells_no_machine(path: Path) -> None:
    assert path.stat().st_size < _LARGEST
    shown = [text for page in PAGES for text in re.findall(rf"!\[([^\]]+)\]\([\w./]*{path.name}\)", page.read_text())]
    assert [text for text in shown if len(text) > 20], f"{path.name} is on no page with a description"
    if path.suffix == ".svg":
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"/tmp/|/root|/work|127\.0\.0\.1|@font-face", text) == []
        assert re.findall(r"https?://(?!www\.w3\.org/|www\.gnu\.org/)", text) == []
