# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links in pages are not broken."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import PAGES, ROOT

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)(?: \"[^\"]*\")?\)")
_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(?P<title>.+?) *#*$", re.MULTILINE)


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_every_linked_file_and_heading_exists(page: str) -> None:
    path = ROOT / page
    targets = [match["target"] for match in _LINK.finditer(_CODE.sub("", path.read_text(encoding="utf-8")))]

    assert [target for target in targets if "://" not in target and not _exists(path, target)] == []


def _exists(page: Path, target: str) -> bool:
    if target.startswith("mailto:"):
        return True
    name, _sign, anchor = target.partition("#")
    path = (page.parent / unquote(name)).resolve() if name else page
    inside = path.is_relative_to(ROOT) and path.exists()
    return inside and (not anchor or anchor in _anchors(path))


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a page, as GitHub and GitLab make them from its headings."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = [match["title"].lower() for match in _HEADING.finditer(text)]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}
