# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves options, environment variables and the profile into a connection, and connects to the cloud."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..http.session import REQUESTS_IMPORT_ERROR
from ..settings.profiles import UnknownProfile
from ..settings.reader import Reader
from ..settings.sources import Source
from . import registry
from .cloud_type import CloudType, S, Surroundings


@dataclass(frozen=True, slots=True)
class Connection(Generic[S]):
    """A kind of cloud, and its resolved settings.

    ``profile``: the name of the profile that was used; None if none was. ``sources``: the source of each setting that
    is not None, as a phrase for messages. ``warnings``: sentences.
    """

    cloud_type: CloudType[S]
    settings: S
    profile: str | None
    sources: Mapping[str, str] = field(hash=False, repr=False)
    warnings: tuple[str, ...] = ()


def resolve(options: Mapping[str, object], environ: Mapping[str, str], home: Path | None) -> Connection[Any]:
    """Resolve every setting: from its option, else the environment, else the profile (docs/connection.md, Precedence).

    Reads files in ``home``, and files named by settings. Raises ConfigurationError, whose message contains no secret.
    """
    reader = _reader(options, environ, home)
    cloud_type = _cloud_type(reader, environ)
    settings = cloud_type.read_settings(reader)
    others = [name for each in registry.CLOUD_TYPES if each is not cloud_type for name in each.naming_settings]
    reader.warn_if_overruled(cloud_type.naming_settings, rivals=others)
    return Connection(
        cloud_type=cloud_type,
        settings=settings,
        profile=reader.profile_name,
        sources=reader.sources,
        warnings=tuple(reader.warnings),
    )


def connect(connection: Connection[Any], surroundings: Surroundings) -> Cloud:
    """Return the cloud of a connection. Sends nothing yet.

    Raises ConfigurationError if a required Python library is missing.
    """
    if REQUESTS_IMPORT_ERROR is not None:
        raise ConfigurationError(
            "The Python library requests is not installed for the Python that runs this module.",
            hint="Install it with: python3 -m pip install requests",
        )
    # Ansible hides only the secrets in options, and not those from a profile or the environment.
    for secret in connection.settings.secrets:
        surroundings.hide(secret)
    return connection.cloud_type.connect(connection.settings, surroundings)


def known_clouds(environ: Mapping[str, str], home: Path | None) -> str:
    """Return sentences on the clouds in the user's files, or ""."""
    return " ".join(filter(None, (each.known_clouds(environ, home) for each in registry.CLOUD_TYPES)))


def replaced_settings(given: Collection[str]) -> set[str]:
    """Return the names of the settings that must leave a profile when the settings ``given`` are saved in it.

    Raises ConfigurationError if these contain no login.
    """
    if not any(name in given for each in registry.CLOUD_TYPES for name in each.naming_settings):
        raise ConfigurationError(
            "No login is given, so there is nothing to save. Set cloud, application_credential_id or username."
        )
    replaced = {"backend"}
    for each in registry.CLOUD_TYPES:
        is_given = any(name in given for name in each.naming_settings)
        replaced.update(name for login in each.logins for name in login)
        if not is_given:
            replaced.update(each.naming_settings)
    return replaced - set(given)


def _reader(options: Mapping[str, object], environ: Mapping[str, str], home: Path | None) -> Reader:
    try:
        return Reader(options, environ, home, registry.connection_settings())
    except UnknownProfile as error:
        hints = [each.hint_of_name(error.name, environ, home) for each in registry.CLOUD_TYPES]
        remedy = " ".join(filter(None, [error.hint, *hints]))
        raise ConfigurationError(error.message, hint=remedy) from None


def _cloud_type(reader: Reader, environ: Mapping[str, str]) -> CloudType[Any]:
    """Return the kind of cloud by the setting ``backend``, else by the given login (docs/connection.md, Which cloud).

    The options of a task precede all other sources, so that a task can use another cloud than its user's profile.
    """
    backend = reader.text("backend")
    if backend is not None:
        return _named(backend, reader.sources["backend"])
    options: Sequence[Source] = [reader.options]
    for places in (options, reader.places):
        for each in registry.CLOUD_TYPES:
            if any(place.gives(name) for place in places for name in each.naming_settings):
                return each
    for each in registry.CLOUD_TYPES:
        if each.is_detected(environ, reader.home):
            return each
    ways = [each.how_to_log_in(environ, reader.home) for each in registry.CLOUD_TYPES]
    # The playbook comes before the variables, since it suits most users.
    save = "Save one with the playbook jetstream.cloud.save_credential."
    raise ConfigurationError(" ".join(["No login is configured.", *reader.missed, save, *ways]))


def _named(backend: str, where: str) -> CloudType[Any]:
    for each in registry.CLOUD_TYPES:
        if each.backend == backend:
            return each
    backends = " and ".join(sorted(each.backend for each in registry.CLOUD_TYPES))
    raise ConfigurationError(f"There is no backend {backend} ({where}), only {backends}.")
