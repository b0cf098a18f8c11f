# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the record of nightly runs in one JSON file, which is replaced as a whole.

If the file cannot be written, as on a full disk, a spare file in memory stands in for it until the problem is fixed or
the machine restarts, so that no run repeats the messages of another. The record authorizes no act: acts have records of
their own.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..clock import Clock
from ..files import PRIVATE_FOLDER, exclusive, make_folder, read_file
from ..json_file import write_json

Result = TypeVar("Result")
# Takes the text of the record, and a sentence if it cannot be written. Returns a result and the record to store.
Change = Callable[[str, str], tuple[Result, Mapping[str, Any]]]
_LONGEST_WAIT = 30.0


class NightStore:
    """The file with the record of nightly runs. Several programs may use it at once."""

    def __init__(self, path: Path, clock: Clock, spare_folders: tuple[Path, ...] = (), *, problem: str = "") -> None:
        """Store the path, and the folders for a spare file. The first write creates the file.

        ``problem``: a sentence if the file must not be touched, such as in a folder that is not mounted.
        """
        self.path = path
        self._clock = clock
        self._problem = problem
        # The spare file is specific to this record and this user.
        digest = hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:16]
        self._spares = tuple(each / f"nightly-{digest}.json" for each in spare_folders)

    def read(self) -> str:
        """Return the text of the record, "" if it is missing or unreadable.

        A spare file counts unless it is older: another machine may have written the file since.
        """
        written = 0 if self._problem else _written(self.path)
        for spare in self._spares:
            if _is_private(spare.parent) and _written(spare) >= written and (text := _text_of(spare)):
                return text
        return "" if self._problem else _text_of(self.path)

    def change(self, decide: Change[Result]) -> Result:
        """Hold the record, replace it by the result of ``decide`` for its text, and return the result.

        ``decide`` also gets a sentence if the record cannot be written, or "". It may be called more than once, and
        stores nothing itself.
        """
        problem = self._problem
        for path in self._spares if problem else (self.path, *self._spares):
            try:
                return self._change(path, decide, problem)
            except OSError as error:
                reason = error.strerror or str(error)
                problem = problem or f"The record of nightly, {self.path}, cannot be written: {reason}."
        return decide(self.read(), problem)[0]

    def _change(self, path: Path, decide: Change[Result], problem: str) -> Result:
        """Change the record in one file. Raises OSError if the file cannot be held or written."""
        make_folder(path.parent, private=True)
        if path != self.path and not _is_private(path.parent):
            raise PermissionError(f"{path.parent} is not of this user alone")
        with exclusive(path, clock=self._clock, longest_wait=_LONGEST_WAIT):
            result, record = decide(self.read(), problem)
            write_json(path, record, indent=None)
            for spare in self._spares if path == self.path else ():
                _remove(spare)
        return result


def spare_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return folders that are usually in memory, the best first."""

    def found() -> Iterator[Path]:
        runtime = environ.get("XDG_RUNTIME_DIR", "")
        if os.path.isabs(runtime) and Path(runtime).is_dir():
            yield Path(runtime) / "jetstream"
        # These are shared folders. The spare file is placed in a subfolder that only this user can access.
        for folder in (Path("/dev/shm"), Path("/tmp")):  # noqa: S108  # nosec B108
            if folder.is_dir():
                yield folder / f"jetstream-{os.geteuid()}"

    return tuple(found())


def _is_private(folder: Path) -> bool:
    """Return whether it is a folder, not a link, that only this user can write to."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_own = status.st_uid == os.geteuid()
    return stat.S_ISDIR(status.st_mode) and is_own and not status.st_mode & ~PRIVATE_FOLDER & 0o022


def _written(path: Path) -> int:
    """Return the modification time of a file, in nanoseconds since 1970; 0 if it is missing."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _text_of(path: Path) -> str:
    try:
        return read_file(path).decode(errors="replace")
    except OSError:
        return ""


def _remove(path: Path) -> None:
    if _is_private(path.parent):
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return
