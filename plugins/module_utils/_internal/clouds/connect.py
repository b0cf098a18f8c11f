# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options, environment and profile to a cloud."""

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
    """A kind of cloud, and its settings as they are to be used.

    ``profile`` is None if no profile had a part in it. ``sources`` says for each setting that is not None where it came
    from, in words for a person. ``warnings`` are whole sentences.
    """

    cloud_type: CloudType[S]
    settings: S
    profile: str | None
    sources: Mapping[str, str] = field(hash=False, repr=False)
    warnings: tuple[str, ...] = ()


def resolve(options: Mapping[str, object], environ: Mapping[str, str], home: Path | None) -> Connection[Any]:
    """Decide every setting: by the option, else the environment, else the profile. See docs/connection.md.

    Reads files in ``home``, and those that the settings name. Raises ConfigurationError, in one sentence, without a
    secret in it.
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

    Raises ConfigurationError if a Python library that it needs is not there.
    """
    if REQUESTS_IMPORT_ERROR is not None:
        raise ConfigurationError(
            "The Python library requests is not installed for the Python that runs this module.",
            hint="Install it with: python3 -m pip install requests",
        )
    # A password from a profile or the environment is as secret as one from an option, but unknown to Ansible.
    for secret in connection.settings.secrets:
        surroundings.hide(secret)
    return connection.cloud_type.connect(connection.settings, surroundings)


def known_clouds(environ: Mapping[str, str], home: Path | None) -> str:
    """Return sentences on the clouds that files of the user name, or ""."""
    return " ".join(filter(None, (each.known_clouds(environ, home) for each in registry.CLOUD_TYPES)))


def replaced_settings(given: Collection[str]) -> set[str]:
    """Return the settings of a profile that the login in these settings replaces.

    Raises ConfigurationError if there is no login in them.
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
    """Return the kind of cloud that is named, or else the one whose login is given.

    The options of a task decide before all other sources, so that a task can go elsewhere than its user's profile.
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
        if each.is_pointed_to(environ, reader.home):
            return each
    ways = [each.how_to_log_in(environ, reader.home) for each in registry.CLOUD_TYPES]
    # What helps most people comes before the variables.
    save = "Save one with the playbook jetstream.cloud.save_credential."
    raise ConfigurationError(" ".join(["No login is configured.", *reader.missed, save, *ways]))


def _named(backend: str, where: str) -> CloudType[Any]:
    for each in registry.CLOUD_TYPES:
        if each.backend == backend:
            return each
    backends = " and ".join(sorted(each.backend for each in registry.CLOUD_TYPES))
    raise ConfigurationError(f"There is no backend {backend} ({where}), only {backends}.")
