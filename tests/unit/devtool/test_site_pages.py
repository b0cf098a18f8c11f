# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the site: links of Markdown pages are resolved, and the sidebar has each page once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from devtool.docsite import _sections
from devtool.site.extension import _LINK, _resolved

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = "https://git.example.org/jetstream/cloud"


@pytest.mark.parametrize(
    ("link", "without_address", "with_address"),
    [
        ("[a](idle.md#rules)", None, None),
        ("[a](https://example.org/x.py)", None, None),
        (
            "[a](../plugins/modules/jetstream_volume.py)",
            "[a](../collections/jetstream/cloud/jetstream_volume_module.rst)",
            "[a](../collections/jetstream/cloud/jetstream_volume_module.rst)",
        ),
        ("[a](../galaxy.yml)", None, f"[a]({ADDRESS}/blob/main/galaxy.yml)"),
        ("[the tests](../tests/unit)", "the tests", f"[the tests]({ADDRESS}/blob/main/tests/unit)"),
        ("![a fleet](performance.svg)", None, None),
    ],
)
def test_a_link_leads_to_a_page_or_to_the_repository(
    link: str, without_address: str | None, with_address: str | None
) -> None:
    resolved = [
        _LINK.sub(partial(_resolved, folder=ROOT / "docs", root=ROOT, repository=address), link)
        for address in (None, ADDRESS)
    ]

    assert resolved == [without_address or link, with_address or link]


def test_every_page_is_in_one_section_of_the_sidebar() -> None:
    sections = dict(_sections(ROOT))
    listed = [name.partition("<")[2].rstrip(">") or name for names in sections.values() for name in names]
    pages = [path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")]

    assert sorted(set(listed)) == sorted(listed)
    assert [name for name in pages if name not in listed] == []
    assert [
        name for name in listed if not name.startswith("collections/") and not (ROOT / f"{name}.md").is_file()
    ] == []
    assert "docs/idle" in sections["Save service units"]
