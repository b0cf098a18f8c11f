# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the token of a login for the next task and the next run. A cache that does not work never fails a task."""

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

# A token that ends within a task would end it half way.
_MARGIN = timedelta(minutes=5)
# As long as a server that answers at all may take for a login.
LONGEST_WAIT = 30.0
_FOLDER = Path("jetstream/tokens")
VARIABLE = "JETSTREAM_CACHE_TOKENS"
# Some milliseconds for each task, and for each guess at the secret by an attacker who has the file.
_ROUNDS = 20_000
# A token of keystone comes with the addresses of all services in all regions.
_LARGEST = 1 << 20
# Files that a crash in the middle of a write left behind, in seconds since.
_LEFT_BEHIND = 3600.0


@dataclass(frozen=True, slots=True)
class LoginKey:
    """A login that tokens belong to: user, server, and the password or other secret.

    ``user`` is any text that distinguishes the logins at a server, without a secret in it.
    """

    server: str
    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """What a login gave, and until when (with a time zone)."""

    value: str = field(repr=False)
    expires: datetime


def cache_folder(environ: Mapping[str, str], home: Path | None) -> Path | None:
    """Return where tokens are kept: in the user's cache folder, as the XDG base directory specification has it.

    Returns None for a user that has none, and where ``JETSTREAM_CACHE_TOKENS`` is no: every task logs in then. Raises
    ConfigurationError if that variable is neither yes nor no.
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
    """One file for each server and user, which no other user can read. May be used by many processes and threads.

    A token is only found with the secret that it was stored with. The file has no more of that than what it takes to
    recognize it.
    """

    def __init__(self, folder: Path | None, *, clock: Clock | None = None) -> None:
        """Touch nothing yet. Without a folder, nothing is kept."""
        self._folder = folder
        self._clock = clock or SystemClock()

    def load(self, key: LoginKey, now: datetime) -> Token | None:
        """Return a token that is good for another five minutes at least, or None if there is none to be trusted."""
        with self._open_folder(create=False) as folder:
            if folder is None:
                return None
            token = _read(folder, _file_name(key), key)
        return token if token and token.expires - now > _MARGIN else None

    def store(self, key: LoginKey, token: Token) -> None:
        """Keep a token, as a whole or not at all."""
        with self._open_folder(create=True) as folder:
            if folder is None:
                return
            name = _file_name(key)
            with suppress(OSError):
                _sweep(folder, name)
            with suppress(OSError):
                replace_in_folder(folder, name, json.dumps(_fields(key, token)).encode())

    def forget(self, key: LoginKey, value: str) -> None:
        """Drop a token that the server no longer takes, unless another has been stored in its place."""
        with self._open_folder(create=False) as folder:
            if folder is None:
                return
            name = _file_name(key)
            stored = _read(folder, name, key)
            if stored is None or stored.value != value:
                return
            with suppress(OSError):
                _take_away(folder, name, key, value)

    @contextmanager
    def login_lock(self, key: LoginKey, longest_wait: float = LONGEST_WAIT) -> Iterator[None]:
        """Let one login per server and user happen at a time, over all processes.

        A caller that cannot get the lock, or not within ``longest_wait`` seconds (half a minute at most), goes on
        without it: a second login does no harm. Not to be taken twice by the same caller.
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
    """Return a hash that recognizes a secret: slow to compute, and of no use for another file."""
    text, grain = (each.encode("utf-8", "surrogatepass") for each in (secret, salt))
    return hashlib.pbkdf2_hmac("sha256", text, grain, _ROUNDS).hex()


def _make(folder: Path) -> None:
    """Make the folder and those above it, each for its owner alone."""
    above = next(each for each in folder.parents if each.exists())
    if not folder.exists() and os.geteuid() == 0 and not _is_mine(above.stat()):
        # Under sudo that keeps HOME: a folder of root's in a user's home would lock the user out of it.
        return
    make_folder(folder, private=True)


def _is_mine(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid()


def _is_private(status: os.stat_result) -> bool:
    return _is_mine(status) and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _read(folder: int, name: str, key: LoginKey) -> Token | None:
    """Return the token in a file, expired or not, or None if the file is not one to be trusted."""
    content = _read_private(folder, name)
    if content is None:
        return None
    try:
        fields = json.loads(content)
        token, expires = fields["token"], datetime.fromisoformat(fields["expires"])
        ours = (fields["server"], fields["user"]) == (key.server, key.user) and _is_made_with(key.secret, fields)
        whole = isinstance(token, str) and len(token) > 0 and expires.tzinfo is not None
        # Far from year 1 and year 9999, so that no arithmetic with it raises OverflowError.
        return Token(token, expires.astimezone(UTC)) if ours and whole else None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _is_made_with(secret: str, fields: Mapping[str, str]) -> bool:
    return hmac.compare_digest(_proof(secret, fields["salt"]), fields["proof"])


def _read_private(folder: int, name: str) -> bytes | None:
    # O_NONBLOCK: a pipe in the place of the file must not hold the task up.
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


def _take_away(folder: int, name: str, key: LoginKey, value: str) -> None:
    """Remove the file if it has this token at the very moment it is removed; put it back if it has another."""
    aside = f"{name}.{secrets.token_hex(8)}.old"
    os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
    taken = _read(folder, aside, key)
    if taken is not None and taken.value != value:
        # A link, since it does not overwrite an even newer file.
        with suppress(FileExistsError):
            os.link(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.unlink(aside, dir_fd=folder)


def _sweep(folder: int, name: str) -> None:
    """Remove temporary files of crashed processes: they contain tokens, too."""
    for each in os.listdir(folder):
        if each.startswith((TEMPORARY_PREFIX, name)) and each.endswith((".new", ".old")):
            with suppress(OSError):
                if time.time() - os.stat(each, dir_fd=folder, follow_symlinks=False).st_mtime > _LEFT_BEHIND:
                    os.unlink(each, dir_fd=folder)
