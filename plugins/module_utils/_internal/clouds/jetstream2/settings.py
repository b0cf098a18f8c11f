# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defines and reads the settings of a connection to Jetstream2. See docs/connection.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import ConfigurationError
from ...http.session import HttpSettings
from ...settings import values
from ...settings.addresses import refuse_plain_http, server_address
from ...settings.connection import read_http_settings
from ...settings.reader import Owner, Reader
from ...settings.setting import Setting
from ...settings.sources import Found, variable
from .clouds_file import clouds_in_words

# The address of Jetstream2's keystone.
DEFAULT_AUTH_URL = "https://js2.jetstream-cloud.org:5000/v3"
_ID, _SECRET = "application_credential_id", "application_credential_secret"
# Each of these selects a cloud for openstacksdk.
_VARIABLES = ("OS_CLOUD", "OS_AUTH_URL")

SETTINGS = (
    Setting(
        name="cloud",
        description=(
            "The name of a cloud in C(clouds.yaml).",
            "That file and the variables C(OS_*) are read in the same way as by the OpenStack client.",
        ),
        names_cloud=True,
    ),
    Setting(
        name=_ID,
        description=("The ID of an application credential, instead of O(cloud).",),
        names_cloud=True,
    ),
    Setting(
        name=_SECRET,
        description=(
            f"The secret of O({_ID}).",
            "It is only sent for the ID, and to the server, that are set in the same place, if any.",
        ),
        secret=True,
        names_cloud=True,
    ),
    Setting(
        name="auth_url",
        description=(f"The URL of the Keystone service for O({_ID}).",),
        otherwise=f"C({DEFAULT_AUTH_URL})",
        names_cloud=True,
    ),
    Setting(
        name="region",
        description=("The region to use, if the cloud has several.",),
        otherwise="that of C(clouds.yaml), or the only one",
    ),
)
LOGINS = (("cloud",), (_ID, _SECRET, "auth_url"))


@dataclass(frozen=True, slots=True)
class ApplicationCredential:
    """An application credential, and the address of its keystone."""

    auth_url: str
    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Jetstream2Settings:
    """A cloud in clouds.yaml, or an application credential. If both are None, the OS_* variables define the login."""

    cloud: str | None
    credential: ApplicationCredential | None
    region: str | None
    http: HttpSettings

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret of the application credential. Session hides the secrets of clouds.yaml."""
        return (self.credential.secret,) if self.credential else ()


def read_settings(reader: Reader) -> Jetstream2Settings:
    """Resolve the settings. Raises ConfigurationError if no cloud is selected, or its login is incomplete."""
    cloud, credential = _login(reader)
    if cloud is None and credential is None and not is_detected(reader.environ, reader.home):
        found = clouds_in_words(reader.environ, reader.home)
        raise ConfigurationError(f"No cloud is selected. {found}", hint="Set JETSTREAM_CLOUD, or the option cloud.")
    reader.warn_if_overruled(*((["cloud"], [_ID]) if cloud else ([_ID], ["cloud"])))
    return Jetstream2Settings(
        cloud=cloud,
        credential=credential,
        region=reader.text("region"),
        http=read_http_settings(reader),
    )


def is_detected(environ: Mapping[str, str], _home: Path | None) -> bool:
    """Return whether the environment variables of the OpenStack client select a cloud."""
    return any(environ.get(name) for name in _VARIABLES)


def how_to_log_in(environ: Mapping[str, str], home: Path | None) -> str:
    """Return sentences on how to log in, and on clouds.yaml. Even the only cloud in it must be selected by name."""
    return f"For Jetstream2, set JETSTREAM_CLOUD to a cloud in clouds.yaml. {clouds_in_words(environ, home)}"


def _login(reader: Reader) -> tuple[str | None, ApplicationCredential | None]:
    """Return the cloud or the credential, by the source with precedence. Raises ConfigurationError if it has both."""
    for place in reader.places:
        has_cloud, has_credential = place.gives("cloud"), place.gives(_ID)
        if has_cloud and has_credential:
            raise ConfigurationError(
                f"{place.take(_ID).subject} and {place.take('cloud').words} contradict each other.",
                hint="Set a cloud of clouds.yaml or an application credential, not both.",
            )
        if has_cloud:
            return reader.text("cloud"), None
        if has_credential:
            return None, _credential(reader)
    if reader.gives((_SECRET, "auth_url")):
        return None, _credential(reader)
    return None, None


def _credential(reader: Reader) -> ApplicationCredential:
    allow_http = reader.flag("allow_http", default=False)
    found = reader.found("auth_url")
    auth_url = _address(found) if found else reader.otherwise("auth_url", DEFAULT_AUTH_URL)
    if found and not allow_http:
        refuse_plain_http(auth_url, found.subject, "secret")
    identity = reader.text(_ID)
    secrets, ignored = reader.secrets([_SECRET], {_ID: Owner(identity), "auth_url": Owner(auth_url, _address)})
    if identity is None or not secrets:
        raise _incomplete(reader, identity, [*ignored, *reader.missed])
    return ApplicationCredential(auth_url, identity, values.text(secrets[_SECRET]))


def _incomplete(reader: Reader, identity: str | None, reasons: Sequence[str]) -> ConfigurationError:
    if identity is None:
        sentence = f"{_ID} is not set."
    else:
        sentence = f"{_SECRET} is not set for {identity} ({reader.sources[_ID]})."
    return ConfigurationError(
        " ".join([sentence, *reasons]),
        hint=f"Set {variable(_ID)} and {variable(_SECRET)}, or save both in a profile, as the playbook "
        "jetstream.cloud.save_credential does.",
    )


def _address(found: Found) -> str:
    return server_address(found, example=DEFAULT_AUTH_URL)
