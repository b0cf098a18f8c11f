# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes on disk of locks that are lifted for an action, so that the next run can restore the locks of a killed run.

Nova refuses actions on locked instances (docs/jetstream2.md, Locks): the lock is lifted before the action, and set
again afterwards. The note is written before the former, and removed after the latter. The run holds a file lock on it
as long as it lives. So the next run can distinguish the note of a living run from one of a killed run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ...files import PRIVATE_FILE, make_folder
from ...state_folder import xdg_state_folder

_LARGEST = 1 << 16


def notes_folder(environ: Mapping[str, str], home: Path | None) -> Path:
    """Return the folder of the notes. Raises ConfigurationError if the shared state folder is missing."""
    return xdg_state_folder(environ, home) / "lifted-locks"


class LockNotes:
    """The notes of one project at one cloud. May be used by many threads and processes at once.

    A failure to write a note, as on a full disk, is ignored: the run itself restores the lock.
    """

    def __init__(self, folder: Path, key: str) -> None:
        """Read and write nothing yet. ``key``: a text that identifies the cloud and the login."""
        self._folder = folder / hashlib.sha256(key.encode()).hexdigest()[:32]

    @contextmanager
    def written(self, uuid: str, reason: str | None) -> Iterator[Note]:
        """Write and hold a note that the lock of an instance is lifted. It remains on disk unless it is settled."""
        note = Note(self._open(uuid, os.O_CREAT), self._folder / uuid)
        try:
            note.write(reason)
            yield note
        finally:
            note.close()

    @contextmanager
    def left_behind(self, uuid: str) -> Iterator[Note | None]:
        """Hold the note of an interrupted run. Yields None without a note, and if its run is alive."""
        note = Note(self._open(uuid, 0), self._folder / uuid)
        try:
            yield note if note.is_held else None
        finally:
            note.close()

    def instances(self) -> set[str]:
        """Return the uuids of the instances that have notes."""
        try:
            return {entry.name for entry in self._folder.iterdir()}
        except OSError:
            return set()

    def _open(self, uuid: str, flags: int) -> int | None:
        try:
            if flags:
                make_folder(self._folder, private=True)
            flags |= os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.open(self._folder / uuid, flags, PRIVATE_FILE)
        except OSError:
            return None


class Note:
    """A note, with a file lock on it as long as it is open."""

    def __init__(self, handle: int | None, path: Path) -> None:
        """Lock the file, unless another run has. ``handle``: its descriptor; None if it could not be opened."""
        self._handle = handle
        self._path = path
        self.is_held = handle is not None and _hold(handle)
        self.is_settled = False

    def write(self, reason: str | None) -> None:
        """Write the reason of the lock. Errors are ignored."""
        if self._handle is None or not self.is_held:
            return
        with suppress(OSError):
            os.truncate(self._handle, 0)
            os.pwrite(self._handle, json.dumps({"reason": reason}).encode(), 0)
            os.fsync(self._handle)

    def reason(self) -> str | None:
        """Return the reason of the lock; None without one, and if the note cannot be read."""
        if self._handle is None:
            return None
        try:
            reason = json.loads(os.pread(self._handle, _LARGEST, 0))["reason"]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return reason if isinstance(reason, str) else None

    def settle(self) -> None:
        """Remove the note: the lock is restored, or was never lifted."""
        self.is_settled = True
        with suppress(OSError):
            self._path.unlink()

    def close(self) -> None:
        """Close the note, which releases its file lock."""
        if self._handle is not None:
            os.close(self._handle)


def _hold(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems do not support locks.
        return True
    return True
