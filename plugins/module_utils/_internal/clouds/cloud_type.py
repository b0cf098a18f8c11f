# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of cloud: its settings, and how to connect to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..clock import Clock
from ..cloud import Cloud
from ..http.session import HttpSettings
from ..http.token_cache import TokenCache, cache_folder
from ..settings.reader import Reader
from ..settings.setting import Setting


class CloudSettings(Protocol):
    """The settings of a connection, as they are to be used. Each cloud has a type of its own."""

    @property
    def http(self) -> HttpSettings:
        """How to talk to the cloud's servers."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything in them that must not appear in any output."""


S = TypeVar("S", bound=CloudSettings)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a connection is made: the user's environment and home, time, and ``hide``, which takes secrets.

    ``fresh``: log in even if a token is in the cache.
    """

    environ: Mapping[str, str]
    home: Path | None
    clock: Clock
    hide: Callable[[str], None]
    fresh: bool = False

    @property
    def token_cache(self) -> TokenCache:
        """The user's cache of tokens."""
        return TokenCache(cache_folder(self.environ, self.home))


@dataclass(frozen=True, slots=True)
class CloudType(Generic[S]):
    """A kind of cloud.

    - ``backend``: its name in settings; ``title``: its name for people, in Ansible's markup.
    - ``settings``: those that only this kind of cloud has. One that ``names_cloud`` says that it is meant.
    - ``is_pointed_to``: whether the environment or a file of the user says so where no setting does;
      ``pointers`` are the words for that, in Ansible's markup.
    - ``logins``: the ways to log in, each by the settings that no other way takes. Where one is saved, the others go.
    - ``read_settings``: raises ConfigurationError if the settings are no login.
    - ``connect``: sends nothing. Raises ConfigurationError if a library is missing.
    - ``requirements``: sentences about the libraries to install for it.
    - ``how_to_log_in``: sentences for a user who has no login, with the parts of one that were found.
    - ``known_clouds``: a sentence on the clouds that a file of the user names, one of which a login needs; or "".
    - ``hint_of_name``: the remedy if a name that is no profile is, or may be, one that this kind of cloud knows; or "".
    """

    backend: str
    title: str
    settings: tuple[Setting, ...]
    read_settings: Callable[[Reader], S]
    connect: Callable[[S, Surroundings], Cloud]
    how_to_log_in: Callable[[Mapping[str, str], Path | None], str]
    is_pointed_to: Callable[[Mapping[str, str], Path | None], bool] = lambda environ, home: False
    known_clouds: Callable[[Mapping[str, str], Path | None], str] = lambda environ, home: ""
    hint_of_name: Callable[[str, Mapping[str, str], Path | None], str] = lambda name, environ, home: ""
    pointers: tuple[str, ...] = ()
    logins: tuple[tuple[str, ...], ...] = ()
    requirements: tuple[str, ...] = ()

    @property
    def naming_settings(self) -> list[str]:
        """The settings that select this kind of cloud."""
        return [each.name for each in self.settings if each.names_cloud]
