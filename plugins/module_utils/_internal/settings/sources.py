# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of settings: options of a task, environment variables, a profile."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import ConfigurationError

_PREFIX = "JETSTREAM_"
# Variables of this collection that are no settings of a connection.
_OTHER_VARIABLES = ("JETSTREAM_CACHE_TOKENS", "JETSTREAM_PROGRESS", "JETSTREAM_STATE_PATH")
# How near a name has to be to count as mistyped: PROFILE and PROFLIE are 0.86, URL and API_URL 0.6.
_NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Found:
    """A value that a source gave, not yet checked.

    ``words`` name the source, as in "environment variable JETSTREAM_TOKEN"; ``subject`` begins a sentence with it.
    """

    value: object = field(repr=False)
    words: str
    subject: str


@dataclass(frozen=True, slots=True)
class Source:
    """One place that gives settings. ``words`` and ``subject`` take a setting's name: see Found."""

    values: Mapping[str, object] = field(repr=False)
    words: Callable[[str], str]
    subject: Callable[[str], str]

    def gives(self, name: str) -> bool:
        """Return whether there is a value: an empty string is none."""
        value = self.values.get(name)
        return bool(value.strip()) if isinstance(value, str) else value is not None

    def take(self, name: str) -> Found:
        """Return its value of a setting, with the words that name the source."""
        return Found(self.values[name], self.words(name), self.subject(name))


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{_PREFIX}{name.upper()}"


def from_options(options: Mapping[str, object], names: Iterable[str]) -> Source:
    """Return the settings of these names that are options of a task."""
    values = {name: options[name] for name in names if name in options}
    return Source(values, lambda name: f"option {name}", lambda name: f"The option {name}")


def from_environment(environ: Mapping[str, str], names: Iterable[str]) -> Source:
    """Return the settings of these names that are environment variables."""
    values = {name: environ[variable(name)] for name in names if variable(name) in environ}
    return Source(
        values,
        lambda name: f"environment variable {variable(name)}",
        lambda name: f"The environment variable {variable(name)}",
    )


def refuse_mistyped(environ: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise ConfigurationError for a variable whose name is almost that of a setting.

    Without ``JETSTREAM_PROFILE``, which ``JETSTREAM_PROFIL`` was meant to be, another account would be acted on. Other
    programs have variables with this prefix as well, so one that is near to none is not a mistake.
    """
    known = {*(variable(name) for name in names), *_OTHER_VARIABLES}
    endings = {each.removeprefix(_PREFIX): each for each in known}
    for name, value in environ.items():
        if name.upper().startswith(_PREFIX) and name not in known and value.strip():
            close = difflib.get_close_matches(name.upper().removeprefix(_PREFIX), endings, n=1, cutoff=_NEAR)
            if close:
                raise ConfigurationError(
                    f"The environment variable {name} is unknown.", hint=f"Did you mean {endings[close[0]]}?"
                )


def find(name: str, sources: Iterable[Source]) -> Found | None:
    """Return a setting from the first source that gives it."""
    return next((source.take(name) for source in sources if source.gives(name)), None)


def open_to_others(mode: int, shown: str) -> list[str]:
    """Return a warning if the mode of a file that holds a secret opens it to others. ``shown`` is its path."""
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [
        (
            f"{shown} contains a secret, but its mode {stat.S_IMODE(mode):04o} lets other users read it. Run: chmod "
            "600 "
            f"{shown}"
        )
    ]
