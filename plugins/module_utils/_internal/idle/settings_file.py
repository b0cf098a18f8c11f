# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of settings: those of all instances, of some by name, owner and project, and the bounds of owners.

It is YAML, and is kept in a user's repository. A mistake in it is named with its line and the nearest word, and nothing
is judged by a file that has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigurationError
from ..files import read_file
from ..text.suggestions import did_you_mean
from ..yaml_tree import LIST, NOTHING, TABLE, line_of, pairs, repeated, tree_of, value_of
from .rules import changed_settings, setting_of, settings_from
from .site_settings import Row, SiteSettings

Given = TypeVar("Given")

_PARTS = ("defaults", "bounds", "instances")
_ROW = ("name", "owner", "project", "settings")
_IGNORE = "ignore"


def read_site_settings(path: Path | None, values: Mapping[str, Any]) -> SiteSettings:
    """Return the settings in a file, None if there is none. ``values`` come before the defaults of the file.

    Raises ConfigurationError for a file that cannot be read, and for a mistake in it or in the values.
    """
    if path is None:
        return SiteSettings(settings_from(values))
    try:
        content = read_file(path)
    except OSError as error:
        raise ConfigurationError(f"The settings in {path} cannot be read: {error.strerror}.") from None
    return site_settings_of(content, str(path), values)


def site_settings_of(content: bytes, shown: str, values: Mapping[str, Any]) -> SiteSettings:
    """Return the settings in the content of a file. ``shown``: its path, as messages call it."""
    root = tree_of(content, shown)
    if root is None:
        return SiteSettings(settings_from(values))
    return _File(shown).settings(root, values)


class _File:
    """Reads the tree of one file. Every method raises ConfigurationError."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def settings(self, root: Any, values: Mapping[str, Any]) -> SiteSettings:
        parts = self._table(root, "the file", _PARTS)
        defaults = self._values(parts["defaults"], "defaults") if "defaults" in parts else {}
        bounds, may_ignore = self._bounds(parts["bounds"]) if "bounds" in parts else ({}, frozenset())
        base = changed_settings(settings_from(defaults), values)
        return SiteSettings(base, self._rows(parts["instances"]) if "instances" in parts else (), bounds, may_ignore)

    def _values(self, node: Any, what: str) -> dict[str, Any]:
        """Return the settings of a table, each of which is possible."""
        found = {}
        for name, value in self._table(node, what, None).items():
            found[name] = self._plain(value, name)
            self._check(value, settings_from, {name: found[name]})
        return found

    def _bounds(self, node: Any) -> tuple[dict[str, tuple[float, float]], frozenset[str]]:
        bounds: dict[str, tuple[float, float]] = {}
        may_ignore: frozenset[str] = frozenset()
        for name, value in self._table(node, "bounds", None).items():
            given = self._plain(value, name)
            if name == _IGNORE:
                self._check(value, settings_from, {_IGNORE: given})
                may_ignore = frozenset([given] if isinstance(given, str) else given)
                continue
            self._check(value, setting_of, name)
            if not isinstance(given, list) or len(given) != 2:
                raise self._mistake(value, f"bounds of {name} are no two numbers", "Write [lowest, highest].")
            for each in given:
                self._check(value, settings_from, {name: each})
            if given[0] > given[1]:
                raise self._mistake(value, f"the lowest {name} is above the highest", "Write [lowest, highest].")
            bounds[name] = (float(given[0]), float(given[1]))
        return bounds, may_ignore

    def _rows(self, node: Any) -> tuple[Row, ...]:
        if node.tag != LIST:
            raise self._mistake(node, "instances is not a list", "Begin each row with a dash.")
        return tuple(self._row(each) for each in node.value)

    def _row(self, node: Any) -> Row:
        parts = self._table(node, "a row of instances", _ROW)
        if "settings" not in parts:
            raise self._mistake(node, "a row has no settings", "Write settings: and, below it, each of them.")
        globs = {name: self._globs(parts[name], name) for name in ("name", "owner", "project") if name in parts}
        if not globs:
            raise self._mistake(
                node, "a row selects no instances", "Add name, owner or project, or write its settings as defaults."
            )
        return Row(
            self._values(parts["settings"], "settings"),
            globs.get("name"),
            globs.get("owner"),
            globs.get("project"),
            line_of(node),
        )

    def _globs(self, node: Any, name: str) -> tuple[str, ...]:
        given = self._plain(node, name)
        texts = given if isinstance(given, list) else [given]
        # A name of digits alone is a number to YAML.
        if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in texts):
            raise self._mistake(node, f"{name} is neither a text nor a list of texts", "Put the value in quotes.")
        return tuple(str(each) for each in texts)

    def _table(self, node: Any, what: str, known: tuple[str, ...] | None) -> dict[str, Any]:
        """Return the values of a table by their keys, which are among the known ones."""
        if node.tag == NOTHING:
            raise self._mistake(node, f"{what} is empty", "Write it below, indented by spaces.")
        if node.tag != TABLE:
            raise self._mistake(node, f"{what} is not a mapping", "Write a name with a colon in each line.")
        if (twice := repeated(node)) is not None:
            raise self._mistake(twice, f"{twice.value} is there twice", "Remove one of them.")
        found = pairs(node)
        for name, (key, _value) in found.items():
            if known is not None and name not in known:
                hint = did_you_mean(name, known) or f"There are {', '.join(known)}."
                raise self._mistake(key, f"{what} has no {name[:40]!r}", hint)
        return {name: value for name, (_key, value) in found.items()}

    def _plain(self, node: Any, name: str) -> Any:
        try:
            return value_of(node)
        except ValueError:
            raise self._mistake(node, f"{name} is not a plain value", "Write a number, a text or a list.") from None

    def _check(self, node: Any, check: Callable[[Given], object], given: Given) -> None:
        """Check a value, and name its line if it is not possible."""
        try:
            check(given)
        except ConfigurationError as error:
            raise self._mistake(node, error.message.rstrip("."), error.hint) from None

    def _mistake(self, node: Any, what: str, remedy: str | None) -> ConfigurationError:
        return ConfigurationError(f"{self._shown}, line {line_of(node)}: {what}.", hint=remedy)
