# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caches the token of a login for the next tasks and runs. A cache that does not work never fails a task."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..clock import Clock, SystemClock
from ..errors import ConfigurationError
from ..files import TEMPORARY_PREFIX, exclusive_in_folder, make_folder, replace_in_folder

# A token that expires sooner is not loaded: it would interrupt the task.
_MARGIN = timedelta(minutes=5)
# The maximum seconds to wait for the login of another process: a login takes no longer, unless it hangs.
LONGEST_WAIT = 30.0
_FOLDER = Path("jetstream/tokens")
VARIABLE = "JETSTREAM_CACHE_TOKENS"
# Rounds of PBKDF2: milliseconds per task, and per guess of an attacker with the file.
_ROUNDS = 20_000
# The maximum size of a file in bytes. A token of keystone includes the catalog of all services in all regions.
_LARGEST = 1 << 20
# Seconds after which a temporary file is one that a crashed process left behind.
_LEFTOVER_AGE = 3600.0


@dataclass(frozen=True, slots=True)
class LoginKey:
    """The login that a token belongs to: server, user, and the password or other secret.

    ``user``: any text that distinguishes the logins at a server and contains no secret.
    """

    server: str
    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and when it expires (with a time zone)."""

    value: str = field(repr=False)
    expires: datetime


def cache_folder(environ: Mapping[str, str], home: Path | None) -> Path | None:
    """Return the folder of the cache, within the user's cache folder by the XDG base directory specification.

    Returns None without a home folder, and if ``JETSTREAM_CACHE_TOKENS`` is no: every task then logs in. Raises
    ConfigurationError if that variable is neither yes nor no. See docs/connection.md.
    """
    if not _caches_tokens(environ.get(VARIABLE, "").strip().lower()):
        return None
    base = environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / _FOLDER
    return home / ".cache" / _FOLDER if home else None


def _caches_tokens(word: str) -> bool:
    if word in ("", "yes", "true", "on", "1", "y", "t"):
        return True
    if word in ("no", "false", "off", "0", "n", "f"):
        return False
    raise ConfigurationError(f'{VARIABLE} must be yes or no, not "{word}".')


class TokenCache:
    """A folder with a file for each server and user, private to its owner. May be used by many processes and threads.

    A token is loaded only with the secret that it was stored with. The file contains a salted hash of the secret.
    """

    def __init__(self, folder: Path | None, *, clock: Clock | None = None) -> None:
        """Read and write nothing yet. Without a folder, nothing is cached."""
        self._folder = folder
        self._clock = clock or SystemClock()

    def load(self, key: LoginKey, now: datetime) -> Token | None:
        """Return a token that is valid for at least five more minutes, or None. Files of other users are ignored."""
        with self._open_folder(create=False) as folder:
            if folder is None:
                return None
            token = _read(folder, _file_name(key), key)
        return token if token and token.expires - now > _MARGIN else None

    def store(self, key: LoginKey, token: Token) -> None:
        """Store a token, by the atomic replacement of its file. Errors are ignored."""
        with self._open_folder(create=True) as folder:
            if folder is None:
                return
            name = _file_name(key)
            with suppress(OSError):
                _remove_leftovers(folder, name)
            with suppress(OSError):
                replace_in_folder(folder, name, json.dumps(_fields(key, token)).encode())

    def forget(self, key: LoginKey, value: str) -> None:
        """Remove a token that the server refused, unless another one has replaced it."""
        with self._open_folder(create=False) as folder:
            if folder is None:
                return
            name = _file_name(key)
            stored = _read(folder, name, key)
            if stored is None or stored.value != value:
                return
            with suppress(OSError):
                _remove_if_same(folder, name, key, value)

    @contextmanager
    def login_lock(self, key: LoginKey, longest_wait: float = LONGEST_WAIT) -> Iterator[None]:
        """Serialize the logins of a server and user across processes and threads.

        A caller that does not get the lock within ``longest_wait`` seconds (at most LONGEST_WAIT) continues without it:
        a second login does no harm. The lock is not reentrant.
        """
        with ExitStack() as held:
            with suppress(OSError):
                folder = held.enter_context(self._open_folder(create=True))
                if folder is not None:
                    name = _file_name(key) + ".lock"
                    wait = min(longest_wait, LONGEST_WAIT)
                    held.enter_context(exclusive_in_folder(folder, name, clock=self._clock, longest_wait=wait))
            yield

    @contextmanager
    def _open_folder(self, *, create: bool) -> Iterator[int | None]:
        """Open the folder, or yield None if it is missing, belongs to another user, or is open to others."""
        if self._folder is None:
            yield None
            return
        folder: int | None = None
        try:
            with suppress(OSError):
                if create:
                    _make(self._folder)
                folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                if create and _is_mine(os.fstat(folder)):
                    os.fchmod(folder, stat.S_IRWXU)
            private = folder is not None and _is_private(os.fstat(folder))
            yield folder if private else None
        finally:
            if folder is not None:
                os.close(folder)


def _file_name(key: LoginKey) -> str:
    digest = hashlib.sha256(f"{key.server}\n{key.user}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest}.json"


def _fields(key: LoginKey, token: Token) -> dict[str, str]:
    salt = secrets.token_hex(16)
    return {
        "server": key.server,
        "user": key.user,
        "salt": salt,
        "proof": _proof(key.secret, salt),
        "token": token.value,
        "expires": token.expires.astimezone(UTC).isoformat(),
    }


def _proof(secret: str, salt: str) -> str:
    """Return a salted hash of a secret, slow to compute."""
    password, salt_bytes = (each.encode("utf-8", "surrogatepass") for each in (secret, salt))
    return hashlib.pbkdf2_hmac("sha256", password, salt_bytes, _ROUNDS).hex()


def _make(folder: Path) -> None:
    """Create the folder and its missing parents, each private to its owner."""
    above = next(each for each in folder.parents if each.exists())
    if not folder.exists() and os.geteuid() == 0 and not _is_mine(above.stat()):
        # sudo may keep HOME: a folder of root in a user's home would lock the user out.
        return
    make_folder(folder, private=True)


def _is_mine(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid()


def _is_private(status: os.stat_result) -> bool:
    return _is_mine(status) and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _read(folder: int, name: str, key: LoginKey) -> Token | None:
    """Return the token in a file, even if it is expired; None if the file is missing, invalid, or not private."""
    content = _read_private(folder, name)
    if content is None:
        return None
    try:
        fields = json.loads(content)
        token, expires = fields["token"], datetime.fromisoformat(fields["expires"])
        ours = (fields["server"], fields["user"]) == (key.server, key.user) and _is_made_with(key.secret, fields)
        whole = isinstance(token, str) and len(token) > 0 and expires.tzinfo is not None
        # In UTC: a time near year 1 or 9999 raises OverflowError here, and not in a later comparison.
        return Token(token, expires.astimezone(UTC)) if ours and whole else None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _is_made_with(secret: str, fields: Mapping[str, str]) -> bool:
    return hmac.compare_digest(_proof(secret, fields["salt"]), fields["proof"])


def _read_private(folder: int, name: str) -> bytes | None:
    # O_NONBLOCK: a pipe in place of the file must not block the task.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(name, flags, dir_fd=folder)
    except OSError:
        return None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or not _is_private(status):
            return None
        content = os.read(file, _LARGEST + 1)
    except OSError:
        return None
    finally:
        os.close(file)
    return content if len(content) <= _LARGEST else None


def _remove_if_same(folder: int, name: str, key: LoginKey, value: str) -> None:
    """Remove the file if it contains this token. Another process may replace the file at any moment.

    The file is renamed first, then read, and restored if its token is a newer one.
    """
    aside = f"{name}.{secrets.token_hex(8)}.old"
    os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
    renamed = _read(folder, aside, key)
    if renamed is not None and renamed.value != value:
        # Unlike a rename, a link does not overwrite an even newer file.
        with suppress(FileExistsError):
            os.link(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.unlink(aside, dir_fd=folder)


def _remove_leftovers(folder: int, name: str) -> None:
    """Remove the temporary files of crashed processes, which may contain tokens."""
    for each in os.listdir(folder):
        if each.startswith((TEMPORARY_PREFIX, name)) and each.endswith((".new", ".old")):
            with suppress(OSError):
                if time.time() - os.stat(each, dir_fd=folder, follow_symlinks=False).st_mtime > _LEFTOVER_AGE:
                    os.unlink(each, dir_fd=folder)
