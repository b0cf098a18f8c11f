# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local record of an allocation's past: a line of JSON for each allocation and day.

Two runs at once take turns. The file is replaced as a whole or not at all, so that a full disk loses nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ..errors import ConfigurationError
from .figures import Reading


def read(path: Path) -> list[Reading]:
    """Return what was noted, the oldest first; nothing if there is no file yet.

    Raises ConfigurationError for a file that is not such a record: it is never overwritten.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The record {path} cannot be read: {_why(error)}.") from None
    return [_reading(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]


def noted(past: Iterable[Reading], today: Iterable[Reading]) -> list[Reading]:
    """Add today's readings. Of several on one day, the last one stays."""
    rows = {(each.day, each.allocation): each for each in (*past, *today)}
    return [rows[key] for key in sorted(rows)]


def write(path: Path, readings: Iterable[Reading]) -> None:
    """Replace the record as a whole, or leave it as it was.

    Raises ConfigurationError if it cannot be written.
    """
    text = "".join(_line(each) + "\n" for each in readings)
    try:
        _replace(path, text.encode())
    except OSError as error:
        raise ConfigurationError(f"The record {path} cannot be written: {_why(error)}.") from None


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Let one run at a time read and write a record.

    Raises ConfigurationError if the folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigurationError(f"The folder {path.parent} cannot be used: {_why(error)}.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def write_page(path: Path, text: str) -> None:
    """Write a page as a whole, or leave the old one.

    Raises ConfigurationError if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text.encode())
    except OSError as error:
        raise ConfigurationError(f"The page {path} cannot be written: {_why(error)}.") from None


def _line(reading: Reading) -> str:
    return json.dumps({"day": reading.day.isoformat(), "allocation": reading.allocation, "left": str(reading.left)})


def _reading(line: str, path: Path, number: int) -> Reading:
    try:
        row = json.loads(line)
        return Reading(date.fromisoformat(row["day"]), str(row["allocation"]), Decimal(row["left"]))
    except (ValueError, KeyError, TypeError, InvalidOperation):
        raise ConfigurationError(
            f"Line {number} of the record {path} is not one of ours.", hint="Mend or move the file."
        ) from None


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"
