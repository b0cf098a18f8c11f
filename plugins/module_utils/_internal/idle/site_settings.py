# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of each instance: those of the site, those of its row in the file of settings, those of its owner.

An owner sets ``jetstream_idle_window_minutes`` and the like in the metadata of the instance, where the cloud has
metadata, inside bounds that the site sets. Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from typing import Any

from ..model import Instance
from ..text.terminal import one_line
from .rules import Bounds, OwnerSettings, Settings, changed_settings, settings_of_owner

METADATA_PREFIX = "jetstream_idle_"


@dataclass(frozen=True, slots=True)
class Row:
    """Settings for the instances that fit all of its globs. None fits all; an empty tuple fits none.

    ``projects`` are compared with the name and with the UUID of a project. ``line``: its line in the file.
    """

    settings: Mapping[str, Any]
    names: tuple[str, ...] | None = None
    owners: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
    line: int = 0

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """Its globs, by filter."""
        given = {"name": self.names, "owner": self.owners, "project": self.projects}
        return {name: globs for name, globs in given.items() if globs is not None}

    def fits(self, instance: Instance) -> bool:
        """Whether it has settings for an instance."""
        project = instance.project
        return (
            _fits(self.names, (instance.name,))
            and _fits(self.owners, (instance.owner,))
            and _fits(self.projects, (project.name, project.uuid) if project else ())
        )


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """The settings of all instances, rows that change them, and the bounds of owners.

    ``bounds`` are the lowest and the highest value of each number that owners may set; where it has none, those of the
    rules hold. ``may_ignore`` are the rules that owners may switch off.
    """

    base: Settings = Settings()  # noqa: RUF009 - it is frozen
    rows: Sequence[Row] = ()
    bounds: Bounds | None = None
    may_ignore: frozenset[str] = frozenset()

    def of(self, instance: Instance) -> OwnerSettings:
        """Return the settings of an instance. Of several rows, a later one counts before an earlier one.

        Raises ConfigurationError for a value of a row that is not possible.
        """
        settings = self.base
        for row in self.rows:
            if row.fits(instance):
                settings = changed_settings(settings, row.settings)
        found = settings_of_owner(settings, _of_metadata(instance), self.bounds or {}, may_ignore=self.may_ignore)
        return replace(found, notes=_of_owner(found.notes), doubts=_of_owner(found.doubts))


def changes(settings: Settings) -> dict[str, Any]:
    """Return the settings that are not the default, as plain values."""
    return {
        field.name: sorted(value) if isinstance(value, frozenset) else value
        for field in fields(Settings)
        for value in [getattr(settings, field.name)]
        if value != field.default
    }


def _of_metadata(instance: Instance) -> dict[str, str]:
    found = (instance.metadata or {}).items()
    return {key.removeprefix(METADATA_PREFIX): value for key, value in sorted(found) if key.startswith(METADATA_PREFIX)}


def _of_owner(sentences: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"By its metadata: {one_line(sentence)}" for sentence in sentences)


def _fits(globs: tuple[str, ...] | None, texts: Sequence[str]) -> bool:
    return globs is None or any(text == glob or fnmatchcase(text, glob) for glob in globs for text in texts)
