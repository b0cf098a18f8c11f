# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a kind of cloud: its settings, and the function that connects to one."""

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
    """The resolved settings of a connection. Each kind of cloud has its own type."""

    @property
    def http(self) -> HttpSettings:
        """The settings of requests: timeouts, certificates and connections."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets among the settings, which must not appear in any output."""


S = TypeVar("S", bound=CloudSettings)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The context of a connection.

    ``environ`` and ``home``: the user's environment variables and home folder (None without one). ``hide``: called with
    each secret that must not appear in any output. ``fresh``: log in even if a token is in the cache.
    """

    environ: Mapping[str, str]
    home: Path | None
    clock: Clock
    hide: Callable[[str], None]
    fresh: bool = False

    @property
    def token_cache(self) -> TokenCache:
        """The user's cache of tokens. Raises ConfigurationError, see ``cache_folder``."""
        return TokenCache(cache_folder(self.environ, self.home))


@dataclass(frozen=True, slots=True)
class CloudType(Generic[S]):
    """A kind of cloud.

    - ``backend``: its name in settings. ``title``: its name in the documentation, in Ansible's markup.
    - ``settings``: the settings of this kind of cloud alone. A setting with ``names_cloud`` selects the kind.
    - ``is_detected``: whether the environment or a file of the user selects the kind if no setting does.
      ``detected_by``: these variables and files, in Ansible's markup.
    - ``logins``: the ways to log in, each as the settings that only this way uses. Saving one way removes the others.
    - ``read_settings``: returns the resolved settings. Raises ConfigurationError for an incomplete login.
    - ``connect``: returns the cloud. Sends nothing. Raises ConfigurationError if a library is missing.
    - ``requirements``: sentences about the libraries to install.
    - ``how_to_log_in``: returns sentences for a user without a login, including the parts of one that were found.
    - ``known_clouds``: returns a sentence on the clouds in the user's files, if a login needs the name of one; or "".
    - ``hint_of_name``: returns the remedy for the name of an unknown profile, if this kind of cloud knows it; or "".
    """

    backend: str
    title: str
    settings: tuple[Setting, ...]
    read_settings: Callable[[Reader], S]
    connect: Callable[[S, Surroundings], Cloud]
    how_to_log_in: Callable[[Mapping[str, str], Path | None], str]
    is_detected: Callable[[Mapping[str, str], Path | None], bool] = lambda environ, home: False
    known_clouds: Callable[[Mapping[str, str], Path | None], str] = lambda environ, home: ""
    hint_of_name: Callable[[str, Mapping[str, str], Path | None], str] = lambda name, environ, home: ""
    detected_by: tuple[str, ...] = ()
    logins: tuple[tuple[str, ...], ...] = ()
    requirements: tuple[str, ...] = ()

    @property
    def naming_settings(self) -> list[str]:
        """The names of the settings that select this kind of cloud."""
        return [each.name for each in self.settings if each.names_cloud]
