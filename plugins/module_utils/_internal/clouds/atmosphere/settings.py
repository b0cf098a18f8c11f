# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defines and reads the settings of a connection to Atmosphere. See docs/connection.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ...errors import ConfigurationError
from ...http.session import HttpSettings
from ...http.tokens import is_token
from ...settings.addresses import refuse_plain_http, server_address
from ...settings.connection import read_http_settings
from ...settings.jkey import JKEY, read_jkey
from ...settings.profiles import PROFILES
from ...settings.reader import Owner, Reader
from ...settings.setting import Setting
from ...settings.sources import Found
from ...settings.values import text

DEFAULT_API_URL = "https://use.jetstream-cloud.org"
DEFAULT_PAGE_SIZE = 20
_MOST_PAGE_SIZE = 1000
_SECRETS = ("password", "token")
_QUICKEST = (
    "Set JETSTREAM_USERNAME and JETSTREAM_PASSWORD in the environment, or the options username and password, "
    f"or save both in a profile in ~/{PROFILES}, as the playbook jetstream.cloud.save_credential does."
)

SETTINGS = (
    Setting(
        name="api_url",
        description=(
            "The address of a site with Atmosphere, such as C(https://use.jetstream-cloud.org).",
            "The address of any page of the site is accepted as well.",
        ),
        otherwise=f"C({DEFAULT_API_URL})",
        names_cloud=True,
    ),
    Setting(
        name="username",
        description=("The user name.",),
        names_cloud=True,
    ),
    Setting(
        name="password",
        description=(
            "The password of the API, which is not the one of the web page.",
            "It is only sent for the user, and to the server, that are set in the same place, if any.",
        ),
        otherwise=f"the one in C(~/{JKEY})",
        secret=True,
        names_cloud=True,
    ),
    Setting(
        name="token",
        description=(
            "A token, instead of O(username) and O(password), until it expires.",
            "If one place has a token and a password, a refused token leads to a new login.",
            "If they are set in different places, only the place with precedence counts.",
        ),
        secret=True,
        names_cloud=True,
    ),
    Setting(
        name="page_size",
        type="int",
        description=(
            f"The number of rows per request for lists of Atmosphere, from 1 to {_MOST_PAGE_SIZE}.",
            "Pages are read in parallel. Small pages are faster, and large pages need fewer requests.",
        ),
        otherwise=f"V({DEFAULT_PAGE_SIZE})",
    ),
)
LOGINS = tuple((name,) for name in _SECRETS)


@dataclass(frozen=True, slots=True)
class AtmosphereSettings:
    """A login at a site with Atmosphere: a token, or a username with its password, or both.

    ``page_size``: rows per page of a list. ``sources``: the source of each setting, as a phrase for messages.
    """

    api_url: str
    username: str | None
    password: str | None = field(repr=False)
    token: str | None = field(repr=False)
    page_size: int
    http: HttpSettings
    sources: Mapping[str, str] = field(repr=False, hash=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password and the token, if they are set."""
        return tuple(filter(None, (self.password, self.token)))


def read_settings(reader: Reader) -> AtmosphereSettings:
    """Resolve the settings. Raises ConfigurationError for a missing or incomplete login. See docs/connection.md."""
    api_url = _api_url(reader)
    username = reader.text("username")
    owners = {"username": Owner(username), "api_url": Owner(api_url, site_address)}
    secrets, ignored = reader.secrets(_SECRETS, owners)
    if not secrets and not ignored:
        jkey = read_jkey(reader.home, reader.warnings, reader.missed)
        if jkey:
            secrets = {"password": jkey}
            reader.sources["password"] = jkey.words
    password, token = _password(secrets.get("password")), _token(secrets.get("token"))
    if token is None and (username is None or password is None):
        raise _no_credentials(reader, username, secrets.get("password"), [*ignored, *reader.missed])
    return AtmosphereSettings(
        api_url=api_url,
        username=username,
        password=password,
        token=token,
        page_size=reader.count("page_size", default=DEFAULT_PAGE_SIZE, most=_MOST_PAGE_SIZE),
        http=read_http_settings(reader),
        sources=reader.sources,
    )


def is_detected(_environ: Mapping[str, str], home: Path | None) -> bool:
    """Return whether the original tool has saved a password (docs/connection.md, jkey.csv)."""
    return home is not None and (home / JKEY).exists()


def how_to_log_in(_environ: Mapping[str, str], _home: Path | None) -> str:
    """Return a sentence on the variables of a login."""
    return "For a site with Atmosphere, set JETSTREAM_USERNAME and JETSTREAM_PASSWORD."


def _api_url(reader: Reader) -> str:
    allow_http = reader.flag("allow_http", default=False)
    found = reader.found("api_url")
    if not found:
        return reader.otherwise("api_url", DEFAULT_API_URL)
    url = site_address(found)
    if not allow_http:
        refuse_plain_http(url, found.subject, "password")
    return url


def site_address(found: Found) -> str:
    """Return the address of a site from that of any of its pages.

    ``/api/v2``, ``/auth``, ``/application`` and anything after them are removed.
    """
    address = server_address(found, example=DEFAULT_API_URL)
    scheme, host = urlsplit(address)[:2]
    return f"{scheme}://{host}{_without_pages(urlsplit(address).path)}"


def _no_credentials(
    reader: Reader, username: str | None, password: Found | None, reasons: Iterable[str]
) -> ConfigurationError:
    if username is not None:
        sentence = f"No password or token is set for {username} ({reader.sources['username']})."
    elif password is not None:
        sentence = f"A password is set ({password.words}), but no username."
    else:
        sentence = "Neither a token nor a username with a password is set."
    return ConfigurationError(" ".join([sentence, *reasons]), hint=_QUICKEST)


def _password(found: Found | None) -> str | None:
    """Return a password unchanged: it may contain blanks. Raises ConfigurationError if it is not a string."""
    if found is None:
        return None
    if not isinstance(found.value, str):
        raise ConfigurationError(f"{found.subject} must be text.")
    return found.value


def _token(found: Found | None) -> str | None:
    """Return a token. Raises ConfigurationError if it contains invalid characters."""
    if found is None:
        return None
    token = text(found)
    if not is_token(token):
        raise ConfigurationError(
            f"{found.subject} is not a token: it contains spaces or invalid characters.",
            hint="Set only the token, without the word Token before it.",
        )
    return token


def _without_pages(path: str) -> str:
    """Remove the part of an address that belongs to a page of the site."""
    while True:
        shorter = re.sub(r"/(?:api(?:/v\d.*)?|auth|application(?:/.*)?)$", "", path.rstrip("/"))
        if shorter == path:
            return path
        path = shorter
