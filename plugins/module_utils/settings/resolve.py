# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a setting comes from: option, environment, profile, the original tool's jkey.csv. See docs/connection.md."""

from __future__ import annotations

import csv
import difflib
import ipaddress
import math
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..http.loopback import is_loopback

DEFAULT_API_URL = "https://use.jetstream-cloud.org"
DEFAULT_TIMEOUT = 60.0
DEFAULT_RETRY_TIMEOUT = 60.0
DEFAULT_CONCURRENCY = 16
DEFAULT_PAGE_SIZE = 20

PROFILES = Path(".config/jetstream/profiles.toml")
JKEY = Path(".config/jetstream/jkey.csv")

_DEFAULT_PROFILE = "default"
_SECRETS = ("password", "token")
ATMOSPHERE, OPENSTACK = "atmosphere", "openstack"
_BACKENDS = (ATMOSPHERE, OPENSTACK)
# What only Atmosphere's login has.
_OF_ATMOSPHERE = ("api_url", "username", *_SECRETS)
# What openstacksdk reads itself.
_OF_OPENSTACK = ("OS_CLOUD", "OS_AUTH_URL")
_TEXTS = frozenset({"api_url", "username", "password", "token", "ca_path", "cloud", "backend"})
_FLAGS = frozenset({"validate_certs", "allow_http"})
_NUMBERS = frozenset({"timeout", "retry_timeout"})
# Whole numbers, and how large each may be.
_COUNTS = {"concurrency": 64, "page_size": 1000}
PROFILE_KEYS = _TEXTS | _FLAGS | _NUMBERS | _COUNTS.keys()
_SETTINGS = PROFILE_KEYS | {"profile"}

_YES = frozenset({"1", "on", "t", "true", "y", "yes"})
_NO = frozenset({"0", "off", "f", "false", "n", "no"})
_A_DAY = 86400.0
_THE_DEFAULT = "the default"
_QUICKEST = (
    "Set JETSTREAM_USERNAME and JETSTREAM_PASSWORD in the environment, or give the options username and password, "
    f"or save both in a profile in ~/{PROFILES}, as the playbook jetstream.cloud.save_credential does."
)


@dataclass(frozen=True)
class Connection:
    """Every setting of a connection, as it is to be used.

    C(timeout) and C(retry_timeout) are seconds; C(concurrency) is how many requests may be under way at once, and
    C(page_size) how many rows one of them asks for. C(profile) is None if no profile had a part in it. C(sources) says
    for each setting that is not None where it came from, in words for a person. C(warnings) are whole sentences.

    C(backend) is C(atmosphere) or C(openstack). With C(openstack), C(cloud) is a name in clouds.yaml, or None for what
    the OS_* variables say, and there is neither C(api_url) nor username, password or token.
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


@dataclass(frozen=True, slots=True)
class _Source:
    """One place that gives settings. C(words) and C(subject) take a setting's name: see _Found."""

    values: Mapping[str, object] = field(repr=False)
    words: Callable[[str], str]
    subject: Callable[[str], str]

    def gives(self, name: str) -> bool:
        """Tell whether there is anything to use: an empty string is not."""
        value = self.values.get(name)
        return bool(value.strip()) if isinstance(value, str) else value is not None

    def take(self, name: str) -> _Found:
        """Return what it gives, with the words for where that came from."""
        return _Found(self.values[name], self.words(name), self.subject(name))


@dataclass(frozen=True, slots=True)
class _Found:
    """A value that somebody gave, not yet looked at.

    C(words) is where it came from, as in "environment variable JETSTREAM_TOKEN"; C(subject) begins a sentence with it.
    """

    value: object = field(repr=False)
    words: str
    subject: str


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"JETSTREAM_{name.upper()}"


def resolve(options: Mapping[str, object], environ: Mapping[str, str], home: Path) -> Connection:
    """Decide every setting: by the option, else the environment, else the profile, else the old jkey.csv.

    A password or token is only used for the user and the server that its own source names, and of several places that
    have a password or a token only the nearest one counts: see docs/connection.md.

    Reads the files in C(home) and nothing else. Raises ConfigurationError, in one sentence, without a secret in it.
    """
    warnings: list[str] = []
    missed: list[str] = []
    said = [_from_options(options), _from_environment(environ)]
    named = _find("profile", said)
    profile_name = _text(named) if named else None
    profile = _read_profile(home, profile_name, warnings, missed)
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
        profile=(profile_name or _DEFAULT_PROFILE) if profile else None,
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

    def __init__(self, sources: Sequence[_Source]) -> None:
        self._sources = sources
        self.sources: dict[str, str] = {}

    def _found(self, name: str) -> _Found | None:
        found = _find(name, self._sources)
        if found:
            self.sources[name] = found.words
        return found

    def text(self, name: str) -> str | None:
        found = self._found(name)
        return _text(found) if found else None

    def flag(self, name: str, *, default: bool) -> bool:
        found = self._found(name)
        if found:
            return _flag(found)
        self.sources[name] = _THE_DEFAULT
        return default

    def seconds(self, name: str, *, default: float, zero: bool) -> float:
        found = self._found(name)
        if found:
            return _seconds(found, zero=zero)
        self.sources[name] = _THE_DEFAULT
        return default

    def count(self, name: str, *, default: int) -> int:
        found = self._found(name)
        if found:
            return _count(found, most=_COUNTS[name])
        self.sources[name] = _THE_DEFAULT
        return default

    def api_url(self, *, allow_http: bool) -> str:
        found = self._found("api_url")
        if not found:
            self.sources["api_url"] = _THE_DEFAULT
            return DEFAULT_API_URL
        url = server_url(_text(found), found.subject)
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
        path = _expand(_text(found), home)
        if not path.exists():
            raise ConfigurationError(f"{found.subject} is {path}, which does not exist.")
        if not os.access(path, os.R_OK):
            raise ConfigurationError(f"{found.subject} is {path}, which this user may not read.")
        return str(path)


# --- which cloud -----------------------------------------------------------------------------------------------------


def _backend(
    settings: _Settings, said: Sequence[_Source], sources: Sequence[_Source], environ: Mapping[str, str]
) -> str:
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
    settings: _Settings, sources: Sequence[_Source], home: Path, warnings: list[str], missed: list[str]
) -> _Login:
    """Put the login together. C(missed): why a place in which it might be gave nothing."""
    allow_http = settings.flag("allow_http", default=False)
    api_url = settings.api_url(allow_http=allow_http)
    username = settings.text("username")
    secrets, strangers = _usable_secrets(sources, username, api_url)
    if not secrets and not strangers:
        jkey = _read_jkey(home, warnings, missed)
        secrets = {"password": jkey} if jkey else {}
    password, token = _password(secrets.get("password")), _token(secrets.get("token"))
    if token is None and (username is None or password is None):
        raise _no_credentials(settings, username, secrets.get("password"), [*strangers, *missed])
    for name, found in secrets.items():
        settings.sources[name] = found.words
    return _Login(api_url, username, password, token, allow_http)


def _usable_secrets(
    sources: Sequence[_Source], username: str | None, api_url: str
) -> tuple[dict[str, _Found], list[str]]:
    """Return password and token of the nearest source that has any for this user and server, and why others were not.

    They are taken from one source alone: a token that no longer serves must not lead to a login as somebody else.
    """
    strangers: list[str] = []
    for source in sources:
        secrets = {name: source.take(name) for name in _SECRETS if source.gives(name)}
        if not secrets:
            continue
        owner = _belongs_elsewhere(source, username, api_url)
        if not owner:
            return secrets, strangers
        strangers += [f"{found.subject} was not used, because it belongs to {owner}." for found in secrets.values()]
    return {}, strangers


def _belongs_elsewhere(source: _Source, username: str | None, api_url: str) -> str | None:
    """Return whose the secrets of a source are, if they are not for this user at this server."""
    if source.gives("username"):
        owner = _text(source.take("username"))
        if owner != username:
            return owner
    if source.gives("api_url"):
        found = source.take("api_url")
        server = server_url(_text(found), found.subject)
        if server != api_url:
            return server
    return None


def _no_credentials(
    settings: _Settings, username: str | None, password: _Found | None, reasons: Iterable[str]
) -> ConfigurationError:
    if username is not None:
        sentence = f"There is no password and no token for {username} ({settings.sources['username']})."
    elif password is not None:
        sentence = f"There is a password ({password.words}), but no username that it belongs to."
    else:
        sentence = "There is neither a token nor a username with its password."
    return ConfigurationError(" ".join([sentence, *reasons]), hint=_QUICKEST)


def _password(found: _Found | None) -> str | None:
    """Return it to the letter: blanks may be part of it."""
    if found is None:
        return None
    if not isinstance(found.value, str):
        raise ConfigurationError(f"{found.subject} must be text.")
    return found.value


def _token(found: _Found | None) -> str | None:
    if found is None:
        return None
    token = _text(found)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"{found.subject} is not a token: it holds blanks or characters that no token has.",
            hint="Give the token alone, without the word Token before it.",
        )
    return token


def _overruled(said: Sequence[_Source], profile: _Source, named: _Found | None) -> list[str]:
    """Warn who asks for a profile by option, and still gets another account because of the environment."""
    options, environment = said
    if named is None or not options.gives("profile"):
        return []
    names = [
        name
        for name in ("api_url", "username", *_SECRETS)
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


# --- sources ---------------------------------------------------------------------------------------------------------


def _from_options(options: Mapping[str, object]) -> _Source:
    values = {name: options[name] for name in _SETTINGS if name in options}
    return _Source(values, lambda name: f"option {name}", lambda name: f"The option {name}")


def _from_environment(environ: Mapping[str, str]) -> _Source:
    values = {name: environ[variable(name)] for name in _SETTINGS if variable(name) in environ}
    return _Source(
        values,
        lambda name: f"environment variable {variable(name)}",
        lambda name: f"The environment variable {variable(name)}",
    )


def _find(name: str, sources: Iterable[_Source]) -> _Found | None:
    return next((source.take(name) for source in sources if source.gives(name)), None)


def _read_profile(home: Path, name: str | None, warnings: list[str], missed: list[str]) -> _Source | None:
    """Return the profile of that name, or the default one if there is one.

    Whoever names none needs none. Why there is none is told where a login turns out to be C(missed).
    """
    path = home / PROFILES
    shown = f"~/{PROFILES}"
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if name is None:
            return None
        raise ConfigurationError(f"There is no profile {name}, because there is no file {shown}.") from None
    except OSError as error:
        sentence = f"{shown} cannot be read: {error.strerror}."
        if name is None:
            warnings.append(sentence)
            missed.append(sentence)
            return None
        raise ConfigurationError(sentence) from None
    profiles = _parse_profiles(content, shown)
    chosen = name or _DEFAULT_PROFILE
    if chosen not in profiles:
        if name is None:
            missed += _without_default(profiles, shown)
            return None
        raise _unknown_profile(name, profiles, shown)
    if any(profile.get(secret) for profile in profiles.values() for secret in _SECRETS):
        warnings += _too_open(mode, shown)
    place = f"profile {chosen} in {shown}"
    _check_profile(profiles[chosen], place)
    return _Source(profiles[chosen], lambda _unused: place, lambda key: f"The {key} of {place}")


def _parse_profiles(content: bytes, shown: str) -> dict[str, dict[str, Any]]:
    document = _parse_toml(content, shown)
    if isinstance(document, ConfigurationError):
        # Not raised where it happened: the original errors hold the content of the file.
        raise document
    for key, value in document.items():
        if not isinstance(value, dict):
            raise ConfigurationError(
                f"{key} in {shown} stands outside of any profile.", hint="Put a line [default] above it."
            )
    return document


def _parse_toml(content: bytes, shown: str) -> dict[str, Any] | ConfigurationError:
    """Return the tables, or the error that says why there are none."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return ConfigurationError(f"{shown} is not UTF-8 text.", hint="Save it in UTF-8.")
    except tomllib.TOMLDecodeError as error:
        return ConfigurationError(
            _toml_sentence(str(error), shown), hint='Text stands in quotes there, as in: username = "ada"'
        )
    except RecursionError:
        return ConfigurationError(f"{shown} is nested too deeply.")


def _toml_sentence(error: str, shown: str) -> str:
    """Turn "Invalid value (at line 3, column 5)" into a sentence that begins with the place."""
    why = error.partition(" (at ")[0]
    line = re.search(r" \(at (line \d+)", error)
    return f"{shown} is not TOML in {line[1]}: {why}." if line else f"{shown} is not TOML at its end: {why}."


def _unknown_profile(name: str, profiles: Mapping[str, object], shown: str) -> ConfigurationError:
    if not profiles:
        return ConfigurationError(f"There is no profile {name} in {shown}, which has none at all.")
    there = ", ".join(sorted(profiles))
    return ConfigurationError(
        f"There is no profile {name} in {shown}, only {there}.", hint=_did_you_mean(name, profiles)
    )


def _without_default(profiles: Mapping[str, object], shown: str) -> list[str]:
    """Say which profiles are there, where none was named and none is the default."""
    if not profiles:
        return []
    there = ", ".join(sorted(profiles))
    return [f"No profile was named, and {shown} has none called {_DEFAULT_PROFILE}, only {there}."]


def _check_profile(profile: Mapping[str, object], place: str) -> None:
    for key, value in profile.items():
        if key not in PROFILE_KEYS:
            guess = _did_you_mean(key, PROFILE_KEYS) or f"Known are {', '.join(sorted(PROFILE_KEYS))}."
            raise ConfigurationError(f"The setting {key} of {place} is unknown.", hint=guess)
        wanted = _wanted_type(key, value)
        if wanted:
            raise ConfigurationError(f"The {key} of {place} must be {wanted}.")


def _wanted_type(key: str, value: object) -> str | None:
    """Return what a key of a profile must be, if this value is something else."""
    if key in _FLAGS:
        return None if isinstance(value, bool) else "true or false, without quotes"
    if key in _NUMBERS:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if is_number else "a number of seconds, without quotes"
    if key in _COUNTS:
        return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number, without quotes"
    return None if isinstance(value, str) else "text in quotes"


def _did_you_mean(word: str, words: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f"Did you mean {close[0]}?" if close else None


def _read_jkey(home: Path, warnings: list[str], missed: list[str]) -> _Found | None:
    """Return the password from the file that the original tool wrote, if there is one, or why it is C(missed)."""
    path = home / JKEY
    shown = f"~/{JKEY}"
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        missed.append(f"{shown} cannot be read: {error.strerror}.")
        return None
    password = _parse_jkey(content)
    if password is None:
        missed.append(f"{shown} holds no password in its first line.")
        return None
    warnings += _too_open(mode, shown)
    return _Found(password, shown, f"The password in {shown}")


def _parse_jkey(content: bytes) -> str | None:
    """Read one line that a CSV writer wrote, or a person with any editor on any system."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        lines = content.decode(encoding).split("\n")
    except UnicodeDecodeError:
        return None
    line = next((line.strip() for line in lines if line.strip()), "")
    if len(line) > 1 and line.startswith('"') and line.endswith('"'):
        # A CSV writer quotes what holds a comma or a quote. Without quotes, a comma is a part of the password.
        fields = next(csv.reader([line]))
        line = fields[0] if len(fields) == 1 else line
    return line or None


def _too_open(mode: int, shown: str) -> list[str]:
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [f"{shown} holds a secret, and its mode {stat.S_IMODE(mode):04o} opens it to others: chmod 600 {shown}"]


# --- values ----------------------------------------------------------------------------------------------------------


def _text(found: _Found) -> str:
    if not isinstance(found.value, str):
        raise ConfigurationError(f"{found.subject} must be text.")
    return found.value.strip()


def _flag(found: _Found) -> bool:
    if isinstance(found.value, bool):
        return found.value
    word = str(found.value).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ConfigurationError(f'{found.subject} must be yes or no, not "{found.value}".')


def _seconds(found: _Found, *, zero: bool) -> float:
    try:
        number = math.nan if isinstance(found.value, bool) else float(str(found.value))
    except ValueError:
        number = math.nan
    if (number > 0 or (zero and number == 0)) and number <= _A_DAY:
        return number
    least = "from 0" if zero else "above 0"
    raise ConfigurationError(
        f'{found.subject} must be a number of seconds {least} up to {_A_DAY:.0f}, not "{found.value}".'
    )


def _count(found: _Found, *, most: int) -> int:
    text = str(found.value)
    if text.isascii() and text.isdigit() and 1 <= int(text) <= most:
        return int(text)
    raise ConfigurationError(f'{found.subject} must be a whole number from 1 to {most}, not "{found.value}".')


def _expand(text: str, home: Path) -> Path:
    """Expand a leading ~ to the home that the other files are read from."""
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return Path(os.path.expanduser(text))


def server_url(text: str, subject: str) -> str:
    """Return the address of the server as scheme://host[:port][/path], whatever part of the site was pasted.

    Without a scheme it is https. C(/api/v2), C(/auth), C(/application) and what follows are taken off, as are a query
    and a trailing slash. Raises ConfigurationError, which begins with C(subject), if it is not such an address.
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
