# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One variable moves all files that outlive a run to a folder that several nodes share."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.launch_records import (
    records_folder,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.locks import notes_folder
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.state_folder import (
    shared_path,
    xdg_state_folder,
)
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT

HOME = Path("/home/johndoe")


class Finder(Protocol):
    """Finds a folder by the environment and the home."""

    def __call__(self, environ: Mapping[str, str], home: Path | None) -> Path | None: ...


def _readings(environ: Mapping[str, str], home: Path | None) -> Path | None:
    return shared_path(environ, home, Path(".local/state/jetstream/readings"))


def _marks(environ: Mapping[str, str], home: Path | None) -> Path | None:
    return shared_path(environ, home, Path(".local/share/jetstream/keep.json"))


ALL: list[Finder] = [_readings, _marks, xdg_state_folder, records_folder, notes_folder]


@pytest.mark.parametrize("find", ALL)
def test_the_variable_moves_every_folder(find: Finder, tmp_path: Path) -> None:
    environ = {"JETSTREAM_STATE_PATH": str(tmp_path), "XDG_STATE_HOME": "/elsewhere"}
    for home in (HOME, None):
        found = find(environ, home)
        assert found is not None
        assert found.is_relative_to(tmp_path)
        assert find({"JETSTREAM_STATE_PATH": "~/"}, tmp_path) == found


@pytest.mark.parametrize("find", ALL)
@pytest.mark.parametrize("value", ["relative", "/nonexistent/volume", "~johndoe/x", "/dev/null"])
def test_a_folder_that_is_away_is_refused(find: Finder, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"JETSTREAM_STATE_PATH is .*{value}"):
        find({"JETSTREAM_STATE_PATH": value}, HOME)


@pytest.mark.parametrize("find", ALL)
def test_a_file_system_without_locks_is_refused(find: Finder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_file: object, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    assert find({"JETSTREAM_STATE_PATH": str(tmp_path)}, HOME)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(
        ConfigurationError, match=rf"JETSTREAM_STATE_PATH is {tmp_path}, on a file system without locks"
    ):
        find({"JETSTREAM_STATE_PATH": str(tmp_path)}, HOME)
    assert list(tmp_path.iterdir()) == []


def test_without_it_nothing_is_shared() -> None:
    for environ in ({}, {"JETSTREAM_STATE_PATH": " "}):
        assert (_readings(environ, HOME), _marks(environ, None)) == (None, None)
        assert xdg_state_folder(environ, HOME) == HOME / ".local/state/jetstream"


def test_files_that_outlive_a_run_are_never_directly_in_the_home() -> None:
    # It would stay on the node that ran it. The login alone is the user's.
    files = [
        path
        for name in ("operations", "events")
        for path in (ROOT / "plugins/module_utils/_internal" / name).glob("*.py")
    ]
    assert files
    assert [path.name for path in files if ".in_home(" in path.read_text(encoding="utf-8")] == ["credential.py"]
