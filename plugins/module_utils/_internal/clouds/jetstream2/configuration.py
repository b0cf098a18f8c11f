# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the configuration of a login by openstacksdk.

openstacksdk supports clouds.yaml, the OS_* variables, and a dozen ways to log in. See docs/jetstream2.md, Login.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...http.session import BoundedAdapter, HttpSettings
from ..cloud_type import Surroundings
from . import sdk
from .clouds_file import check_cloud, clouds_files, refuse_blank_variables, secure_files
from .settings import Jetstream2Settings

# Without the library, OPENSTACKSDK_IMPORT_ERROR of sdk.py is set.
with suppress(ImportError):
    from keystoneauth1 import exceptions as keystone_errors
    from keystoneauth1.identity.base import BaseIdentityPlugin

# The endings of keys below auth whose values must not appear in any output.
SECRET_WORDS = ("password", "passcode", "secret", "token")
# The required keys below auth, by auth_type. Of each tuple, one key is required.
_USER = (("auth_url",), ("username", "user_id"), ("password",))
_NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "password": _USER,
    "v3password": _USER,
    "v3applicationcredential": (
        ("auth_url",),
        ("application_credential_id", "application_credential_name"),
        ("application_credential_secret",),
    ),
}


@dataclass(frozen=True, slots=True)
class Configured:
    """A configured cloud. ``region``, ``session`` and ``auth``: objects of openstacksdk.

    ``auth_url``: the address of keystone. ``http``: the settings of requests to the services. ``where``: a phrase on
    the cloud and its file, after "the cloud".
    """

    region: Any
    session: Any
    auth: Any
    auth_url: str
    http: HttpSettings
    where: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets of the login."""
        auth = self.region.config.get("auth") or {}
        return tuple(
            value for key, value in auth.items() if isinstance(value, str) and value and key.endswith(SECRET_WORDS)
        )


def configured(settings: Jetstream2Settings, surroundings: Surroundings) -> Configured:
    """Read the configuration of a cloud. Sends nothing.

    Raises ConfigurationError if the configuration is missing or invalid, or openstacksdk is not installed.
    """
    if sdk.OPENSTACKSDK_IMPORT_ERROR is not None:
        raise ConfigurationError(
            "The Python library openstacksdk is not installed for the Python that runs this module.",
            hint="Install it with: python3 -m pip install openstacksdk",
        )
    # Without a handler, Python prints these warnings into Ansible's output.
    logging.getLogger("keystoneauth").addHandler(logging.NullHandler())
    where = _where(settings, surroundings.environ, surroundings.home)
    region, session = _opened(settings, surroundings, where)
    if not isinstance(session.auth, BaseIdentityPlugin):
        raise ConfigurationError(
            f"A login with auth_type {region.config.get('auth_type')} has no services.",
            hint="Use an application credential on Jetstream2: auth_type v3applicationcredential.",
        )
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundedAdapter())
    # If it followed redirects, keystoneauth would send the credential to any server that the response names.
    session.redirect = False
    auth_url = str(region.config.get("auth", {}).get("auth_url") or "")
    return Configured(region, session, session.auth, auth_url, _http_of(settings.http, region), where)


def _where(settings: Jetstream2Settings, environ: Mapping[str, str], home: Path | None) -> str:
    if settings.credential:
        return f"of the application credential {settings.credential.id}"
    refuse_blank_variables(environ)
    name = settings.cloud or environ.get("OS_CLOUD")
    if not name or name == environ.get("OS_CLOUD_NAME", "envvars"):
        return "of the OS_* variables"
    return check_cloud(name, environ, home)


def _opened(settings: Jetstream2Settings, surroundings: Surroundings, where: str) -> tuple[Any, Any]:
    try:
        return _region_and_session(settings, surroundings, where)
    except (sdk.errors.ConfigException, keystone_errors.AuthPluginException) as error:
        mistake = ConfigurationError(f"The configuration of the cloud {where} is invalid: {plain(error)}.")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Entries that openstacksdk cannot handle, and that check_cloud does not detect.
        mistake = ConfigurationError(
            f"openstacksdk cannot read the entry of the cloud {where} ({type(error).__name__}).",
            hint="Compare it with the example in docs/connection.md.",
        )
    # Raised outside of the handlers: the original errors may contain parts of the entry.
    raise mistake


def _region_and_session(settings: Jetstream2Settings, surroundings: Surroundings, where: str) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        # openstacksdk warns of deprecated features that are not used here.
        warnings.simplefilter("ignore")
        region = _region(settings, surroundings, where)
        return region, region.get_session()


def _require_login(region: Any, where: str) -> None:
    """Raise ConfigurationError if a common way to log in lacks a key: openstacksdk may detect it only at the login."""
    # At this point, the values of variables are not below auth yet.
    auth = {**region.config, **(region.config.get("auth") or {})}
    for names in _NEEDED.get(str(region.config.get("auth_type")), ()):
        if not any(auth.get(name) for name in names):
            raise ConfigurationError(f"The cloud {where} has no {' or '.join(names)}.", hint="Add it below auth.")


def _region(settings: Jetstream2Settings, surroundings: Surroundings, where: str) -> Any:
    config, overrides = _sources(settings, surroundings), _overrides(settings)
    _require_login(config.get_one(validate=False, **overrides), where)
    return config.get_one(**overrides)


def _sources(settings: Jetstream2Settings, surroundings: Surroundings) -> Any:
    if settings.credential:
        # Neither files nor variables may add to the credential.
        return sdk.config.OpenStackConfig(load_yaml_config=False, load_envvars=False)
    environ, home = surroundings.environ, surroundings.home
    return sdk.config.OpenStackConfig(
        config_files=[str(each) for each in clouds_files(environ, home)],
        secure_files=[str(each) for each in secure_files(environ, home)],
    )


def _overrides(settings: Jetstream2Settings) -> dict[str, Any]:
    overrides: dict[str, Any] = {"api_timeout": settings.http.timeout}
    if settings.region:
        overrides["region_name"] = settings.region
    if not settings.http.validate_certs:
        overrides["verify"] = False
    elif settings.http.ca_path:
        overrides["cacert"] = settings.http.ca_path
    if settings.credential:
        overrides["auth_type"] = "v3applicationcredential"
        overrides["auth"] = {
            "auth_url": settings.credential.auth_url,
            "application_credential_id": settings.credential.id,
            "application_credential_secret": settings.credential.secret,
        }
    else:
        overrides["cloud"] = settings.cloud
    return overrides


def _http_of(settings: HttpSettings, region: Any) -> HttpSettings:
    """Return the settings of requests to the services, with the certificates of clouds.yaml by default."""
    verify, _certificate = region.get_requests_verify_args()
    return replace(settings, validate_certs=bool(verify), ca_path=verify if isinstance(verify, str) else None)


def plain(error: Exception) -> str:
    """Return the message of an error of openstacksdk in one line, without the request ID."""
    return " ".join(str(error).split(" (Request-ID", maxsplit=1)[0].split()).rstrip(".")
