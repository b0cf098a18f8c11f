# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a failed login at keystone into an error with a sentence for each reason. See docs/jetstream2.md, Login."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ...errors import (
    AuthenticationFailed,
    ConfigurationError,
    InMaintenance,
    JetstreamError,
    RateLimited,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ...http.retries import RETRYABLE_STATUSES
from ...http.session import unreachable
from .configuration import Configured, plain

# Without the library, configuration.py reports that it is missing.
with suppress(ImportError):
    from keystoneauth1 import exceptions as keystone_errors
    from keystoneauth1.identity import v3

# The openrc of a password login sets these. Keystone refuses them together with an application credential.
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
_USER_KEYS = ("username", "user_id", "password", "user_domain_id", "user_domain_name")
# The keys of a scope, one of which a login with a password has, the project first.
_SCOPES = ("project_name", "project_id", "domain_name", "domain_id")
_MOST_PROJECTS = 10


@dataclass(frozen=True, slots=True)
class LoginFailure:
    """A failed login.

    ``transient``: whether a retry may succeed. ``retry_after``: the seconds of keystone's Retry-After; 0 without one.
    """

    error: JetstreamError
    transient: bool = False
    retry_after: float = 0.0

    @property
    def unsent(self) -> bool:
        """Whether the request certainly never reached keystone."""
        return isinstance(self.error, Unreachable) and self.error.unsent


def login_failure(error: Exception, cloud: Configured, environ: Mapping[str, str]) -> LoginFailure:
    """Return the failure for an error of keystoneauth. ``environ``: the environment variables of the user."""
    message = plain(error)
    if "cannot request a scope" in message:
        return LoginFailure(_scope_mistake(environ))
    if isinstance(error, keystone_errors.Unauthorized):
        return LoginFailure(_refusal(message, cloud))
    if isinstance(error, keystone_errors.HttpError):
        return _http_failure(error, message, cloud)
    if isinstance(error, keystone_errors.ConnectFailure | keystone_errors.ConnectTimeout | keystone_errors.SSLError):
        return _connection_failure(error, cloud)
    if isinstance(error, keystone_errors.InvalidResponse) and error.response.is_redirect:
        return LoginFailure(_redirected(error.response, cloud))
    if isinstance(error, keystone_errors.AuthPluginException):
        return LoginFailure(ConfigurationError(f"The login is incomplete: {message}."))
    return LoginFailure(UnexpectedResponse(f"The login at {cloud.auth_url} got an unexpected response: {message}."))


def require_project(access: Any, cloud: Configured) -> None:
    """Raise ConfigurationError for a token without a project: it has no services."""
    if access.project_id:
        return
    raise ConfigurationError(
        f"The login of {access.username} at {cloud.auth_url} has no project.{_sentence_on(_projects(access, cloud))}",
        hint="Set one: project_name and project_domain_name below auth in clouds.yaml, or OS_PROJECT_NAME and "
        "OS_PROJECT_DOMAIN_NAME.",
    )


def _http_failure(error: Any, message: str, cloud: Configured) -> LoginFailure:
    status = error.http_status
    text = f'The login at {cloud.auth_url} failed: "{message}".'
    if status == 503 and "maintenance" in message.lower():
        return LoginFailure(InMaintenance(f'The cloud is in maintenance: "{message}".', status=status))
    transient = status in RETRYABLE_STATUSES
    retry_after = float(error.retry_after) if isinstance(getattr(error, "retry_after", None), int) else 0.0
    if status == 429:
        return LoginFailure(RateLimited(text, hint="Try again later.", status=status), transient, max(0.0, retry_after))
    if isinstance(status, int) and status >= 500:
        return LoginFailure(ServerFault(text, status=status), transient, max(0.0, retry_after))
    hint = "Check that auth_url is the address of a Keystone service." if status in (404, 405) else None
    return LoginFailure(
        UnexpectedResponse(f"The login at {cloud.auth_url} got an unexpected response: {message}.", hint=hint)
    )


def _redirected(reply: Any, cloud: Configured) -> JetstreamError:
    return UnexpectedResponse(
        f"The login at {cloud.auth_url} was redirected to {reply.headers['Location']} (HTTP {reply.status_code}).",
        hint="Check auth_url: redirects are not followed.",
        status=reply.status_code,
    )


def _connection_failure(error: Any, cloud: Configured) -> LoginFailure:
    seconds = float(cloud.session.timeout or cloud.http.timeout)
    cause = error.__cause__ or error.__context__ or error
    found = unreachable(cause, cloud.auth_url, (seconds, seconds))
    if isinstance(found, Unreachable):
        return LoginFailure(found, transient=found.transient)
    return LoginFailure(found)


def _refusal(message: str, cloud: Configured) -> JetstreamError:
    """Return the error for a 401, which has the same message for a wrong password and for a wrong project."""
    auth = cloud.region.config.get("auth") or {}
    if "application_credential_secret" in auth:
        return AuthenticationFailed(
            f'{cloud.auth_url} refused the login: "{message}".',
            hint="The ID or the secret of the application credential is wrong, or it has expired or was deleted. "
            "Create another one.",
            status=401,
        )
    scope = next((f"the {key.partition('_')[0]} {auth[key]}" for key in _SCOPES if auth.get(key)), None)
    user = auth.get("username") or auth.get("user_id")
    if scope and user and auth.get("password"):
        with suppress(keystone_errors.ClientException, AttributeError, KeyError, TypeError, ValueError):
            access = _unscoped(auth, cloud)
            return AuthenticationFailed(
                f"{cloud.auth_url} knows {user}, and refused the login to {scope}."
                f"{_sentence_on(_projects(access, cloud))}",
                hint="Correct project_name and project_domain_name.",
                status=401,
            )
    return AuthenticationFailed(
        f'{cloud.auth_url} refused the login of {user or "this user"}: "{message}".',
        hint="Check the user name, its domain and the password.",
        status=401,
    )


def _unscoped(auth: Mapping[str, Any], cloud: Configured) -> Any:
    """Log in without a scope, which fails for a wrong password, but not for a wrong project.

    Raises the errors of keystoneauth.
    """
    user = {key: auth[key] for key in _USER_KEYS if auth.get(key)}
    return v3.Password(cloud.auth_url, unscoped=True, **user).get_access(cloud.session)


def _projects(access: Any, cloud: Configured) -> list[str]:
    """Return the names of the projects of a token's user, or [] if they cannot be read."""
    try:
        response = cloud.session.get(
            f"{cloud.auth_url.rstrip('/')}/auth/projects",
            headers={"X-Auth-Token": access.auth_token, "Accept": "application/json"},
            authenticated=False,
        )
        return sorted(str(each["name"]) for each in response.json()["projects"])
    except (keystone_errors.ClientException, AttributeError, KeyError, TypeError, ValueError):
        return []


def _sentence_on(projects: list[str]) -> str:
    if not projects:
        return ""
    more = f" and {len(projects) - _MOST_PROJECTS} more" if len(projects) > _MOST_PROJECTS else ""
    return f" Its projects: {', '.join(projects[:_MOST_PROJECTS])}{more}."


def _scope_mistake(environ: Mapping[str, str]) -> ConfigurationError:
    found = [name for name in _SCOPE_VARIABLES if environ.get(name)]
    named = f" (here: {', '.join(found)})" if found else ""
    return ConfigurationError(
        "An application credential already belongs to a project, but another openrc also sets one.",
        hint=f"Start a new shell, or unset OS_PROJECT_* and OS_*DOMAIN_*{named}.",
    )
