# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history file: the remaining SU of each allocation on each day, as lines of JSON.

A line has the day, the allocation's site, cloud, project and uuid, and the remaining SU. Lines of older versions have
no owner, and ``left`` instead of ``remaining``. The file is replaced as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import ConfigurationError
from ..files import exclusive, make_folder, read_file, replace_file
from ..model import CloudAccount
from .report_data import BalanceSnapshot

Owner = tuple[str, str, str]
_NOBODY: Owner = ("", "", "")
_FIELDS = ("site", "cloud", "project")


def owner_of(account: CloudAccount) -> Owner:
    """Return the key that distinguishes this account's allocations from others with the same uuid."""
    return account.site.lower(), account.cloud, account.project_uuid or ""


def read_snapshots(path: Path) -> list[BalanceSnapshot]:
    """Return the snapshots in file order, none without a file.

    Raises ConfigurationError for a file that is not a history, so that it is never overwritten.
    """
    try:
        lines = read_file(path).decode().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"The history file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"The history file {path} cannot be read: it is not UTF-8 text.") from None
    return [_snapshot(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]


def adopted(past: Iterable[BalanceSnapshot], owner: Owner, allocations: Collection[str]) -> list[BalanceSnapshot]:
    """Assign an owner to lines of older versions: the first account with such an allocation."""
    return [
        replace(each, owner=owner) if each.owner == _NOBODY and each.allocation in allocations else each
        for each in past
    ]


def merged(past: Iterable[BalanceSnapshot], today: Iterable[BalanceSnapshot]) -> list[BalanceSnapshot]:
    """Add today's snapshots, in order. The last one of a day stays."""
    rows = {(each.day, each.owner, each.allocation): each for each in (*past, *today)}
    return [rows[key] for key in sorted(rows)]


def write_snapshots(path: Path, snapshots: Iterable[BalanceSnapshot]) -> None:
    """Replace the history file as a whole, or leave it unchanged. Raises ConfigurationError if writing fails."""
    text = "".join(_line(each) + "\n" for each in snapshots)
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise ConfigurationError(f"The history file {path} cannot be written: {error.strerror}.") from None


@contextmanager
def exclusive_history(path: Path, clock: Clock) -> Iterator[None]:
    """Hold a history file exclusively. Creates its folder if that is missing.

    Raises ConfigurationError if the folder cannot be used, and if other runs hold the file too long.
    """
    with ExitStack() as stack:
        try:
            make_folder(path.parent, private=True)
            stack.enter_context(exclusive(path, clock=clock))
        except TimeoutError as error:
            raise ConfigurationError(
                f"The history file {path} is in use: {error.strerror}.",
                hint="Wait for the other run, end it, or set another history_path.",
            ) from None
        except OSError as error:
            raise ConfigurationError(f"The folder {path.parent} cannot be used: {error.strerror}.") from None
        yield


def _line(snapshot: BalanceSnapshot) -> str:
    row: dict[str, Any] = {"day": snapshot.day.isoformat()}
    if snapshot.owner != _NOBODY:
        row.update(zip(_FIELDS, snapshot.owner, strict=True))
    return json.dumps({**row, "allocation": snapshot.allocation, "remaining": str(snapshot.remaining)})


def _snapshot(line: str, path: Path, number: int) -> BalanceSnapshot:
    try:
        row = json.loads(line)
        remaining = Decimal(row["remaining"] if "remaining" in row else row["left"])
        site, cloud, project = (str(row.get(name, "")) for name in _FIELDS)
        if remaining.is_finite():
            return BalanceSnapshot(
                date.fromisoformat(row["day"]), (site, cloud, project), str(row["allocation"]), remaining
            )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidOperation):
        pass
    raise ConfigurationError(
        f"Line {number} of the history file {path} cannot be read, so nothing was changed.",
        hint="Fix or move the file.",
    )
