# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder for what outlives a run, such as readings and decisions: in the home, or one that several nodes share."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .errors import ConfigurationError

VARIABLE = "JETSTREAM_STATE_PATH"
STATE = Path(".local/state/jetstream")
_DATA = Path(".local/share/jetstream")


def shared_folder(environ: Mapping[str, str], home: Path | None) -> Path | None:
    """Return the folder of ``JETSTREAM_STATE_PATH``, or None if that is not set. ``~/`` is the home.

    Raises ConfigurationError if the folder is not there: where a volume was not mounted, a new and empty folder would
    cause notices to be sent again, and be lost with the container. Raises it as well if the file system has no locks,
    by which the nodes that share the folder keep out of each other's way.
    """
    given = environ.get(VARIABLE, "").strip()
    if not given:
        return None
    folder = home / given[2:] if home and given.startswith("~/") else Path(given)
    if not folder.is_absolute():
        raise ConfigurationError(f'{VARIABLE} is "{given}", but must begin with / or ~/.')
    if not folder.is_dir():
        raise ConfigurationError(
            f"{VARIABLE} is {given}, which is not a folder.", hint="Mount the volume, or create the folder once."
        )
    if not _has_locks(folder):
        raise ConfigurationError(
            f"{VARIABLE} is {given}, on a file system without locks, so that two runs at once would lose records.",
            hint="Mount it with locks (flock), or choose another folder.",
        )
    return folder


def shared_path(environ: Mapping[str, str], home: Path | None, default: Path) -> Path | None:
    """Return the path in the shared folder of what has the path ``default`` below the home; None if none is shared.

    Both folders of the home are one there. Raises ConfigurationError as ``shared_folder`` does.
    """
    shared = shared_folder(environ, home)
    if shared is None:
        return None
    folder = next(each for each in (STATE, _DATA) if default.is_relative_to(each))
    return shared / default.relative_to(folder)


def xdg_state_folder(environ: Mapping[str, str], home: Path | None) -> Path:
    """Return the state folder by the XDG base directory specification, unless several nodes share one.

    For a user that has none, it is a path at which nothing can be written. Raises ConfigurationError as
    ``shared_folder`` does.
    """
    base = environ.get("XDG_STATE_HOME", "")
    in_home = Path(base) / "jetstream" if os.path.isabs(base) else home / STATE if home else Path(os.devnull)
    return shared_folder(environ, home) or in_home


def _has_locks(folder: Path) -> bool:
    """Whether files in a folder can be locked, as far as that can be tried: by a file that has no name there."""
    # Where nothing can be written, nothing needs a lock, and the message of what is to be written says more.
    with suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
