# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that make a file or a site: it is kept, the temporary folder is removed, a failure is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtool import __main__ as command_line
from devtool import running
from devtool.__main__ import _make
from devtool.environment import Environment
from devtool.release import NotReleased
from devtool.running import CheckFailed, Workplace


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder .cache of an empty checkout."""
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setattr(running, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(Environment, "prepare", lambda _environment: (tmp_path / ".cache").mkdir())
    return tmp_path / ".cache"


def test_the_result_is_kept_and_the_temporary_folder_is_removed(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(workplace: Workplace) -> Path:
        workplace.write("at work\n")
        (workplace.folder / "draft").write_text("done")
        return (workplace.folder / "draft").rename(cache / "thing")

    assert _make("thing", Environment("test"), make) == 0
    assert capsys.readouterr().out == "at work\n\nThe thing is in .cache/thing.\n"
    assert sorted(path.name for path in cache.rglob("*")) == ["runs", "thing"]
    assert (cache / "thing").read_text() == "done"


@pytest.mark.parametrize("error", [CheckFailed("pip ended with status 1"), NotReleased("No tag is checked out.")])
def test_a_failure_is_reported_and_leaves_no_file(
    cache: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def make(_workplace: Workplace) -> Path:
        raise error

    assert _make("thing", Environment("test"), make) == 1
    assert capsys.readouterr().out == f"dev: There is no thing. {error}\n"
    assert [path.name for path in cache.rglob("*")] == ["runs"]
