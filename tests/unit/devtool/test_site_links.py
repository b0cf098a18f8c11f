# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken links of the built site are found, and its links to other sites are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtool.site_links import Links


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the folder of a site with one page and one style sheet."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "style.css").touch()
    (tmp_path / "docs" / "idle.html").write_text('<h1 id="rules">Rules</h1>', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "element",
    [
        '<a href="docs/idle.html#rules">',
        '<a href="#here"><p id="here">',
        '<a href="mailto:a@example.org">',
        '<a href="https://docs.jetstream-cloud.org/overview/?a=b#c">',
        '<link rel="stylesheet" href="style.css?v=1">',
        '<img src="data:image/gif;base64,R0lGOD">',
    ],
)
def test_a_valid_link_is_accepted(site: Path, element: str) -> None:
    (site / "index.html").write_text(element, encoding="utf-8")

    assert Links(site).broken == []


@pytest.mark.parametrize(
    ("element", "link"),
    [
        ('<a href="docs/none.html">', "docs/none.html"),
        ('<a href="docs/idle.html#rule">', "docs/idle.html#rule"),
        ('<a href="#nowhere">', "#nowhere"),
        ('<a href="style.css#rules">', "style.css#rules"),
        ('<a href="../outside.html">', "../outside.html"),
        ('<a href="https:/one-slash.org">', "https:/one-slash.org"),
        ('<a href="https://example.org/a b">', "https://example.org/a b"),
        ('<a href="file:///home/johndoe/x.html">', "file:///home/johndoe/x.html"),
        ('<a href="javascript:alert(1)">', "javascript:alert(1)"),
        ('<img src="none.svg">', "none.svg"),
        ('<script src="https://cdn.example.org/x.js">', "https://cdn.example.org/x.js"),
        ('<link rel="stylesheet" href="https://fonts.example.org/x.css">', "https://fonts.example.org/x.css"),
    ],
)
def test_a_broken_link_is_listed_with_its_page(site: Path, element: str, link: str) -> None:
    (site / "index.html").write_text(element, encoding="utf-8")

    assert Links(site).broken == [f"index.html: {link}"]


def test_addresses_at_other_sites_are_listed_once(site: Path) -> None:
    links = '<a href="https://b.example.org/"><a href="https://a.example.org/"><a href="https://b.example.org/">'
    (site / "index.html").write_text(links, encoding="utf-8")

    assert Links(site).external == ["https://a.example.org/", "https://b.example.org/"]
