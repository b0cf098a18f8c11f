# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases a version: commits and tags its version, changelog and addresses, and builds and tries its tarball.

All of this happens in a clone. The checkout gets the commit and the tag when everything has passed. The addresses of a
fork are in galaxy.yml alone, and all follow from that of its repository. The steps of a person (to push, and to publish
on Galaxy) are printed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from devtool.running import CheckFailed, Workplace
from devtool.sanity import run_sanity
from devtool.tarball import build, import_as_galaxy_does, run_installed
from devtool.versions import as_text, lowest_version, next_version, released

_NAME = "jetstream.cloud"
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?(?P<path>(/[\w.~-]+)+)")
# Links to files of the repository, which are broken on Galaxy.
_RELATIVE = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")
_PICTURE = re.compile(rf"(!\[[^\]]*){_RELATIVE.pattern}")
# Hosts have these in the addresses of pages of a repository.
_PAGES = frozenset({"-", "blob", "commits", "issues", "raw", "releases", "src", "tree"})
# The versions in the README's commands that install the collection.
_INSTALLED = re.compile(r"(?<=jetstream\.cloud:==)\d+\.\d+\.\d+|(?<=jetstream-cloud-)\d+\.\d+\.\d+")
# ansible-lint skips this one rule until there is an address.
_EXCEPTION = re.compile(r"^skip_list:\n(?:  #.*\n)*  - galaxy\[no-repository\]\n", re.MULTILINE)
_VERSION_LINE = re.compile(r"^version: (\S+)$", re.MULTILINE)
_REPOSITORY = re.compile(r"^repository: (\S+)$", re.MULTILINE)
# For trials without an address.
_MADE_UP = "https://git.example.org/jetstream/cloud"


class NotReleased(Exception):
    """Something is missing for a release. The message has the remedy."""


def release(
    workplace: Workplace,
    checkout: Path,
    version: str,
    address: str | None,
    *,
    public: bool = True,
    with_sanity: bool = True,
) -> Path | None:
    """Release a version from a clean checkout: commit, tag, and return the tarball.

    ``address``: that of the repository, if galaxy.yml does not have it yet. ``public``: false if there is no address
    yet; the tarball is then tried with a made-up one, and not returned. ``with_sanity``: whether ansible-test sanity
    has to pass on the commit. Raises NotReleased if something is missing, and CheckFailed if the commit or the tarball
    fails a check. Neither changes the checkout.
    """
    _require_version(checkout, version)
    _require_name(checkout)
    _require_branch(checkout)
    if _git(checkout, "status", "--porcelain"):
        raise NotReleased("There are changes that are not committed. Commit them, or stash them.")
    clone = workplace.folder / "ansible_collections" / "jetstream" / "cloud"
    _git(workplace.folder, "clone", "--quiet", str(checkout), str(clone))
    if public:
        address = _set_addresses(clone, version, address)
    _commit_and_tag(workplace, clone, version, _identity(checkout))
    if with_sanity:
        # The check named pylint runs pylint, which takes minutes.
        run_sanity(workplace, clone, "--skip-test", "pylint")
    tarball = _build_and_try(workplace, clone, version, address or _set_addresses(clone, version, _MADE_UP))
    _pull_release(checkout, clone, f"v{version}")
    return tarball if public else None


def _pull_release(checkout: Path, clone: Path, tag: str) -> None:
    """Pull a commit and its tag from a clone into the checkout: both, or none. Raises NotReleased."""
    _git(checkout, "fetch", "--quiet", "--no-tags", str(clone), f"refs/tags/{tag}:refs/tags/{tag}")
    try:
        _git(checkout, "merge", "--quiet", "--ff-only", tag)
    except BaseException as error:
        _git(checkout, "tag", "--delete", tag)
        if isinstance(error, NotReleased):
            raise NotReleased(f"The checkout has changed meanwhile. Release again. ({error})") from error
        raise


def _build_and_try(workplace: Workplace, clone: Path, version: str, address: str) -> Path:
    """Build the tarball, run Galaxy's importer on it, run it installed alone, and return it."""
    # Nothing uncommitted is packed, such as the empty folder of the fragments.
    _git(clone, "clean", "-ffdqx")
    readme = clone / "README.md"
    readme.write_text(with_absolute_links(readme.read_text(encoding="utf-8"), address, version), encoding="utf-8")
    tarball = build(workplace, clone)
    _require_full_links(tarball)
    import_as_galaxy_does(workplace, tarball)
    run_installed(workplace, tarball)
    return tarball


def pack_tagged(workplace: Workplace, checkout: Path) -> Path:
    """Build and try the tarball of the version whose tag is checked out, and return it.

    Raises NotReleased if there is no such tag, and CheckFailed if the tarball fails a check.
    """
    try:
        # --tags: a CI that fetches a single commit has a lightweight tag.
        tag = _git(checkout, "describe", "--tags", "--exact-match", "--match", "v*")
    except NotReleased:
        raise NotReleased("No tag of a version is checked out. ./dev release makes one.") from None
    clone = workplace.folder / "ansible_collections" / "jetstream" / "cloud"
    _git(workplace.folder, "clone", "--quiet", "--branch", tag, str(checkout), str(clone))
    galaxy = (clone / "galaxy.yml").read_text(encoding="utf-8")
    version, address = _VERSION_LINE.search(galaxy), _REPOSITORY.search(galaxy)
    if version is None or address is None or f"v{version[1]}" != tag:
        raise NotReleased(f"galaxy.yml at {tag} has another version, or no repository. ./dev release writes both.")
    return _build_and_try(workplace, clone, version[1], address[1])


def rehearse(workplace: Workplace) -> None:
    """Release the next version in a copy of the checkout, and prepare the one after. Raises CheckFailed if that fails.

    It leaves out ansible-test sanity, which the check named sanity runs on the same files.
    """
    copy = workplace.folder / "rehearsal"
    shutil.move(workplace.copy(), copy)
    for key, value in (("user.name", "Nobody"), ("user.email", "nobody@example.org")):
        _git(copy, "config", key, value)
    _git(copy, "commit", "--quiet", "--message", "All")
    version = next_version(copy)
    try:
        tarball = release(workplace, copy, version, _MADE_UP, with_sanity=False)
        if _git(copy, "describe", "--exact-match") != f"v{version}" or tarball is None or version not in tarball.name:
            raise CheckFailed(f"{version} was not tagged")
        _rehearse_following(workplace, copy)
    except NotReleased as error:
        raise CheckFailed(str(error)) from error


def _rehearse_following(workplace: Workplace, released_copy: Path) -> None:
    """Prepare the version after a release, with one new fragment, and without the address."""
    clone = workplace.folder / "next" / "ansible_collections" / "jetstream" / "cloud"
    _git(workplace.folder, "clone", "--quiet", str(released_copy), str(clone))
    workplace.call("antsibull-changelog", "lint", cwd=clone)
    fragment = clone / "changelogs" / "fragments" / "news.yml"
    fragment.parent.mkdir(exist_ok=True)
    fragment.write_text("minor_changes:\n  - idle - is even better.\n", encoding="utf-8")
    workplace.call("antsibull-changelog", "lint", cwd=clone)
    version = next_version(clone)
    _set_addresses(clone, version, None)
    _commit_and_tag(workplace, clone, version, _identity(released_copy))
    changes = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    if "is even better" not in changes or len(released(clone)) != len(released(released_copy)) + 1:
        raise CheckFailed(f"{version} is not in the changelog")


def with_absolute_links(text: str, address: str, version: str) -> str:
    """Return a page with the address of the repository, and with links into the repository at a version.

    Links to pictures have ``raw`` in the place of ``blob``, with which a host shows a page about the file.
    """
    with_pictures = _PICTURE.sub(rf"\1]({address}/raw/v{version}/\2)", text)
    return _RELATIVE.sub(rf"]({address}/blob/v{version}/\1)", with_pictures).replace("ADDRESS", address)


def remaining_steps(tarball: Path | None, version: str) -> Sequence[str]:
    """Return the steps that are left for a person, in order. ``tarball``: None for a release without an address."""
    if tarball is None:
        major, minor, patch = version.split(".")
        following = f"{major}.{minor}.{int(patch) + 1}"
        return (f"Publish the repository, then release for Galaxy: ./dev release {following} --address https://...",)
    return (
        f"git push origin HEAD v{version}",
        f"ansible-galaxy collection publish {tarball}",
        f"Announce it with the section {version} of CHANGELOG.md.",
    )


def _commit_and_tag(workplace: Workplace, clone: Path, version: str, identity: Sequence[str]) -> None:
    """Write the version and the changelog, and commit and tag them. ``identity``: options of git."""
    galaxy = clone / "galaxy.yml"
    text = galaxy.read_text(encoding="utf-8")
    galaxy.write_text(re.sub(r"^version: .*$", f"version: {version}", text, count=1, flags=re.MULTILINE))
    readme = clone / "README.md"
    readme.write_text(_INSTALLED.sub(version, readme.read_text(encoding="utf-8")), encoding="utf-8")
    if not released(clone):
        _keep_first_fragment(clone / "changelogs" / "fragments", version)
    workplace.call("antsibull-changelog", "release", "--version", version, cwd=clone)
    _git(clone, "add", "--all")
    _git(clone, *identity, "commit", "--quiet", "--message", f"Release {version}")
    _git(clone, *identity, "tag", "--annotate", f"v{version}", "--message", f"jetstream.cloud {version}")


def _keep_first_fragment(fragments: Path, version: str) -> None:
    """Remove all fragments but that of the first release: no user had a version with the mended bugs of the others."""
    first = fragments / f"{version}.yml"
    if not first.is_file():
        raise NotReleased(f"changelogs/fragments has no {first.name}, which has to describe the first release.")
    for path in fragments.glob("*.y*ml"):
        if path != first:
            path.unlink()


def _require_full_links(tarball: Path) -> None:
    """Raise CheckFailed if the README in a tarball has a link or a command that is broken on Galaxy."""
    with tarfile.open(tarball) as archive:
        member = archive.extractfile("README.md")
        text = member.read().decode("utf-8") if member else "ADDRESS"
    if found := [*_RELATIVE.findall(text), *re.findall("ADDRESS", text)]:
        raise CheckFailed(f"README.md in the tarball has {found[0]}, which is broken on Galaxy")


def _require_version(checkout: Path, version: str) -> None:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise NotReleased(f"{version} is not a version. A version has three numbers, as in 1.2.0.")
    numbers = tuple(int(each) for each in match.groups())
    earlier = released(checkout)
    lowest = lowest_version(checkout)
    if earlier and numbers <= earlier[-1]:
        raise NotReleased(
            f"{as_text(earlier[-1])} was released already. The next version is greater, such as"
            f" {as_text(lowest.version)}."
        )
    if numbers < lowest.version:
        raise NotReleased(
            f"{version} is too low: {lowest.reason} (docs/releases.md#versions). Take {as_text(lowest.version)}."
        )
    if _git(checkout, "tag", "--list", f"v{version}"):
        raise NotReleased(
            f"There is a tag v{version}, and its version is not in the changelog: a release was interrupted, or is on"
            f" another branch. Remove the tag (git tag --delete v{version}), or take another version."
        )


def _require_branch(checkout: Path) -> None:
    """Raise NotReleased if no branch is checked out."""
    if _git(checkout, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD":
        raise NotReleased("No branch is checked out, so the release would be on none. Check one out: git switch BRANCH")


def _require_name(checkout: Path) -> None:
    """Raise NotReleased if the collection does not have the name that playbooks, examples and imports use."""
    text = (checkout / "galaxy.yml").read_text(encoding="utf-8")
    found = ".".join(re.findall(r"^(?:namespace|name): (\S+)$", text, re.MULTILINE))
    if found != _NAME:
        raise NotReleased(
            f"galaxy.yml calls the collection {found}. All playbooks and examples call it {_NAME}, so a fork keeps that"
            " name (docs/releases.md)."
        )


def _set_addresses(clone: Path, version: str, address: str | None) -> str:
    """Write the addresses into galaxy.yml, and return that of the repository.

    ``address``: None for the repository that galaxy.yml has already. The address of the documentation has the tag of
    the version: a branch may have any name, and its pages change.
    """
    path = clone / "galaxy.yml"
    text = path.read_text(encoding="utf-8")
    known = _REPOSITORY.search(text)
    if address is None and known is None:
        raise NotReleased("galaxy.yml has no repository. Give its address once: --address https://...")
    address = (address or (known[1] if known else "")).rstrip("/").removesuffix(".git")
    if not _is_repository(address):
        raise NotReleased(f"{address} is not the address of a repository, such as https://git.example.org/lab/cloud.")
    keys = {
        "repository": address,
        "documentation": f"{address}/tree/v{version}/docs",
        "homepage": address,
        "issues": f"{address}/issues",
    }
    kept = "".join(line for line in text.splitlines(keepends=True) if line.partition(":")[0] not in keys)
    lines = "".join(f"{key}: {value}\n" for key, value in keys.items())
    path.write_text(kept.replace("dependencies:", f"{lines}dependencies:", 1), encoding="utf-8")
    lint = clone / ".ansible-lint"
    if lint.is_file():
        lint.write_text(_EXCEPTION.sub("", lint.read_text(encoding="utf-8")), encoding="utf-8")
    return address


def _is_repository(address: str) -> bool:
    """Whether an address can be that of a repository, and not of a page in it: .../tree/main, .../-/blob/main/a.md."""
    match = _ADDRESS.fullmatch(address)
    parts = match["path"].split("/")[1:] if match else []
    is_page = not _PAGES.isdisjoint(parts[2:])
    return bool(parts) and not is_page and not {".", ".."} & set(parts)


def _identity(checkout: Path) -> tuple[str, ...]:
    """Return the options by which git in a clone commits as the user of the checkout."""
    options: list[str] = []
    for key in ("user.name", "user.email"):
        try:
            options += ["-c", f"{key}={_git(checkout, 'config', key)}"]
        except NotReleased:
            raise NotReleased(f"git has no {key} for the commit. Set it: git config {key} ...") from None
    return tuple(options)


def _git(folder: Path, *arguments: str) -> str:
    """Run git with the user's own settings, and return its output. Raises NotReleased with git's message."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotReleased(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
