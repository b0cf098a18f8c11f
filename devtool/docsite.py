# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site: the pages of the checkout, and the reference that antsibull-docs makes.

The source of Sphinx is a copy of the checkout. So each page exists once, and the links between pages work.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath

from devtool.environment import CACHE, ROOT, Environment
from devtool.running import CheckFailed, Workplace
from devtool.site_browser import BrowserFailed, browser, findings
from devtool.site_links import Links

SITE = CACHE / "docsite"
_SETTINGS = ROOT / "devtool" / "site"
_COLLECTION = "jetstream.cloud"
_REFERENCE = "collections/jetstream/cloud/index"
_GUIDES = tuple(
    f"docs/guides/{name}"
    for name in (
        "first_ten_minutes",
        "lab_course",
        "idle_machines",
        "last_weeks",
        "from_the_original",
        "from_openstack_cloud",
        "from_exosphere",
        "awx",
    )
)
_COURSE = "docs/examples/lab-course/README"
# The first sections of the sidebar. Those of docs/README.md follow, then the reference, then the pages in no section.
_FIRST_SECTIONS = {"Begin": ("Overview <README>",), "Guides": (*_GUIDES, f"A course to copy <{_COURSE}>")}
_LINK = re.compile(r"\]\((?!https?:|guides/)(?P<page>[\w./-]+)\.md\)")
_LAST_SECTION = "The project"
_PAGES = ("*.md", "docs/*.md", "docs/guides/*.md", "docs/examples/**/*.md", "tests/*/README.md")


def build(workplace: Workplace) -> Path:
    """Build the site below .cache/, and return its folder. Raises CheckFailed for any warning and any broken link."""
    environment = Environment("docsite")
    environment.prepare()
    source, built = workplace.copy(), workplace.folder / "built"
    variables = environment.variables(workplace.home)
    shutil.copy(_SETTINGS / "index.md", source / "index.md")
    _add_sidebar(source)
    options = ("--use-current", "--fail-on-error", "--dest-dir", source)
    # antsibull-docs refuses a folder that other users can write to.
    source.chmod(0o755)
    antsibull_docs = ("antsibull-docs", "--config-file", _SETTINGS / "antsibull-docs.cfg", "collection")
    workplace.call(*antsibull_docs, *options, _COLLECTION, variables=variables)
    patterns = ",".join([*_PAGES, "collections/**"])
    sphinx = ("sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "--builder", "html", "--jobs", "2")
    settings = (
        "--conf-dir",
        _SETTINGS,
        "--define",
        f"include_patterns={patterns}",
        "--define",
        f"release={_version()}",
    )
    workplace.call(
        *sphinx, *settings, "--doctree-dir", workplace.folder / "doctrees", source, built, variables=variables
    )
    links = Links(built)
    if broken := links.broken:
        raise CheckFailed("links that lead nowhere:\n" + "\n".join(f"  {each}" for each in broken))
    external = built / "external-links.txt"
    external.write_text("".join(f"{each}\n" for each in links.external), encoding="utf-8")
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.move(built, SITE)
    return SITE


def look(workplace: Workplace, site: Path) -> None:
    """Check all pages in a browser, if there is one. Raises CheckFailed if one is too wide, or hard to read."""
    program = browser()
    if program is None:
        workplace.write("No page was opened: there is no chromium (Debian, Ubuntu: apt install chromium).\n")
        return
    workplace.write(f"Opening all pages in {program} ...\n")
    try:
        found = findings(program, site)
    except BrowserFailed as error:
        raise CheckFailed(str(error)) from error
    if found:
        raise CheckFailed("pages that are too wide, or hard to read:\n" + "\n".join(f"  {each}" for each in found))


def _add_sidebar(source: Path) -> None:
    """Add the sections of the sidebar to the start page."""
    with (source / "index.md").open("a", encoding="utf-8") as page:
        for title, names in _sections(source):
            lines = "\n".join(names)
            page.write(f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n:maxdepth: 1\n\n{lines}\n```\n")


def _sections(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each section of the sidebar with its pages. Each page is in one section."""
    found = {path.relative_to(source).with_suffix("").as_posix() for pattern in _PAGES for path in source.glob(pattern)}
    left = sorted(found - {"index", "README", *_GUIDES, _COURSE})
    yield from ((title, list(names)) for title, names in _FIRST_SECTIONS.items())
    for title, names in _sections_of_pages(source):
        chosen = [name for name in names if name in left]
        left = [name for name in left if name not in chosen]
        if chosen:
            yield title, chosen
    yield "Reference", [_REFERENCE]
    yield _LAST_SECTION, left


def _sections_of_pages(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the headings of docs/README.md with the pages that are linked below each."""
    page = (source / "docs" / "README.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, _newline, body = section.partition("\n")
        yield title.strip(), [normpath(f"docs/{link['page']}") for link in _LINK.finditer(body)]


def _version() -> str:
    lines = (ROOT / "galaxy.yml").read_text(encoding="utf-8").splitlines()
    [version] = [line.removeprefix("version: ") for line in lines if line.startswith("version: ")]
    return version
