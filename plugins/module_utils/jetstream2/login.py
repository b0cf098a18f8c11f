# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login at an OpenStack: clouds.yaml or OS_* variables, through openstacksdk; one token for many tasks.

See docs/jetstream2.md, Login.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils.clock import Clock
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    UnexpectedAnswer,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.token_cache import Token, TokenCache

try:
    from keystoneauth1 import exceptions as keystone_errors
    from openstack import exceptions as sdk_errors
    from openstack.config import OpenStackConfig
except ImportError:
    OPENSTACKSDK_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    OPENSTACKSDK_IMPORT_ERROR = None

# A gateway's way to say that nobody behind it was asked.
_PASSING = [429, 502, 503, 504]
_RETRIES = 4
# Set by the openrc of a password login; together with an application credential, keystone refuses them.
_SCOPE_VARIABLES = (
    "OS_PROJECT_ID",
    "OS_PROJECT_NAME",
    "OS_PROJECT_DOMAIN_ID",
    "OS_PROJECT_DOMAIN_NAME",
    "OS_TENANT_ID",
    "OS_TENANT_NAME",
    "OS_DOMAIN_ID",
    "OS_DOMAIN_NAME",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cloud, and how to talk to it. C(name) is None for what the OS_* variables say. C(timeout): seconds."""

    name: str | None
    timeout: float
    validate_certs: bool
    ca_path: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """Whose servers these are."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    region: str


class Session:
    """Sends requests to the services of one cloud, as one project. May be used by many threads at once."""

    def __init__(self, wanted: Wanted, environ: Mapping[str, str], cache: TokenCache, clock: Clock) -> None:
        """Read the configuration; send nothing yet.

        Raises ConfigurationError if there is no such cloud, or openstacksdk is not installed.
        """
        if OPENSTACKSDK_IMPORT_ERROR is not None:
            raise ConfigurationError(
                "The Python library openstacksdk is not installed for the Python that runs this module.",
                hint="Install it with: python3 -m pip install openstacksdk",
            )
        self._wanted = wanted
        self._environ = environ
        self._cache = cache
        self._clock = clock
        self._region = _region_of(wanted)
        self._auth_url = str(self._region.config.get("auth", {}).get("auth_url", ""))
        self._session = self._region.get_session()
        self._cache_key = str(self._session.auth.get_cache_id() or "")
        self._kept = self._restore()

    def account(self) -> Account:
        """Return who is logged in. Logs in if there is no token yet."""
        access = self._access()
        return Account(
            user_id=access.user_id,
            user_name=access.username,
            project_id=access.project_id,
            project_name=access.project_name,
            region=self._region.region_name or "",
        )

    def endpoint(self, service: str) -> str | None:
        """Return a service's public address from the catalogue, or None if the cloud has no such service."""
        found = self._access().service_catalog.url_for(
            service_type=service, interface=self._interface(), region_name=self._region.region_name
        )
        return str(found) if found else None

    def request(
        self, method: str, service: str, path: str, *, data: Any = None, microversion: str | None = None
    ) -> tuple[int, Any]:
        """Send a request to a service; return status and body, which is None if it was not JSON.

        Raises AuthenticationFailed, Unreachable or ConfigurationError.
        """
        self._access()
        headers = {"Accept": "application/json"}
        if microversion:
            headers["OpenStack-API-Version"] = f"{service} {microversion}"
        safe = method == "GET"
        try:
            response = self._session.request(
                path,
                method,
                json=data,
                headers=headers,
                endpoint_filter={
                    "service_type": service,
                    "interface": self._interface(),
                    "region_name": self._region.region_name,
                },
                raise_exc=False,
                redirect=False,
                timeout=self._wanted.timeout,
                connect_retries=_RETRIES if safe else 0,
                status_code_retries=_RETRIES if safe else 0,
                retriable_status_codes=_PASSING,
            )
        except keystone_errors.ClientException as error:
            raise self._translated(error) from error
        return response.status_code, _json_of(response)

    def close(self) -> None:
        """Keep the token for the next task, and give connections back."""
        self._keep()
        self._session.session.close()

    def _interface(self) -> str:
        return str(self._region.get_interface() or "public")

    def _access(self) -> Any:
        try:
            return self._session.auth.get_access(self._session)
        except (keystone_errors.ClientException, sdk_errors.SDKException) as error:
            raise self._translated(error) from error

    def _restore(self) -> str | None:
        if not self._cache_key:
            return None
        kept = self._cache.load(self._auth_url, self._cache_key, self._clock.now())
        if kept is None:
            return None
        try:
            self._session.auth.set_auth_state(kept.value)
        except (ValueError, KeyError, TypeError):
            return None
        return kept.value

    def _keep(self) -> None:
        state = self._session.auth.get_auth_state()
        if not state or not self._cache_key or state == self._kept:
            return
        try:
            expires = datetime.fromisoformat(json.loads(state)["body"]["token"]["expires_at"])
        except (ValueError, KeyError, TypeError):
            return
        self._cache.store(self._auth_url, self._cache_key, Token(value=state, expires=expires))

    def _translated(self, error: Exception) -> JetstreamError:
        where = self._auth_url or "the cloud"
        said = str(error).split(" (Request-ID")[0].rstrip(".")
        if "cannot request a scope" in said:
            return self._scope_mistake()
        if isinstance(error, keystone_errors.Unauthorized):
            return AuthenticationFailed(
                f'{where} refused the login: "{said}".',
                hint="An application credential has an end date, and belongs to one project.",
                status=401,
            )
        if isinstance(error, keystone_errors.SSLError):
            return Unreachable(
                f"The certificate of {where} was not accepted: {said}.",
                hint="If the site has its own certificate authority, name its file with ca_path.",
                passing=False,
            )
        if isinstance(error, keystone_errors.ConnectTimeout):
            return Unreachable(f"{where} did not answer within {self._wanted.timeout:g} s.")
        if isinstance(error, keystone_errors.ConnectFailure):
            unsent = "Unable to establish connection" in said
            return Unreachable(f"{where} could not be reached: {said}.", unsent=unsent)
        if isinstance(error, (keystone_errors.EndpointNotFound, keystone_errors.CatalogException)):
            return ConfigurationError(f"The cloud at {where} lacks a service: {said}.", hint="Is the region right?")
        if isinstance(error, (keystone_errors.AuthPluginException, sdk_errors.ConfigException)):
            return ConfigurationError(f"The login is not set up: {said}.")
        return UnexpectedAnswer(f"{where} answered unexpectedly: {said}.")

    def _scope_mistake(self) -> ConfigurationError:
        found = [name for name in _SCOPE_VARIABLES if self._environ.get(name)]
        named = f" (here: {', '.join(found)})" if found else ""
        return ConfigurationError(
            "An application credential already belongs to a project, but another openrc names one as well.",
            hint=f"Start a new shell, or unset OS_PROJECT_* and OS_*DOMAIN_*{named}.",
        )


def _region_of(wanted: Wanted) -> Any:
    overrides: dict[str, Any] = {}
    if not wanted.validate_certs:
        overrides["verify"] = False
    elif wanted.ca_path:
        overrides["cacert"] = wanted.ca_path
    try:
        return OpenStackConfig().get_one(cloud=wanted.name, **overrides)
    except sdk_errors.ConfigException as error:
        raise ConfigurationError(
            f"The cloud {wanted.name or 'of the OS_* variables'} is not set up: {str(error).rstrip('.')}.",
            hint="It is looked for in clouds.yaml, here, in ~/.config/openstack and in /etc/openstack.",
        ) from error
    except keystone_errors.AuthPluginException as error:
        raise ConfigurationError(f"The cloud {wanted.name or ''} is not set up: {error}.") from error


def _json_of(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
