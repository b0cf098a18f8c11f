# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glossary has the terms that readers meet, and no others."""

from __future__ import annotations

import re

import pytest
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import PAGES, ROOT

_GLOSSARY = ROOT / "docs" / "glossary.md"
_TERM = re.compile(r"^\| \*\*(.+?)\*\* \| (.+) \|$", re.MULTILINE)
_TERMS = _TERM.findall(_GLOSSARY.read_text(encoding="utf-8"))


def _texts() -> str:
    plugins = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "playbooks").rglob("*.yml")]
    pages = [page for page in PAGES if page != _GLOSSARY]
    return "\n".join(path.read_text(encoding="utf-8") for path in [*pages, *plugins])


@pytest.fixture(scope="module")
def texts() -> str:
    return _texts()


@pytest.mark.parametrize("term", [term for term, _meaning in _TERMS])
def test_a_term_is_used_outside_the_glossary(term: str, texts: str) -> None:
    words = r"\s+".join(re.escape(word) for word in term.split())

    assert re.search(rf"(?i)\b{words}(?:s|d|ed|ing)?\b", texts)


def test_no_term_is_explained_twice() -> None:
    terms = [term.casefold() for term, _meaning in _TERMS]

    assert terms
    assert sorted(terms) == sorted(set(terms))


def test_the_readme_links_to_the_glossary() -> None:
    assert "(docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
