# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One profile is changed, and nothing else; the file is there as a whole, for its owner alone."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.profile_file import (
    exclusive_profiles,
    is_private,
    with_profile,
    without_profile,
    write_private,
)
from hypothesis import given
from hypothesis import strategies as st

FILE = """\
# Everything of the lab.
[default] # mine
username = "jo"  # the old one
# Ask Ann for it.
password = 'x'

# The course's.
["the course"]
username = "ta"
password = "y"
timeout = 30
"""
TEXTS = st.text(max_size=40)
# Dies where the file is about to be in its place.
KILLED = """
import os, signal, sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.profile_file import write_private
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
write_private(Path(sys.argv[1]), "new" * 1000)
"""
FULL = """
import sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.profile_file import write_private
write_private(Path(sys.argv[1]), "new" * 1000)
"""


def test_changes_one_profile_and_leaves_the_rest_as_it_is() -> None:
    changed = with_profile(FILE, "default", {"password": 'a"b\\c', "token": None, "api_url": "https://x.org"})
    assert tomllib.loads(changed) == {
        "default": {"username": "jo", "password": 'a"b\\c', "api_url": "https://x.org"},
        "the course": {"username": "ta", "password": "y", "timeout": 30},
    }
    kept = [line for line in FILE.splitlines() if not line.startswith("password = 'x'")]
    assert [line for line in changed.splitlines() if line in kept] == kept


def test_adds_a_profile_at_the_end_even_of_a_file_without_a_last_newline() -> None:
    added = with_profile('[a]\nusername = "jo"', "new one", {"token": "t"})
    assert added == '[a]\nusername = "jo"\n\n["new one"]\ntoken = "t"\n'


def test_removes_a_profile_but_not_the_comment_of_the_next() -> None:
    removed = without_profile(FILE, "default")
    assert removed.startswith("# Everything of the lab.\n")
    assert '# The course\'s.\n["the course"]\n' in removed
    assert without_profile(FILE, "other") == FILE


@pytest.mark.parametrize(
    "text",
    [
        "default = {username = 'jo'}\n",
        "[default]\npassword = '''\ns3cret\n'''\n",
        "[default]\npassword = 's3cret",
    ],
)
def test_changes_nothing_that_it_does_not_understand(text: str) -> None:
    with pytest.raises(ConfigurationError, match="nothing was changed") as raised:
        with_profile(text, "default", {"password": "new"})
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [("[a]\nusername = 'x'\npassword = s3cret\n", "in line 3"), ("[a]\npassword = '''s3cret", "at its end")],
)
def test_the_place_of_a_mistake_is_reported_but_not_its_text(text: str, place: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        with_profile(text, "a", {"password": "new"})
    assert str(raised.value) == (
        f"~/.config/jetstream/profiles.toml is not TOML {place}, so nothing was changed. Fix it in an editor."
    )


@given(name=TEXTS, password=TEXTS, other=TEXTS, others_password=TEXTS)
def test_any_text_comes_back_as_it_was(name: str, password: str, other: str, others_password: str) -> None:
    first = with_profile("# mine\n", other, {"password": others_password})
    both = with_profile(first, name, {"password": password, "timeout": 1.5, "validate_certs": False})
    wanted = {other: {"password": others_password}}
    wanted[name] = {"password": password, "timeout": 1.5, "validate_certs": False}  # type: ignore[dict-item]
    assert tomllib.loads(both) == wanted
    assert both.startswith("# mine\n")
    if name != other:
        assert tomllib.loads(without_profile(both, name)) == {other: {"password": others_password}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "jetstream" / "profiles.toml"
    write_private(path, "old")
    return path


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


@pytest.mark.parametrize(
    ("program", "before", "status"), [(KILLED, None, -signal.SIGKILL), (FULL, _limit_files, 1)], ids=["killed", "full"]
)
def test_an_error_in_the_middle_leaves_the_old_file(
    file: Path, program: str, before: Callable[[], None] | None, status: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-B", "-c", program, str(file)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        preexec_fn=before,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    assert file.read_text() == "old"


def test_an_error_leaves_no_copy_behind(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_private(file, "new")
    assert [each.name for each in file.parent.iterdir()] == ["profiles.toml"]
    assert file.read_text() == "old"


def test_only_the_owner_gets_at_it(file: Path) -> None:
    file.chmod(0o644)
    file.parent.chmod(0o755)
    assert not is_private(file)
    write_private(file, "new")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert is_private(file)


def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    target = tmp_path / "elsewhere.toml"
    target.write_text("old")
    file.unlink()
    file.symlink_to(target)
    write_private(file, "new")
    assert file.is_symlink()
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o600)


def test_new_folders_are_for_their_owner_alone_with_any_umask(tmp_path: Path) -> None:
    path = tmp_path / ".config" / "jetstream" / "profiles.toml"
    before = os.umask(0)
    try:
        with exclusive_profiles(path):
            write_private(path, "new")
    finally:
        os.umask(before)
    made = {each.name: each.stat().st_mode & 0o777 for each in (path, *path.parents[:2])}
    assert made == {"profiles.toml": 0o600, "jetstream": 0o700, ".config": 0o700}
