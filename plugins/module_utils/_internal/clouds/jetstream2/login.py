# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login at an OpenStack: one token, with its catalogue of services, for many requests, tasks and runs.

openstacksdk is asked for the configuration and for a token, and for nothing else: every other request goes through the
same transport as those to other clouds. See docs/jetstream2.md, Login.
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

# What keystoneauth stumbles over where a body is JSON, but no token.
# The names of services in the header of microversions, where these are not their types.
_VERSIONED_AS: Mapping[str, str] = {"volumev3": "volume"}
_UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Account:
    """The owner of the servers."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    region: str


class Session:
    """Sends requests to the services of one cloud, as one project. May be used by many threads at once."""

    def __init__(self, settings: Jetstream2Settings, surroundings: Surroundings) -> None:
        """Read the configuration; send nothing yet.

        Raises ConfigurationError if there is no such cloud, or openstacksdk is not installed.
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
        # The services that took a token in this run, and those that refused that of a new login since.
        self._serving: set[str] = set()
        self._refusing: set[str] = set()

    def account(self) -> Account:
        """Return the account. Logs in if there is no token yet."""
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
        """A text that distinguishes this login from others; not a secret."""
        key = self._login.key
        return f"{key.server}\n{key.user}" if key else self._cloud.where

    @property
    def site(self) -> str:
        """Return the host, with its port, that the login goes to."""
        return urlsplit(self._cloud.auth_url).netloc.rpartition("@")[2] or self._cloud.auth_url

    @property
    def deadline(self) -> float:
        """The time of the clock's ``monotonic()`` by which every request has to end, or infinity."""
        return self._deadline.at

    def has(self, service: str) -> bool:
        """Return whether the cloud has a service. Logs in if there is no token yet."""
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
        """Send a request to a service with a token. A token that is no longer taken leads to one new login.

        ``content_type``: the kind of JSON that ``data`` is. ``once``: it must not be carried out twice, so it is not
        sent again after an answer (see Transport).

        Raises AuthenticationFailed, Unreachable, or ConfigurationError if the cloud has no such service.
        """
        url, transport = self._transport(service)
        rules = access_rules(self._tokens.current())
        forbidden = not may_be_allowed(rules, method, urlsplit(url).path + path)
        headers = {"Accept": "application/json"}
        if microversion:
            headers["OpenStack-API-Version"] = f"{_VERSIONED_AS.get(service, service)} {microversion}"
        if content_type:
            headers["Content-Type"] = content_type

        def send(access: Any) -> Response:
            return transport.request(
                method, path, headers={**headers, "X-Auth-Token": access.auth_token}, data=data, once=once
            )

        # A request that a rule of the credential forbids is a 401 as well, and another token would be refused, too. So
        # it is where a service has refused the token of a new login: each of its requests would lead to a login.
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

        If others take it, that is no reason to end the run, and the request was not carried out.
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
        """Set the time of the clock's ``monotonic()`` by which every request must have ended, logins among them."""
        self._deadline.set(until)

    def extended(self, seconds: float) -> AbstractContextManager[None]:
        """Extend this thread's deadline by ``seconds``, for requests that must be tried even after it."""
        return self._deadline.extended(seconds)

    def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            transport.close()
        self._cloud.session.session.close()

    def _transport(self, service: str) -> tuple[str, Transport]:
        """Return a service's address, and the transport to it."""
        url = self._endpoint(service)
        if url is None:
            raise self._no_service(service)
        with self._lock:
            if url not in self._transports:
                # Clients of OpenStack parse the body with any content type.
                self._transports[url] = Transport(
                    url, self._cloud.http, self._clock, deadline=self._deadline, ignore_content_type=True
                )
            return url, self._transports[url]

    def _endpoint(self, service: str) -> str | None:
        """Return a service's address, from the configuration or the catalogue."""
        region = self._cloud.region
        told = region.get_endpoint(service)
        if told:
            return str(told).rstrip("/")
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


class _KeystoneLogin:
    """A login at keystone, in whichever way the cloud is set up for."""

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
        """The key of its tokens in the cache; None for a kind of login that nothing identifies."""
        try:
            elements = self._cloud.auth.get_cache_id_elements()
        except NotImplementedError:
            return None
        public = {key: value for key, value in elements.items() if not key.endswith(SECRET_WORDS)}
        return LoginKey(self._cloud.auth_url, *(json.dumps(each, sort_keys=True) for each in (public, elements)))

    def log_in(self) -> Issued[Any]:
        """Ask keystone for a token, again where it is busy or its answer is lost: a login does no harm twice."""
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
            if not failure.passing or not retries.pause(retry_after=failure.asked, never_connected=failure.unsent):
                # Outside of the handler: the original error may hold a request, and with it the secret.
                raise failure.error

    def restored(self, kept: Token) -> Issued[Any] | None:
        """Return a token that the cache kept, or None if it cannot be read."""
        try:
            self._cloud.auth.set_auth_state(kept.value)
            return self._issued(self._cloud.auth.get_access(self._cloud.session))
        except (*_UNREADABLE, UnexpectedResponse):
            return None

    def _issued(self, access: Any) -> Issued[Any]:
        """Return keystone's response. Raises UnexpectedResponse if a part of it is missing."""
        try:
            kept = self._cloud.auth.get_auth_state() or ""
            # Read here, where an error is the login's: later, each request would stumble over it.
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
        left = self._deadline.left
        if left <= 0:
            raise Unreachable("The login was not sent, since the timeout is over.", unsent=True, transient=False)
        return left
