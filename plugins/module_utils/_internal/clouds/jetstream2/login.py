# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in to an OpenStack cloud: one token, with its catalog of services, for many requests, tasks and runs.

openstacksdk only reads the configuration and requests the token. All other requests use the same transport as those to
other clouds. See docs/jetstream2.md, Login.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from ...clock import Clock
from ...errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    PermissionDenied,
    UnexpectedResponse,
    Unreachable,
)
from ...http.deadline import Deadline
from ...http.retries import Jitter, Retries, any_pause
from ...http.session import Response
from ...http.token_cache import LoginKey, Token
from ...http.tokens import Issued, Tokens, is_token
from ...http.transport import Transport
from ..cloud_type import Surroundings
from .access_rules import access_rules, access_rules_refusal, may_be_allowed
from .configuration import SECRET_WORDS, Configured, configured
from .login_failures import LoginFailure, login_failure, require_project
from .settings import Jetstream2Settings

# Without the library, configuration.py reports that it is missing.
with suppress(ImportError):
    from keystoneauth1 import exceptions as keystone_errors

# The names of services in the header of microversions, if they differ from the types.
_VERSIONED_AS: Mapping[str, str] = {"volumev3": "volume"}
# The exceptions of keystoneauth for a JSON body that is not a token.
_UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Account:
    """The user, project and region of a login."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    region: str


class Session:
    """Sends requests to the services of one cloud, as one project. May be used by many threads at once."""

    def __init__(self, settings: Jetstream2Settings, surroundings: Surroundings) -> None:
        """Read the configuration; send nothing yet.

        Raises ConfigurationError if the cloud is not configured, or openstacksdk is not installed.
        """
        self._clock = surroundings.clock
        self._deadline = Deadline(self._clock)
        self._cloud = configured(settings, surroundings)
        for secret in self._cloud.secrets:
            surroundings.hide(secret)
        self._login = _KeystoneLogin(self._cloud, surroundings.environ, self._clock, self._deadline)
        self._tokens = Tokens(
            self._login,
            surroundings.token_cache,
            self._clock,
            self._deadline,
            hide=surroundings.hide,
            fresh=surroundings.fresh,
        )
        self._lock = threading.Lock()
        self._transports: dict[str, Transport] = {}
        # The services that accepted a token in this run, and those that refused the token of a new login.
        self._serving: set[str] = set()
        self._refusing: set[str] = set()

    def account(self) -> Account:
        """Return the account. Logs in if there is no token. Raises any JetstreamError."""
        access = self._tokens.current()
        return Account(
            user_id=access.user_id,
            user_name=access.username,
            project_id=access.project_id,
            project_name=access.project_name,
            region=self._cloud.region.get_region_name() or "",
        )

    @property
    def key(self) -> str:
        """A text that identifies this login, without a secret."""
        key = self._login.key
        return f"{key.server}\n{key.user}" if key else self._cloud.where

    @property
    def site(self) -> str:
        """The host and port of keystone."""
        return urlsplit(self._cloud.auth_url).netloc.rpartition("@")[2] or self._cloud.auth_url

    @property
    def deadline(self) -> float:
        """The deadline of all requests, as a time of the clock's ``monotonic()``; infinity without one."""
        return self._deadline.at

    def has(self, service: str) -> bool:
        """Return whether the cloud has a service of this type. Logs in if there is no token."""
        return self._endpoint(service) is not None

    def request(
        self,
        method: str,
        service: str,
        path: str,
        *,
        data: Any = None,
        microversion: str | None = None,
        content_type: str | None = None,
        once: bool = False,
    ) -> Response:
        """Send a request to a service with a token, and again after a new login if the token is refused.

        ``service``: its type in the catalog. ``content_type``: the media type of ``data``, if it is not plain JSON.
        ``once``: see Transport.

        Raises AuthenticationFailed or PermissionDenied for a refused token, ConfigurationError if the cloud has no such
        service, and the errors of Transport.
        """
        url, transport = self._transport(service)
        rules = access_rules(self._tokens.current())
        forbidden = not may_be_allowed(rules, method, urlsplit(url).path + path)
        headers = _headers(service, microversion, content_type)

        def send(access: Any) -> Response:
            return transport.request(
                method, path, headers={**headers, "X-Auth-Token": access.auth_token}, data=data, once=once
            )

        # No new login helps if an access rule forbids the request, which leads to a 401 as well, or if the service has
        # refused the token of a new login before.
        renews = not forbidden and service not in self._refusing
        reply = self._tokens.request(send, lambda reply: reply.status == 401 and renews)
        if reply.status == 401 and rules:
            raise access_rules_refusal(rules, method, service, path)
        if reply.status == 401:
            raise self._refusal(service)
        self._refusing.discard(service)
        self._serving.add(service)
        return reply

    def _refusal(self, service: str) -> JetstreamError:
        """Return the error of a service that refuses the token of a new login.

        It ends the run (AuthenticationFailed), unless other services accept the token.
        """
        self._refusing.add(service)
        hint = "This is a fault of the cloud. Try again later."
        if not self._serving - self._refusing:
            return AuthenticationFailed(
                f"{service} refused the token of a new login (HTTP 401).", hint=hint, status=401
            )
        error = PermissionDenied(
            f"{service} refused the token of a new login, which other services take (HTTP 401).", hint=hint, status=401
        )
        error.unsent = True
        return error

    def limit(self, until: float | None) -> None:
        """Set the deadline of all requests, including logins. ``until``: see Deadline."""
        self._deadline.set(until)

    def extended(self, seconds: float) -> AbstractContextManager[None]:
        """Extend this thread's deadline to ``seconds`` from now, for requests that must be sent even after it."""
        return self._deadline.extended(seconds)

    def close(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            transport.close()
        self._cloud.session.session.close()

    def _transport(self, service: str) -> tuple[str, Transport]:
        """Return the URL of a service, and the transport to it. Raises ConfigurationError without such a service."""
        url = self._endpoint(service)
        if url is None:
            raise self._no_service(service)
        with self._lock:
            if url not in self._transports:
                # Like other clients of OpenStack.
                self._transports[url] = Transport(
                    url, self._cloud.http, self._clock, deadline=self._deadline, ignore_content_type=True
                )
            return url, self._transports[url]

    def _endpoint(self, service: str) -> str | None:
        """Return the URL of a service, from the configuration, else the catalog; None without such a service."""
        region = self._cloud.region
        configured_url = region.get_endpoint(service)
        if configured_url:
            return str(configured_url).rstrip("/")
        try:
            found = self._tokens.current().service_catalog.url_for(
                service_type=service,
                interface=region.get_interface(service) or "public",
                region_name=region.get_region_name(service),
            )
        except keystone_errors.CatalogException:
            return None
        return str(found).rstrip("/")

    def _no_service(self, service: str) -> ConfigurationError:
        region = self._cloud.region.get_region_name(service)
        sentence = f"The cloud at {self._cloud.auth_url} has no {service} service"
        endpoints = self._tokens.current().service_catalog.get_endpoints(service_type=service)
        regions = sorted({str(each.get("region")) for group in endpoints.values() for each in group})
        if region and regions and region not in regions:
            return ConfigurationError(
                f"{sentence} in region {region}, only in {' and '.join(regions)}.",
                hint="Correct the region in clouds.yaml, or set the option region.",
            )
        return ConfigurationError(f"{sentence}.", hint="Check that auth_url is the address of the right cloud.")


def _headers(service: str, microversion: str | None, content_type: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if microversion:
        headers["OpenStack-API-Version"] = f"{_VERSIONED_AS.get(service, service)} {microversion}"
    if content_type:
        headers["Content-Type"] = content_type
    return headers


class _KeystoneLogin:
    """Logs in at keystone, in the configured way."""

    def __init__(
        self,
        cloud: Configured,
        environ: Mapping[str, str],
        clock: Clock,
        deadline: Deadline,
        jitter: Jitter = any_pause,
    ) -> None:
        self._cloud = cloud
        self._environ = environ
        self._clock = clock
        self._deadline = deadline
        self._jitter = jitter

    @property
    def key(self) -> LoginKey | None:
        """The key of the tokens in the cache; None for ways to log in that keystoneauth cannot identify."""
        try:
            elements = self._cloud.auth.get_cache_id_elements()
        except NotImplementedError:
            return None
        public = {key: value for key, value in elements.items() if not key.endswith(SECRET_WORDS)}
        return LoginKey(self._cloud.auth_url, *(json.dumps(each, sort_keys=True) for each in (public, elements)))

    def log_in(self) -> Issued[Any]:
        """Request a token, with retries if keystone is busy or the response is lost: a second login does no harm.

        Raises AuthenticationFailed, ConfigurationError without a project, and other JetstreamErrors.
        """
        auth, session = self._cloud.auth, self._cloud.session
        retries = Retries(self._clock, self._cloud.http.retry_timeout, self._deadline, self._jitter)
        auth.invalidate()
        while True:
            session.timeout = min(self._cloud.http.timeout, self._time_left())
            try:
                issued = self._issued(auth.get_access(session))
            except keystone_errors.ClientException as error:
                failure = login_failure(error, self._cloud, self._environ)
            except _UNREADABLE:
                text = f"The login at {self._cloud.auth_url} failed: the response has no token."
                failure = LoginFailure(UnexpectedResponse(text))
            else:
                require_project(issued.value, self._cloud)
                return issued
            if not failure.transient or not retries.pause(
                retry_after=failure.retry_after, never_connected=failure.unsent
            ):
                # Raised outside of the handler: the original error may contain the request with the secret.
                raise failure.error

    def restored(self, kept: Token) -> Issued[Any] | None:
        """Return a token from its cached form, or None if that cannot be parsed."""
        try:
            self._cloud.auth.set_auth_state(kept.value)
            return self._issued(self._cloud.auth.get_access(self._cloud.session))
        except (*_UNREADABLE, UnexpectedResponse):
            return None

    def _issued(self, access: Any) -> Issued[Any]:
        """Return the token of a login. Raises UnexpectedResponse if a part of the response is missing or invalid."""
        try:
            kept = self._cloud.auth.get_auth_state() or ""
            # An invalid catalog has to fail here, as an error of the login, and not in each later request.
            access.service_catalog.get_endpoints()
            expires = access.expires.astimezone(UTC)
            issued = Issued(value=access, header=access.auth_token, kept=kept, expires=expires)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise UnexpectedResponse(
                f"The login at {self._cloud.auth_url} failed: the token in the response cannot be parsed: {error!r}."
            ) from None
        if not is_token(issued.header):
            raise UnexpectedResponse(f"The login at {self._cloud.auth_url} failed: the response has no token.")
        return issued

    def _time_left(self) -> float:
        """Return the seconds until the deadline. Raises Unreachable if there are none."""
        left = self._deadline.left
        if left <= 0:
            raise Unreachable("The login was not sent, since the timeout is over.", unsent=True, transient=False)
        return left
