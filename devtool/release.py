# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release: its version, changelog and addresses are committed and tagged, its tarball is built and tried.

All of it is made in a clone, and reaches the checkout when everything has passed. What nobody but a person can do is
told: pushing, and publishing on Galaxy.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from devtool.running import CheckFailed, Workplace
from devtool.tarball import build, import_as_galaxy_does, run_installed

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?(/[\w.-]+)+")
# Links to files of the repository, which lead nowhere on Galaxy.
_RELATIVE = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")
_RELEASED = re.compile(r"^  '?(\d+)\.(\d+)\.(\d+)'?:$", re.MULTILINE)
_REPOSITORY = re.compile(r"^repository: (\S+)$", re.MULTILINE)
_REHEARSED = "https://git.example.org/jetstream/cloud"


class NotReleased(Exception):
    """Something is missing for a release. The message has the remedy."""


def release(workplace: Workplace, checkout: Path, version: str, address: str | None) -> Path:
    """Release a version from a clean checkout: commit, tag, and return the tarball.

    ``address``: the repository's, if galaxy.yml does not have it yet. Raises NotReleased if something is missing, and
    CheckFailed if the tarball does not pass. The checkout is as before then.
    """
    _require_version(checkout, version)
    if _git(checkout, "status", "--porcelain"):
        raise NotReleased("There are changes that are not committed. Commit them, or put them away.")
    clone = workplace.folder / "ansible_collections" / "jetstream" / "cloud"
    _git(workplace.folder, "clone", "--quiet", str(checkout), str(clone))
    address = _set_galaxy(clone / "galaxy.yml", version, address)
    workplace.call("antsibull-changelog", "release", "--version", version, cwd=clone)
    as_the_user = _identity(checkout)
    _git(clone, "add", "--all")
    _git(clone, *as_the_user, "commit", "--quiet", "--message", f"Release {version}")
    _git(clone, *as_the_user, "tag", "--annotate", f"v{version}", "--message", f"jetstream.cloud {version}")
    readme = clone / "README.md"
    readme.write_text(absolute(readme.read_text(encoding="utf-8"), address, version), encoding="utf-8")
    tarball = build(workplace, clone)
    import_as_galaxy_does(workplace, tarball)
    run_installed(workplace, tarball)
    _git(checkout, "fetch", "--quiet", str(clone), f"refs/tags/v{version}:refs/tags/v{version}")
    _git(checkout, "merge", "--quiet", "--ff-only", f"v{version}")
    return tarball


def rehearse(workplace: Workplace) -> None:
    """Release the next version in a copy of the checkout. Raises CheckFailed if that fails."""
    copy = workplace.folder / "rehearsal"
    shutil.move(workplace.copy(), copy)
    for key, value in (("user.name", "Nobody"), ("user.email", "nobody@example.org")):
        _git(copy, "config", key, value)
    _git(copy, "commit", "--quiet", "--message", "All")
    version = next_version(copy)
    try:
        tarball = release(workplace, copy, version, _REHEARSED)
    except NotReleased as error:
        raise CheckFailed(str(error)) from error
    if _git(copy, "describe", "--exact-match") != f"v{version}" or version not in tarball.name:
        raise CheckFailed(f"{version} was not tagged")


def next_version(checkout: Path) -> str:
    """Return the version after the last release: 1.0.0 for the first, else the next with new features."""
    released = _released(checkout)
    return f"{released[-1][0]}.{released[-1][1] + 1}.0" if released else "1.0.0"


def absolute(text: str, address: str, version: str) -> str:
    """Return a page whose links lead to the repository at a version, with its address."""
    return _RELATIVE.sub(rf"]({address}/blob/v{version}/\1)", text).replace("ADDRESS", address)


def what_is_left(tarball: Path, version: str) -> Sequence[str]:
    """Return what only a person can do, in order."""
    return (
        f"git push origin HEAD v{version}",
        f"ansible-galaxy collection publish {tarball}",
        f"Announce it with the section {version} of CHANGELOG.md.",
    )


def _require_version(checkout: Path, version: str) -> None:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise NotReleased(f"{version} is no version. It has three numbers, as in 1.2.0.")
    released = _released(checkout)
    if released and tuple(int(each) for each in match.groups()) <= released[-1]:
        last = ".".join(str(each) for each in released[-1])
        raise NotReleased(f"{last} was released already. The next version is greater, as {next_version(checkout)} is.")


def _released(checkout: Path) -> list[tuple[int, ...]]:
    changelog = (checkout / "changelogs" / "changelog.yaml").read_text(encoding="utf-8")
    return sorted(tuple(int(each) for each in match.groups()) for match in _RELEASED.finditer(changelog))


def _set_galaxy(path: Path, version: str, address: str | None) -> str:
    """Write the version, and the addresses unless they are there. Return the address of the repository."""
    text = path.read_text(encoding="utf-8")
    known = _REPOSITORY.search(text)
    if address is None and known is None:
        raise NotReleased("galaxy.yml has no repository. Give its address once: --address https://...")
    address = (address or (known[1] if known else "")).rstrip("/").removesuffix(".git")
    if not _ADDRESS.fullmatch(address):
        raise NotReleased(f"{address} is no address of a repository. It begins with https://, and names its owner.")
    keys = {
        "repository": address,
        "documentation": f"{address}/tree/main/docs",
        "homepage": address,
        "issues": f"{address}/issues",
    }
    kept = "".join(line for line in text.splitlines(keepends=True) if line.partition(":")[0] not in keys)
    lines = "".join(f"{key}: {value}\n" for key, value in keys.items())
    kept = re.sub(r"^version: .*$", f"version: {version}", kept, count=1, flags=re.MULTILINE)
    path.write_text(kept.replace("dependencies:", f"{lines}dependencies:", 1), encoding="utf-8")
    return address


def _identity(checkout: Path) -> tuple[str, ...]:
    """Return the options by which git in a clone commits as in the checkout."""
    options: list[str] = []
    for key in ("user.name", "user.email"):
        try:
            options += ["-c", f"{key}={_git(checkout, 'config', key)}"]
        except NotReleased:
            raise NotReleased(f"git does not know who you are. Tell it: git config {key} ...") from None
    return tuple(options)


def _git(folder: Path, *arguments: str) -> str:
    """Run git with the user's own settings. Raises NotReleased with what git said."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotReleased(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
