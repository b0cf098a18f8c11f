# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An execution environment as the page has it, by ansible-builder. No image is built: that needs the base image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "execution-environment" / "execution-environment.yml"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program of this environment to its end, and return what it prints."""
    program = Path(sys.executable).with_name(str(command[0]))
    ended = subprocess.run(
        [program, *command[1:]],
        cwd=cwd,
        env=os.environ | {"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false", "ANSIBLE_COLLECTIONS_PATH": str(cwd)},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.fixture(scope="module")
def context(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the build context of the example, beside which the tarball lies."""
    folder = tmp_path_factory.mktemp("ee")
    shutil.copy(EXAMPLE, folder)
    shutil.copy(tarball, folder / "jetstream-cloud.tar.gz")
    run("ansible-builder", "create", "--output-filename", "Containerfile", cwd=folder)
    return folder / "context"


@pytest.fixture(scope="module")
def installed(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the collection is, after the step of the image that installs collections."""
    path = tmp_path_factory.mktemp("collections")
    [line] = re.findall(
        r"^RUN .*ansible-galaxy collection install .*", (context / "Containerfile").read_text(), re.MULTILINE
    )
    # As the step of the image has it, but for the folder, and without a network.
    assert '-r requirements.yml --collections-path "/usr/share/ansible/collections"' in line
    options = ("--offline", "-r", "requirements.yml", "--collections-path", path)
    run("ansible-galaxy", "collection", "install", *options, cwd=context / "_build")
    return path


def test_the_collection_is_installed_in_the_image_from_the_tarball(installed: Path) -> None:
    collection = installed / "ansible_collections" / "jetstream" / "cloud"
    assert (collection / "plugins" / "modules" / "jetstream_instance_state.py").is_file()


def test_the_image_gets_the_libraries_and_programs_that_the_collection_names(
    context: Path, installed: Path, tmp_path: Path
) -> None:
    # The script that the image runs itself.
    script = context / "_build" / "scripts" / "introspect.py"
    libraries, programs = tmp_path / "pip.txt", tmp_path / "bindep.txt"
    given = ("--user-pip", context / "_build" / "requirements.txt")
    written = ("--write-pip", libraries, "--write-bindep", programs)
    run("python", script, "introspect", installed, *given, *written, cwd=tmp_path)
    lines = libraries.read_text().splitlines()
    assert {line.split()[0] for line in lines if "# from collection jetstream.cloud" in line} == {
        "requests",
        "openstacksdk",
    }
    assert {line.split()[0] for line in lines if "# from collection user" in line} == {"matplotlib", "wcwidth"}
    assert re.findall(r"^(\S+) \[(\S+)\]  # from collection jetstream.cloud", programs.read_text(), re.MULTILINE) == [
        ("openssh-clients", "platform:rpm"),
        ("openssh-client", "platform:dpkg"),
    ]


def test_an_execution_node_of_the_tests_has_what_the_collection_names() -> None:
    names = [
        {line.partition("==")[0] for line in (ROOT / path).read_text().splitlines() if line[:1].isalpha()}
        for path in ("meta/ee-requirements.txt", "requirements/worker.txt")
    ]
    assert names[0] < names[1]
