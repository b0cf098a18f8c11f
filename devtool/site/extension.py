# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An extension of Sphinx that turns links to files of the checkout into links to pages of the site.

It runs in the environment ``docsite``, which has sphinx and docutils.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>(?!https?:|mailto:|#)[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_MODULE = re.compile(r"plugins/modules/(?P<name>\w+)\.py")
_PAGE = re.compile(r"\bdocs/[\w/]+\.md\b")
_REPOSITORY = re.compile(r"^repository: (\S+)$", re.MULTILINE)
_CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)*", re.MULTILINE)
# The two hyphens in a title and in a list of plugins, which stand for a dash.
_DASHES = re.compile(r"((?:module|filter|inventory|`) )--(?= )")
_REFERENCE = "collections/jetstream/cloud"
# Ansible's documentation. The reference refers to it by labels.
_ANSIBLE = "https://docs.ansible.com/ansible/latest"
_PLUGIN = re.compile(r"ansible_collections\.(?!jetstream\.cloud\.)(?P<path>\w+\.\w+\.\w+?)(?:__\S*)?")
_LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the functions of this extension with Sphinx."""
    app.connect("source-read", _resolve_links)
    app.connect("source-read", _adapt_reference)
    app.connect("missing-reference", _link_to_ansible)
    app.add_transform(_NamedPages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _resolve_links(app: Sphinx, docname: str, source: list[str]) -> None:
    """Resolve the links of a page in Markdown to files that are not pages of the site."""
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".md":
        return
    root = Path(app.srcdir)
    found = _REPOSITORY.search((root / "galaxy.yml").read_text(encoding="utf-8"))
    repository = found[1] if found else None
    source[0] = _LINK.sub(lambda link: _resolved(link, path.parent, root, repository), source[0])


def _adapt_reference(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Remove the table of contents of a page of the reference, which the theme shows in the margin, and set dashes."""
    if docname.startswith(f"{_REFERENCE}/"):
        source[0] = _DASHES.sub("\\1\N{EN DASH}", _CONTENTS.sub("", source[0]))


def _resolved(link: re.Match[str], folder: Path, root: Path, repository: str | None) -> str:
    """Return a link to a page of the site or to a file, or the text of the link if there is neither."""
    target = (folder / link["target"]).resolve()
    if target.suffix == ".md" or not target.is_relative_to(root):
        return link[0]
    name = target.relative_to(root).as_posix()
    if module := _MODULE.fullmatch(name):
        return f"[{link['text']}]({os.path.relpath(root / _REFERENCE, folder)}/{module['name']}_module.rst)"
    if repository:
        return f"[{link['text']}]({repository}/blob/main/{name}{link['anchor'] or ''})"
    # Sphinx turns a link to a file into a download.
    return link["text"] if target.is_dir() else link[0]


def _link_to_ansible(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Return a link for a label, a plugin or a setting of Ansible's documentation, or None."""
    target = node["reftarget"]
    page = _LABELS.get(target)
    if plugin := _PLUGIN.fullmatch(target):
        page = f"collections/{plugin['path'].replace('.', '/')}.html"
    elif node["reftype"] == "envvar" and target.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{target}"
    if page is None:
        return None
    return nodes.reference("", "", content, internal=False, refuri=f"{_ANSIBLE}/{page}")


class _NamedPages(SphinxTransform):
    """Turns the names of pages in the reference into links, as in "docs/idle.md describes the rules"."""

    default_priority = 500

    def apply(self, **_keywords: Any) -> None:
        """Link the names of pages in the document."""
        if not self.env.docname.startswith(f"{_REFERENCE}/"):
            return
        for text in list(self.document.findall(nodes.Text)):
            within = text.parent
            if _PAGE.search(text) and not isinstance(within, nodes.literal_block | nodes.reference | pending_xref):
                within.replace(text, list(self._linked(str(text))))

    def _linked(self, text: str) -> list[nodes.Node]:
        parts: list[nodes.Node] = []
        end = 0
        for page in _PAGE.finditer(text):
            reference = pending_xref(
                "",
                nodes.inline("", page[0]),
                refdomain="std",
                reftype="doc",
                reftarget=f"/{page[0].removesuffix('.md')}",
                refexplicit=True,
                refwarn=True,
                refdoc=self.env.docname,
            )
            parts += [nodes.Text(text[end : page.start()]), reference]
            end = page.end()
        return [*parts, nodes.Text(text[end:])]
