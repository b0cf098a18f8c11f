# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tour writes into an empty folder alone, and shows a practice fleet whatever login there is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook

WRITTEN = ["README.md", "desired.yml", "fleet.jetstream.yml", "nightly.yml"]
# Nothing listens there: a request to it fails the run.
NOWHERE = "http://127.0.0.1:9"


def tour(home: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tour as a user who is logged in elsewhere, and shares the state of nights with others."""
    words = ["-i", "localhost,", "jetstream.cloud.tour", *arguments]
    elsewhere = {"JETSTREAM_CLOUD": "production", "JETSTREAM_STATE_PATH": str(home / "shared")}
    return run_playbook(*words, home=home, url=NOWHERE, folder=folder, more=elsewhere)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "shared").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def test_it_shows_a_fleet_of_atmosphere_and_leaves_nothing_outside_its_folder(home: Path, folder: Path) -> None:
    done = tour(home, folder, "-e", "simulate=true", "-e", "folder=new", "-e", "like=atmosphere")

    assert done.returncode == 0, done.stdout
    assert "bio101-01 (3): stop done" in done.stdout
    assert "no reading was taken yet" in done.stdout
    assert "== nightly ==" in done.stdout
    assert [path.name for path in folder.iterdir()] == ["new"]
    names = {path.name for path in (folder / "new").iterdir()} - {".fleet.json.lock"}
    assert sorted(names) == sorted([*WRITTEN, "fleet.json", "home", "run"])
    assert [path.name for path in home.rglob("*") if path.is_file() and ".ansible" not in path.parts] == []
    fleet = json.loads((folder / "new" / "fleet.json").read_text())
    addresses = {each["name"]: each["address"] for each in fleet["instances"]}
    assert (addresses["bio101-01"], addresses["genomes"]) == (None, "149.165.150.11")


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(home: Path, folder: Path) -> None:
    (folder / ".hidden").write_text("mine")
    done = tour(home, folder, "-e", "simulate=true")

    assert done.returncode == 2
    assert f"{folder} is not an empty folder. Choose an empty or new folder: -e folder=practice" in done.stdout
    assert [path.name for path in folder.iterdir()] == [".hidden"]


def test_a_file_in_the_place_of_the_folder_is_refused(home: Path, folder: Path) -> None:
    (folder / "taken").write_text("mine")
    done = tour(home, folder, "-e", "folder=taken")

    assert done.returncode == 2
    assert "taken is not an empty folder." in done.stdout
    assert (folder / "taken").read_text() == "mine"


def test_without_simulate_it_writes_and_runs_nothing(home: Path, folder: Path) -> None:
    done = tour(home, folder)

    assert done.returncode == 0, done.stdout
    assert sorted(path.name for path in folder.iterdir()) == WRITTEN
    readme = (folder / "README.md").read_text()
    assert "`ansible-playbook -i localhost, desired.yml --check --diff`" in readme
    assert "`ansible-playbook -i localhost, jetstream.cloud.nightly -e @nightly.yml`" in readme


def test_check_mode_writes_nothing(home: Path, folder: Path) -> None:
    done = tour(home, folder, "-e", "simulate=true", "--check")

    assert done.returncode == 0, done.stdout
    assert list(folder.iterdir()) == []


def test_it_goes_on_where_an_earlier_one_was_stopped(home: Path, folder: Path) -> None:
    assert tour(home, folder).returncode == 0
    # As after Ctrl-C between two files.
    (folder / "nightly.yml").unlink()
    (folder / "desired.yml").write_text("mine")
    done = tour(home, folder)

    assert done.returncode == 0, done.stdout
    assert sorted(path.name for path in folder.iterdir()) == WRITTEN
    assert (folder / "desired.yml").read_text() == "mine"
    # A tour of another kind would not fit these files.
    assert tour(home, folder, "-e", "simulate=true").returncode == 2


def test_a_folder_that_cannot_be_written_is_named_in_a_sentence(home: Path, folder: Path) -> None:
    # Root may write everywhere, but not here.
    done = tour(home, folder, "-e", "folder=/proc/1/tour")

    assert done.returncode == 2
    assert "The tour could not be written to /proc/1/tour (the reason is above)." in done.stdout
    assert "Traceback" not in done.stdout
