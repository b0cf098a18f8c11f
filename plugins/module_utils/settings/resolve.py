# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a setting comes from: option, environment, profile, the original tool's jkey.csv. See docs/connection.md."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..http.loopback import is_loopback
from . import values
from .jkey import read_jkey
from .profiles import COUNTS, DEFAULT_PROFILE, PROFILE_KEYS, PROFILES, SECRETS, read_profile
from .sources import Found, Source, find, from_environment, from_options, variable

DEFAULT_API_URL = "https://use.jetstream-cloud.org"
DEFAULT_TIMEOUT = 60.0
DEFAULT_RETRY_TIMEOUT = 60.0
DEFAULT_CONCURRENCY = 16
DEFAULT_PAGE_SIZE = 20

ATMOSPHERE, OPENSTACK = "atmosphere", "openstack"
_BACKENDS = (ATMOSPHERE, OPENSTACK)
# What only Atmosphere's login has.
_OF_ATMOSPHERE = ("api_url", "username", *SECRETS)
# What openstacksdk reads itself.
_OF_OPENSTACK = ("OS_CLOUD", "OS_AUTH_URL")
_SETTINGS = PROFILE_KEYS | {"profile"}
_THE_DEFAULT = "the default"
_QUICKEST = (
    "Set JETSTREAM_USERNAME and JETSTREAM_PASSWORD in the environment, or give the options username and password, "
    f"or save both in a profile in ~/{PROFILES}, as the playbook jetstream.cloud.save_credential does."
)


@dataclass(frozen=True)
class Connection:
    """Every setting of a connection, as it is to be used.

    ``timeout`` and ``retry_timeout`` are seconds; ``concurrency`` is how many requests may be under way at once, and
    ``page_size`` how many rows one of them asks for. ``profile`` is None if no profile had a part in it. ``sources``
    says for each setting that is not None where it came from, in words for a person. ``warnings`` are whole sentences.

    ``backend`` is ``atmosphere`` or ``openstack``. With ``openstack``, ``cloud`` is a name in clouds.yaml, or None for
    what the OS_* variables say, and there is neither ``api_url`` nor username, password or token.
    """

    backend: str
    cloud: str | None
    api_url: str
    username: str | None
    password: str | None = field(repr=False)
    token: str | None = field(repr=False)
    profile: str | None
    validate_certs: bool
    ca_path: str | None
    timeout: float
    retry_timeout: float
    concurrency: int
    page_size: int
    allow_http: bool
    sources: Mapping[str, str] = field(hash=False, repr=False)
    warnings: tuple[str, ...] = ()


def resolve(options: Mapping[str, object], environ: Mapping[str, str], home: Path) -> Connection:
    """Decide every setting: by the option, else the environment, else the profile, else the old jkey.csv.

    A password or token is only used for the user and the server that its own source names, and of several places that
    have a password or a token only the nearest one counts: see docs/connection.md.

    Reads the files in ``home`` and nothing else. Raises ConfigurationError, in one sentence, without a secret in it.
    """
    warnings: list[str] = []
    missed: list[str] = []
    said = [from_options(options, _SETTINGS), from_environment(environ, _SETTINGS)]
    named = find("profile", said)
    profile_name = values.text(named) if named else None
    profile = read_profile(home, profile_name, warnings, missed)
    sources = [*said, profile] if profile else said
    settings = _Settings(sources)

    backend = _backend(settings, said, sources, environ)
    login = (
        _Login("", None, None, None, False)
        if backend == OPENSTACK
        else _atmosphere_login(settings, sources, home, warnings, missed)
    )
    if profile:
        settings.sources["profile"] = named.words if named else _THE_DEFAULT
        if backend == ATMOSPHERE:
            warnings += _overruled(said, profile, named)

    return Connection(
        backend=backend,
        cloud=settings.text("cloud") if backend == OPENSTACK else None,
        api_url=login.api_url,
        username=login.username,
        password=login.password,
        token=login.token,
        profile=(profile_name or DEFAULT_PROFILE) if profile else None,
        validate_certs=settings.flag("validate_certs", default=True),
        ca_path=settings.ca_path(home),
        timeout=settings.seconds("timeout", default=DEFAULT_TIMEOUT, zero=False),
        retry_timeout=settings.seconds("retry_timeout", default=DEFAULT_RETRY_TIMEOUT, zero=True),
        concurrency=settings.count("concurrency", default=DEFAULT_CONCURRENCY),
        page_size=settings.count("page_size", default=DEFAULT_PAGE_SIZE),
        allow_http=login.allow_http,
        sources=settings.sources,
        warnings=tuple(warnings),
    )


class _Settings:
    """Finds one setting after the other, and keeps account of where each came from."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.sources: dict[str, str] = {}

    def _found(self, name: str) -> Found | None:
        found = find(name, self._sources)
        if found:
            self.sources[name] = found.words
        return found

    def text(self, name: str) -> str | None:
        found = self._found(name)
        return values.text(found) if found else None

    def flag(self, name: str, *, default: bool) -> bool:
        found = self._found(name)
        if found:
            return values.flag(found)
        self.sources[name] = _THE_DEFAULT
        return default

    def seconds(self, name: str, *, default: float, zero: bool) -> float:
        found = self._found(name)
        if found:
            return values.seconds(found, zero=zero)
        self.sources[name] = _THE_DEFAULT
        return default

    def count(self, name: str, *, default: int) -> int:
        found = self._found(name)
        if found:
            return values.count(found, most=COUNTS[name])
        self.sources[name] = _THE_DEFAULT
        return default

    def api_url(self, *, allow_http: bool) -> str:
        found = self._found("api_url")
        if not found:
            self.sources["api_url"] = _THE_DEFAULT
            return DEFAULT_API_URL
        url = server_url(values.text(found), found.subject)
        if url.startswith("http://") and not allow_http and not is_loopback(urlsplit(url).hostname or ""):
            raise ConfigurationError(
                f"{found.subject} is {url}, which would send the password in the clear.",
                hint="Write https://, or set allow_http if nobody else can listen on that network.",
            )
        return url

    def ca_path(self, home: Path) -> str | None:
        found = self._found("ca_path")
        if not found:
            return None
        return str(values.readable_path(found, home))


# --- which cloud -----------------------------------------------------------------------------------------------------


def _backend(settings: _Settings, said: Sequence[Source], sources: Sequence[Source], environ: Mapping[str, str]) -> str:
    """Tell which cloud is meant: the one that is said, or else the one whose login is given.

    The name of an OpenStack cloud decides wherever it stands, so that a profile is enough, unless a task itself has a
    login for Atmosphere. With no login for Atmosphere anywhere, OpenStack's own variables count.
    """
    backend = settings.text("backend")
    if backend is not None:
        if backend not in _BACKENDS:
            where = settings.sources["backend"]
            raise ConfigurationError(f"There is no backend {backend} ({where}), only {' and '.join(_BACKENDS)}.")
        return backend
    options = said[0]
    if options.gives("cloud"):
        return OPENSTACK
    if any(options.gives(name) for name in _OF_ATMOSPHERE):
        return ATMOSPHERE
    if any(source.gives("cloud") for source in sources):
        return OPENSTACK
    if any(source.gives(name) for source in sources for name in _OF_ATMOSPHERE):
        return ATMOSPHERE
    return OPENSTACK if any(environ.get(name) for name in _OF_OPENSTACK) else ATMOSPHERE


# --- credentials -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Login:
    """What Atmosphere's login takes."""

    api_url: str
    username: str | None
    password: str | None = field(repr=False)
    token: str | None = field(repr=False)
    allow_http: bool


def _atmosphere_login(
    settings: _Settings, sources: Sequence[Source], home: Path, warnings: list[str], missed: list[str]
) -> _Login:
    """Put the login together. ``missed``: why a place in which it might be gave nothing."""
    allow_http = settings.flag("allow_http", default=False)
    api_url = settings.api_url(allow_http=allow_http)
    username = settings.text("username")
    secrets, strangers = _usable_secrets(sources, username, api_url)
    if not secrets and not strangers:
        jkey = read_jkey(home, warnings, missed)
        secrets = {"password": jkey} if jkey else {}
    password, token = _password(secrets.get("password")), _token(secrets.get("token"))
    if token is None and (username is None or password is None):
        raise _no_credentials(settings, username, secrets.get("password"), [*strangers, *missed])
    for name, found in secrets.items():
        settings.sources[name] = found.words
    return _Login(api_url, username, password, token, allow_http)


def _usable_secrets(
    sources: Sequence[Source], username: str | None, api_url: str
) -> tuple[dict[str, Found], list[str]]:
    """Return password and token of the nearest source that has any for this user and server, and why others were not.

    They are taken from one source alone: a token that no longer serves must not lead to a login as somebody else.
    """
    strangers: list[str] = []
    for source in sources:
        secrets = {name: source.take(name) for name in SECRETS if source.gives(name)}
        if not secrets:
            continue
        owner = _belongs_elsewhere(source, username, api_url)
        if not owner:
            return secrets, strangers
        strangers += [f"{found.subject} was not used, because it belongs to {owner}." for found in secrets.values()]
    return {}, strangers


def _belongs_elsewhere(source: Source, username: str | None, api_url: str) -> str | None:
    """Return whose the secrets of a source are, if they are not for this user at this server."""
    if source.gives("username"):
        owner = values.text(source.take("username"))
        if owner != username:
            return owner
    if source.gives("api_url"):
        found = source.take("api_url")
        server = server_url(values.text(found), found.subject)
        if server != api_url:
            return server
    return None


def _no_credentials(
    settings: _Settings, username: str | None, password: Found | None, reasons: Iterable[str]
) -> ConfigurationError:
    if username is not None:
        sentence = f"There is no password and no token for {username} ({settings.sources['username']})."
    elif password is not None:
        sentence = f"There is a password ({password.words}), but no username that it belongs to."
    else:
        sentence = "There is neither a token nor a username with its password."
    return ConfigurationError(" ".join([sentence, *reasons]), hint=_QUICKEST)


def _password(found: Found | None) -> str | None:
    """Return it to the letter: blanks may be part of it."""
    if found is None:
        return None
    if not isinstance(found.value, str):
        raise ConfigurationError(f"{found.subject} must be text.")
    return found.value


def _token(found: Found | None) -> str | None:
    if found is None:
        return None
    token = values.text(found)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"{found.subject} is not a token: it holds blanks or characters that no token has.",
            hint="Give the token alone, without the word Token before it.",
        )
    return token


def _overruled(said: Sequence[Source], profile: Source, named: Found | None) -> list[str]:
    """Warn who asks for a profile by option, and still gets another account because of the environment."""
    options, environment = said
    if named is None or not options.gives("profile"):
        return []
    names = [
        name
        for name in ("api_url", "username", *SECRETS)
        if environment.gives(name)
        and not options.gives(name)
        and profile.gives(name)
        and environment.values[name] != profile.values[name]
    ]
    if not names:
        return []
    variables = " and ".join(variable(name) for name in names)
    return [
        f"The {profile.words('profile')} was asked for, but {variables} in the environment came before what it says."
    ]


# --- the address of a server -----------------------------------------------------------------------------------------


def server_url(text: str, subject: str) -> str:
    """Return the address of the server as scheme://host[:port][/path], whatever part of the site was pasted.

    Without a scheme it is https. ``/api/v2``, ``/auth``, ``/application`` and what follows are taken off, as are a
    query and a trailing slash. Raises ConfigurationError, which begins with ``subject``, if it is not such an address.
    """
    if "@" in text:
        # Said first and without the text, which may hold a password.
        raise ConfigurationError(
            f"{subject} holds an @, as if a user or a password stood in it.",
            hint="Give the address alone, and username and password as settings of their own.",
        )
    if not text.isprintable() or " " in text or "\\" in text:
        raise ConfigurationError(
            f"{subject} is not the address of a server: it holds blanks or characters that none has."
        )
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower() if separator else "https"
    if scheme not in ("http", "https"):
        raise ConfigurationError(f"{subject} begins with {scheme}://, where only https:// can be used.")
    try:
        parts = urlsplit(f"{scheme}://{rest if separator else text.lstrip('/')}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not _is_host(host):
        raise ConfigurationError(f"{subject} is not the address of a server.", hint=f"It looks like {DEFAULT_API_URL}.")
    shown_host = f"[{host}]" if ":" in host else host
    default_port = {"http": 80, "https": 443}[scheme]
    shown_port = "" if port in (None, default_port) else f":{port}"
    return f"{scheme}://{shown_host}{shown_port}{_without_pages(parts.path)}"


def _without_pages(path: str) -> str:
    """Take off what belongs to a page of the site, so that what is left is where the site begins."""
    while True:
        shorter = re.sub(r"/(?:api(?:/v\d.*)?|auth|application(?:/.*)?)$", "", path.rstrip("/"))
        if shorter == path:
            return path
        path = shorter


def _is_host(host: str) -> bool:
    if ":" not in host:
        return bool(re.fullmatch(r"\w(?:[\w.-]*[\w.])?", host)) and ".." not in host
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
