# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the tarball of the collection, and tries it as Galaxy and users do."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shlex
import shutil
import subprocess
import tarfile
from operator import itemgetter
from pathlib import Path
from typing import Any

from devtool.environment import DEMO_SEED, WITH_SIMULATOR
from devtool.running import CheckFailed, Workplace

_INSTALLED = "installed"
_MANIFEST, _FILES = "MANIFEST.json", "FILES.json"
# Output of the steps of the tour: a check run, the change, idle instances, their cost, a decision, the nightly mail.
_TOUR_OUTPUT = (
    "+these 2 instances: 4 SU/h",
    "bio101-01: stop done",
    "1 instance has been idle for 6.5 hours, and cost 104",
    "its owner would get a notice",
    "genomes was idle since",
    "== nightly ==",
)
# The folders that plugins and playbooks may use, by the rules of the Ansible package (docs/checklists.md).
_USABLE = {"meta", "playbooks", "plugins", "roles"}


def build(workplace: Workplace, checkout: Path) -> Path:
    """Build the collection from a checkout into the folder of the workplace, and return the tarball.

    A commit makes the same bytes on every machine and at any time.
    """
    workplace.call("ansible-galaxy", "collection", "build", "--force", "--output-path", workplace.folder, cwd=checkout)
    [tarball] = workplace.folder.glob("*.tar.gz")
    make_reproducible(tarball, _time_of(checkout))
    return tarball


def make_reproducible(tarball: Path, at: int) -> None:
    """Sort the files of a tarball and of its lists by name, and give all the same time.

    ansible-galaxy packs them in the order of the file system, with the times of the checkout and of the build.
    """
    with tarfile.open(tarball) as archive:
        members = {each.name: each for each in archive.getmembers()}
        contents = {name: file.read() for name, each in members.items() if (file := archive.extractfile(each))}
    files = json.loads(contents[_FILES])
    files["files"].sort(key=itemgetter("name"))
    contents[_FILES] = _as_json(files)
    manifest = json.loads(contents[_MANIFEST])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents[_FILES]).hexdigest()
    contents[_MANIFEST] = _as_json(manifest)
    # The lists come first, as ansible-galaxy packs them.
    names = [_MANIFEST, _FILES, *sorted(members.keys() - {_MANIFEST, _FILES})]
    with (
        gzip.GzipFile("", "wb", mtime=at, fileobj=(packed := io.BytesIO())) as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        for name in names:
            member, content = members[name], contents.get(name)
            # The headers have the former time again, with a fraction of a second.
            member.pax_headers = {}
            member.mtime, member.size = at, len(content or b"")
            archive.addfile(member, None if content is None else io.BytesIO(content))
    tarball.write_bytes(packed.getvalue())


def _as_json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, indent=True, sort_keys=True).encode()


def _time_of(checkout: Path) -> int:
    """Return the time of the last commit; 0 in a copy that has none."""
    command = ("git", "log", "-1", "--format=%ct")
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else 0


def import_as_galaxy_does(workplace: Workplace, tarball: Path) -> None:
    """Run Galaxy's importer. Raises CheckFailed if Galaxy would refuse the tarball, or warn about it."""
    # The check named lint runs ansible-lint.
    settings = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false", "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true"}
    output = workplace.call("python", "-m", "galaxy_importer.main", tarball, cwd=workplace.folder, variables=settings)
    if "Importer processing completed successfully" not in output or re.search(
        "^(WARNING|ERROR)", output, re.MULTILINE
    ):
        raise CheckFailed("Galaxy would refuse the collection, or warn about it")


def run_installed(workplace: Workplace, tarball: Path) -> None:
    """Install the tarball without other collections, keep only its usable folders, and stop a fleet with it twice."""
    path = workplace.folder / _INSTALLED
    alone = _collections_path(path)
    galaxy = ("ansible-galaxy", "collection")
    workplace.call(*galaxy, "install", "--offline", "--collections-path", path, tarball, variables=alone)
    workplace.call(*galaxy, "verify", "--offline", "jetstream.cloud", variables=alone)
    _remove_unusable(path / "ansible_collections" / "jetstream" / "cloud")
    stop_all = ("ansible-playbook", "jetstream.cloud.stop_all")
    both = f"{shlex.join(stop_all)} && {shlex.join(stop_all)}"
    with_simulator = ("python", WITH_SIMULATOR, "--seed", DEMO_SEED, "--")
    output = workplace.call(*with_simulator, "sh", "-c", both, cwd=path, variables=alone)
    if (changes := re.findall(r"changed=(\d+)", output)) != ["1", "0"]:
        raise CheckFailed(f"the first run should change something and the second nothing; they changed {changes}")


def run_tour(workplace: Workplace) -> None:
    """Run the tour with the collection that ``run_installed`` has installed, in an empty folder."""
    folder = workplace.folder / "tour"
    folder.mkdir()
    tour = ("ansible-playbook", "-i", "localhost,", "jetstream.cloud.tour", "-e", "simulate=true")
    output = workplace.call(*tour, cwd=folder, variables=_collections_path(workplace.folder / _INSTALLED))
    if missing := [words for words in _TOUR_OUTPUT if words not in output]:
        raise CheckFailed(f"the tour does not show: {', '.join(missing)}")
    # Three runs of desired.yml: in check mode, with the change, and with nothing to do.
    if (changes := re.findall(r"ok=1 +changed=(\d+)", output)) != ["1", "1", "0"]:
        raise CheckFailed(f"the tour's runs of desired.yml changed {changes}")


def _collections_path(path: Path) -> dict[str, str]:
    """Return the variables with which Ansible finds the collections in one folder, and no others."""
    return {"ANSIBLE_COLLECTIONS_PATH": str(path), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}


def _remove_unusable(collection: Path) -> None:
    """Remove all but the folders that plugins and playbooks may use. The collection has to work without the rest."""
    for path in collection.iterdir():
        if path.name in _USABLE:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
