# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of a built site. Nothing is requested: links to other sites are only checked for their form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from urllib.parse import unquote

_ANCHORS = {"id", "name"}
_EXTERNAL = re.compile(r"https?://[\w.-]+(:\d+)?(/[^\s<>\"{}|\\^`]*)?(\?[^\s<>\"]*)?(#[^\s<>\"]*)?")
_OTHER_SCHEMES = ("mailto:", "data:")
_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


class _Page(HTMLParser):
    """Collects the links of a page, the files that it loads (styles, scripts, pictures), and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: dict[str, None] = {}
        self.loaded: dict[str, None] = {}
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in _ANCHORS and value:
                self.anchors.add(value)
            elif name == "href" and tag == "a":
                self.links[value or ""] = None
            elif name in ("href", "src", "data"):
                self.loaded[value or ""] = None


class Links:
    """The links of all pages of a site."""

    def __init__(self, site: Path) -> None:
        self._site = str(site)
        self._files = {str(path) for path in site.rglob("*") if path.is_file()}
        self._pages = {
            path: _Page(Path(path).read_text(encoding="utf-8"))
            for path in sorted(self._files)
            if path.endswith(".html")
        }

    @property
    def external(self) -> list[str]:
        """The addresses at other sites, each once, sorted."""
        return sorted({link for page in self._pages.values() for link in page.links if _EXTERNAL.fullmatch(link)})

    @property
    def broken(self) -> list[str]:
        """Each link without its file or anchor, and each whose form is not that of an address, with its page."""
        return list(self._broken())

    def _broken(self) -> Iterator[str]:
        for path, page in self._pages.items():
            wrong = [link for link in page.links if not self._is_valid(link, path)]
            # A page that loads a file from another site tells that site about each reader.
            wrong += [link for link in page.loaded if _EXTERNAL.fullmatch(link) or not self._is_valid(link, path)]
            yield from (f"{relpath(path, self._site)}: {link}" for link in wrong)

    def _is_valid(self, link: str, path: str) -> bool:
        if link.startswith(_OTHER_SCHEMES):
            return True
        if _WITH_SCHEME.match(link):
            return bool(_EXTERNAL.fullmatch(link))
        name, _sign, anchor = link.partition("#")
        # Sphinx adds a checksum to styles and scripts.
        name = unquote(name.partition("?")[0])
        target = normpath(join(dirname(path), name)) if name else path
        if target not in self._files:
            return False
        return not anchor or (target in self._pages and unquote(anchor) in self._pages[target].anchors)
