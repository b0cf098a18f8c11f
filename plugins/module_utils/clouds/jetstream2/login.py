# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login at an OpenStack: clouds.yaml or OS_* variables, read by openstacksdk; one token for many tasks.

openstacksdk is asked for the configuration and for a token with its catalogue, and for nothing else: every other
request goes through the same transport as those to Atmosphere. See docs/jetstream2.md, Login.
"""

from __future__ import annotations

import logging
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from ...clock import Clock
from ...errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    UnexpectedResponse,
    Unreachable,
)
from ...http.deadline import Deadline
from ...http.session import BoundedAdapter, HttpSettings, Response
from ...http.token_cache import Token, TokenCache
from ...http.transport import Transport
from .responses import error_from

try:
    from keystoneauth1 import exceptions as keystone_errors
    from keystoneauth1.identity.base import BaseIdentityPlugin
    from openstack import exceptions as sdk_errors
    from openstack.config import OpenStackConfig
except ImportError:
    OPENSTACKSDK_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    OPENSTACKSDK_IMPORT_ERROR = None

# A token that ends sooner is not begun with.
_MARGIN = timedelta(minutes=1)
# Until keystone has answered once, an address that nobody answers at is more likely mistyped than busy.
_TIMEOUT_FACTOR = 10.0
_PAUSE = 1.0
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
    """Which cloud, and how to talk to it. C(name) is None for what the OS_* variables say.

    C(timeout) and C(retry_timeout) are seconds. C(fresh): log in, whatever token the cache has.
    """

    name: str | None
    timeout: float
    retry_timeout: float
    validate_certs: bool
    ca_path: str | None
    connections: int
    fresh: bool = False


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
        # Python itself would print what these have to say, in the middle of Ansible's output.
        logging.getLogger("keystoneauth").addHandler(logging.NullHandler())
        self._wanted = wanted
        self._environ = environ
        self._cache = cache
        self._clock = clock
        self._deadline = Deadline(clock)
        self._lock = threading.RLock()
        self._region = _region_of(wanted)
        self._auth_url = str(self._region.config.get("auth", {}).get("auth_url") or "")
        self._session = self._region.get_session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, BoundedAdapter())
        self._auth = self._session.auth
        if not isinstance(self._auth, BaseIdentityPlugin):
            raise ConfigurationError(
                f"A login with auth_type {self._region.config.get('auth_type')} leads to no services.",
                hint="Jetstream2 wants an application credential: auth_type v3applicationcredential.",
            )
        self._cache_key = str(self._auth.get_cache_id() or "")
        self._wire = _wire_of(wanted, self._region)
        self._transports: dict[str, Transport] = {}
        self._access: Any = None
        self._logged_in = False

    def account(self) -> Account:
        """Return who is logged in. Logs in if there is no token yet."""
        access = self._current()
        return Account(
            user_id=access.user_id,
            user_name=access.username,
            project_id=access.project_id,
            project_name=access.project_name,
            region=self._region.get_region_name() or "",
        )

    @property
    def key(self) -> str:
        """What tells this login from others; not a secret."""
        return f"{self._auth_url}\n{self._cache_key or self._wanted.name}"

    @property
    def site(self) -> str:
        """Return the host, with its port, that the login goes to."""
        return urlsplit(self._auth_url).netloc.rpartition("@")[2] or self._auth_url

    def has(self, service: str) -> bool:
        """Tell whether the cloud has a service. Logs in if there is no token yet."""
        return self._endpoint(service) is not None

    def request(
        self, method: str, service: str, path: str, *, data: Any = None, microversion: str | None = None
    ) -> Response:
        """Send a request to a service with a token. A token that is no longer taken leads to one new login.

        Raises AuthenticationFailed, Unreachable, or ConfigurationError if the cloud has no such service.
        """
        access = self._current()
        reply = self._send(access, method, service, path, data, microversion)
        if reply.status != 401:
            return reply
        return self._send(self._another(access, reply), method, service, path, data, microversion)

    def limit(self, until: float | None) -> None:
        """Set the time of the clock's ``monotonic()`` by which every request must have ended, logins among them."""
        self._deadline.set(until)

    def extended(self, seconds: float) -> AbstractContextManager[None]:
        """Leave this thread so many seconds, for requests that must be tried even if the time is over."""
        return self._deadline.extended(seconds)

    def close(self) -> None:
        """Give connections back."""
        for transport in self._transports.values():
            transport.close()
        self._session.session.close()

    def _send(self, access: Any, method: str, service: str, path: str, data: Any, microversion: str | None) -> Response:
        headers = {"Accept": "application/json", "X-Auth-Token": access.auth_token}
        if microversion:
            headers["OpenStack-API-Version"] = f"{service} {microversion}"
        return self._transport(service).request(method, path, headers=headers, data=data)

    def _transport(self, service: str) -> Transport:
        url = self._endpoint(service)
        if url is None:
            region = self._region.get_region_name()
            raise ConfigurationError(
                f"The cloud at {self._auth_url} has no service {service}{f' in region {region}' if region else ''}.",
                hint="Is the region right?",
            )
        with self._lock:
            if url not in self._transports:
                # Clients of OpenStack go by what is in an answer, not by what it is called.
                self._transports[url] = Transport(
                    url, self._wire, self._clock, deadline=self._deadline, json_by_any_name=True
                )
            return self._transports[url]

    def _endpoint(self, service: str) -> str | None:
        """Return a service's address, from the configuration or the catalogue."""
        told = self._region.get_endpoint(service)
        if told:
            return str(told).rstrip("/")
        try:
            found = self._current().service_catalog.url_for(
                service_type=service,
                interface=self._region.get_interface(service) or "public",
                region_name=self._region.get_region_name(service),
            )
        except keystone_errors.CatalogException:
            return None
        return str(found).rstrip("/")

    def _current(self) -> Any:
        """Return a token with its catalogue that is good for a while."""
        with self._lock:
            if self._access is None or self._access.expires - self._clock.now() < _MARGIN:
                self._access = self._restored_or_new()
            return self._access

    def _another(self, refused: Any, reply: Response) -> Any:
        """Return another token than the one refused, or raise what its refusal means."""
        with self._lock:
            if self._access is not refused:
                return self._access
            if self._logged_in:
                raise error_from(reply, "The request")
            state = self._auth.get_auth_state()
            if state and self._cache_key:
                self._cache.forget(self._auth_url, self._cache_key, state)
            self._access = self._restored_or_new()
            return self._access

    def _restored_or_new(self) -> Any:
        """Take the cache's token, or log in while others who want the same wait for what comes of it."""
        if self._wanted.fresh or not self._cache_key:
            return self._new()
        restored = self._restored()
        if restored is not None:
            return restored
        with self._cache.login_lock(self._auth_url, self._cache_key):
            return self._restored() or self._new()

    def _restored(self) -> Any:
        kept = self._cache.load(self._auth_url, self._cache_key, self._clock.now())
        if kept is None:
            return None
        try:
            self._auth.set_auth_state(kept.value)
            return self._auth.get_access(self._session)
        except (ValueError, KeyError, TypeError):
            return None

    def _new(self) -> Any:
        self._auth.invalidate()
        access = self._log_in()
        self._logged_in = True
        state = self._auth.get_auth_state()
        if state and self._cache_key:
            self._cache.store(self._auth_url, self._cache_key, Token(value=state, expires=access.expires))
        return access

    def _log_in(self) -> Any:
        give_up = self._clock.monotonic() + min(self._wanted.retry_timeout, _TIMEOUT_FACTOR)
        while True:
            left = self._deadline.left
            if left <= 0:
                raise Unreachable(
                    "The login was not sent, since the time for it is over.", unsent=True, transient=False
                )
            self._session.timeout = min(self._wanted.timeout, left)
            try:
                return self._auth.get_access(self._session)
            except (keystone_errors.ClientException, sdk_errors.SDKException) as error:
                translated = self._translated(error)
                if not (isinstance(translated, Unreachable) and translated.unsent):
                    raise translated from error
                if self._clock.monotonic() + _PAUSE > min(give_up, self._deadline.at):
                    raise translated from error
            self._clock.sleep(_PAUSE)

    def _translated(self, error: Exception) -> JetstreamError:
        where = self._auth_url or "the cloud"
        said = _plain(error)
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
                transient=False,
            )
        if isinstance(error, keystone_errors.ConnectTimeout):
            return Unreachable(f"{where} did not answer within {self._session.timeout:.3g} s.")
        if isinstance(error, keystone_errors.ConnectFailure):
            unsent = "Unable to establish connection" in said
            return Unreachable(f"{where} could not be connected to.", hint="Check auth_url.", unsent=unsent)
        if isinstance(error, (keystone_errors.AuthPluginException, sdk_errors.ConfigException)):
            return ConfigurationError(f"The login is not set up: {said}.")
        return UnexpectedResponse(f"The login at {where} was answered unexpectedly: {said}.")

    def _scope_mistake(self) -> ConfigurationError:
        found = [name for name in _SCOPE_VARIABLES if self._environ.get(name)]
        named = f" (here: {', '.join(found)})" if found else ""
        return ConfigurationError(
            "An application credential already belongs to a project, but another openrc names one as well.",
            hint=f"Start a new shell, or unset OS_PROJECT_* and OS_*DOMAIN_*{named}.",
        )


def _region_of(wanted: Wanted) -> Any:
    overrides: dict[str, Any] = {"api_timeout": wanted.timeout}
    if not wanted.validate_certs:
        overrides["verify"] = False
    elif wanted.ca_path:
        overrides["cacert"] = wanted.ca_path
    return _configured(wanted, lambda: _with_session(OpenStackConfig().get_one(cloud=wanted.name, **overrides)))


def _with_session(region: Any) -> Any:
    region.get_session()
    return region


def _configured(wanted: Wanted, made: Callable[[], Any]) -> Any:
    which = wanted.name or "of the OS_* variables"
    try:
        with warnings.catch_warnings():
            # openstacksdk tells its users what it will drop, such as reports to databases that nobody asked for.
            warnings.simplefilter("ignore")
            return made()
    except sdk_errors.ConfigException as error:
        raise ConfigurationError(
            f"The cloud {which} is not set up: {_plain(error)}.",
            hint="It is looked for in clouds.yaml: where OS_CLIENT_CONFIG_FILE says, or in ~/.config/openstack or "
            "/etc/openstack.",
        ) from error
    except keystone_errors.AuthPluginException as error:
        raise ConfigurationError(f"The cloud {which} is not set up: {_plain(error)}.") from error


def _wire_of(wanted: Wanted, region: Any) -> HttpSettings:
    verify, _certificate = region.get_requests_verify_args()
    return HttpSettings(
        timeout=wanted.timeout,
        retry_timeout=wanted.retry_timeout,
        validate_certs=bool(verify),
        ca_path=verify if isinstance(verify, str) else None,
        connections=wanted.connections,
    )


def _plain(error: Exception) -> str:
    """Return what an error says in one line, without the number of a request."""
    return " ".join(str(error).split(" (Request-ID", maxsplit=1)[0].split()).rstrip(".")
