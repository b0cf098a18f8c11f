# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads files, replaces files whole, and lets one process at a time change a file.

Every function raises OSError, whose ``strerror`` is a phrase that follows "cannot be written:". Callers turn that into
a sentence, or ignore it.

Two sets of functions do the same things:

- ``read_file``, ``replace_file`` and ``exclusive`` take a path that a user chose, and follow links.
- ``replace_in_folder`` and ``exclusive_in_folder`` take the descriptor of an open folder and a name in it, and follow
  no link. They are for folders that this collection owns.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .clock import Clock, SystemClock

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
# Where a process was killed while it wrote, a file of such a name stays behind, with mode 0600.
TEMPORARY_PREFIX = ".jetstream-"
# Others never write to a user's files, also where the umask forbids nothing.
_NEW_FILE = 0o664
_NEW_FOLDER = 0o775
_LONGEST_WAIT = 30.0
_PAUSE = 0.05
_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a named pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def read_file(path: Path) -> bytes:
    """Return the content of a regular file. Follows links.

    Raises FileNotFoundError if there is none, and OSError for folders, devices, pipes and sockets, without waiting for
    any of them.
    """
    # O_NONBLOCK: opening a named pipe waits for its writer.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _refuse_special(os.fstat(handle), path)
        file = os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise
    with file:
        return file.read()


def replace_file(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replace a file whole, or leave it as it was: a reader sees the old content or the new, also after a power cut.

    A link stays a link: its target is replaced. A file that is there keeps its mode, and its owner and group as far as
    this process may set them. A new file gets what the umask allows, but never write permission for others. ``mode``
    sets the mode of either. The folder must exist (``make_folder``).

    Raises OSError if the file cannot be written, and for folders, devices, pipes and sockets.
    """
    before = check_target(path)
    target = Path(os.path.realpath(path))
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _replace(folder, target.name, content, mode, before)
    finally:
        os.close(folder)


def append_file(path: Path, content: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Append whole lines to a file, which is made if there is none, and gets that mode. Follows links.

    Where a process was killed while it appended, the last line may be cut: it is ended first, so that it spoils no
    other. Every process that appends must hold the file (``exclusive``).

    Raises OSError if it cannot be written, and for folders, devices, pipes and sockets.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "r+b", buffering=0) as file:
        status = os.fstat(file.fileno())
        _refuse_special(status, path)
        if stat.S_IMODE(status.st_mode) != mode:
            os.fchmod(file.fileno(), mode)
        is_cut = status.st_size and os.pread(file.fileno(), 1, status.st_size - 1) != b"\n"
        left = memoryview(b"\n" + content if is_cut else content)
        while left:
            left = left[os.write(file.fileno(), left) :]
        os.fsync(file.fileno())


def check_target(path: Path) -> os.stat_result | None:
    """Return the status of the file that ``replace_file`` would replace; None if there is none yet.

    Raises OSError for folders, devices, pipes and sockets.
    """
    if _is_descriptor_or_device(path):
        raise _refusal("it is a device", path)
    status = _status(path)
    if status is not None:
        _refuse_special(status, path)
    return status


def replace_in_folder(folder: int, name: str, content: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Replace a file in an open folder whole, or leave it as it was. A link of that name is itself replaced."""
    _replace(folder, name, content, mode, None)


def make_folder(folder: Path, *, private: bool = False) -> None:
    """Make a folder, and those above it that are missing. Those that exist are left as they are.

    New folders are for their owner alone if ``private``; otherwise they get what the umask allows, but never write
    permission for others.
    """
    if not folder.is_dir():
        if folder.parent != folder:
            make_folder(folder.parent, private=private)
        with suppress(FileExistsError):
            folder.mkdir(mode=PRIVATE_FOLDER if private else _NEW_FOLDER)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


@contextmanager
def exclusive(path: Path, *, clock: Clock | None = None, longest_wait: float = _LONGEST_WAIT) -> Iterator[None]:
    """Hold a file, which need not exist yet, so that one process at a time reads, changes and replaces it.

    Every process that changes the file must hold it. Readers need not: they see the old content or the new. The lock
    is a file beside it, ``.NAME.lock``, which stays, and which only users who may write to the folder can open. On file
    systems without locks, nothing is held. Not to be nested for one path. The folder must exist (``make_folder``).

    Raises TimeoutError if others hold the file for ``longest_wait`` seconds, and OSError if the lock cannot be opened.
    """
    target = Path(os.path.realpath(path))
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with exclusive_in_folder(folder, f".{target.name}.lock", clock=clock, longest_wait=longest_wait):
            yield
    finally:
        os.close(folder)


@contextmanager
def exclusive_in_folder(
    folder: int, name: str, *, clock: Clock | None = None, longest_wait: float = _LONGEST_WAIT
) -> Iterator[None]:
    """Hold the lock file of that name in an open folder. Makes the file if there is none, and leaves it there.

    A process that holds the lock may remove the lock file (``remove_lock``). Others that wait for it take a new one.

    Raises TimeoutError if others hold it for ``longest_wait`` seconds, and OSError if it cannot be opened.
    """
    lock = _take_lock(folder, name, clock or SystemClock(), longest_wait)
    try:
        yield
    finally:
        # Closing is not enough where a process that was forked meanwhile holds the file open, too.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


def remove_lock(path: Path) -> None:
    """Remove the lock file of a file that was removed. Its ``exclusive`` must be held."""
    target = Path(os.path.realpath(path))
    target.with_name(f".{target.name}.lock").unlink(missing_ok=True)


def _is_descriptor_or_device(path: Path) -> bool:
    """Whether a path is one of those, such as /dev/stdout, that can lead to a file which another process holds open."""
    plain = Path(os.path.normpath(Path.cwd() / path))
    # Files in shared memory are files like others. The folder is named, and nothing is put into it.
    in_memory = plain.is_relative_to("/dev/shm")  # noqa: S108  # nosec B108
    return plain.is_relative_to("/proc") or (plain.is_relative_to("/dev") and not in_memory)


def _status(path: Path) -> os.stat_result | None:
    try:
        # Through the links, so that the kernel can refuse to follow one that another user put into /tmp.
        return path.stat()
    except FileNotFoundError:
        return None


def _refuse_special(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "it is no file"), path)


def _refusal(reason: str, path: Path) -> OSError:
    return OSError(errno.EINVAL, reason, str(path))


def _replace(folder: int, name: str, content: bytes, mode: int | None, before: os.stat_result | None) -> None:
    temporary = f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    is_new = mode is None and before is None
    file = os.open(temporary, flags, _NEW_FILE if is_new else PRIVATE_FILE, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            if not is_new:
                os.fchmod(file, _with_owner_of(before, file, mode))
            stream.write(content)
            stream.flush()
            os.fsync(file)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    with suppress(OSError):
        os.fsync(folder)


def _with_owner_of(before: os.stat_result | None, file: int, mode: int | None) -> int:
    """Give a file the owner and group of the one that it replaces. Returns the mode that it is to have."""
    if before is None:
        return PRIVATE_FILE if mode is None else mode
    wanted = stat.S_IMODE(before.st_mode) if mode is None else mode
    for owner in (before.st_uid, -1):
        with suppress(OSError):
            os.fchown(file, owner, before.st_gid)
            return wanted
    # The rights of its group are not for the group of the user that replaces it.
    return wanted & ~stat.S_IRWXG


def _take_lock(folder: int, name: str, clock: Clock, longest_wait: float) -> int:
    """Return the open lock file, locked, which is the one of that name."""
    while True:
        lock = _open_lock(folder, name)
        try:
            _wait_for(lock, name, clock, longest_wait)
            if _is_of_name(folder, name, lock):
                return lock
        except BaseException:
            os.close(lock)
            raise
        # It was removed while this process waited for it, and another process may hold its successor.
        os.close(lock)


def _is_of_name(folder: int, name: str, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _open_lock(folder: int, name: str) -> int:
    # Locking needs no more than opening. Were it open to readers, any local user could hold up the others.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    lock = os.open(name, flags, PRIVATE_FILE, dir_fd=folder)
    shared = os.fstat(folder)
    if shared.st_mode & stat.S_IWGRP and os.fstat(lock).st_uid == os.geteuid():
        with suppress(OSError):
            os.fchown(lock, -1, shared.st_gid)
            os.fchmod(lock, PRIVATE_FILE | stat.S_IRGRP | stat.S_IWGRP)
    return lock


def _wait_for(lock: int, name: str, clock: Clock, longest_wait: float) -> None:
    give_up = clock.monotonic() + longest_wait
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() + _PAUSE > give_up:
                reason = f"another process has held its lock, {name}, for {longest_wait:g} seconds"
                raise TimeoutError(errno.ETIMEDOUT, reason) from None
            clock.sleep(_PAUSE)
        except OSError:
            # Some network file systems have no locks.
            return
        else:
            return
