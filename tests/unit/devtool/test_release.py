# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release: its version, its addresses, its tarball, and the links of its README."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from devtool.environment import Environment
from devtool.release import (
    NotReleased,
    _keep_first_fragment,
    _pull_release,
    _set_addresses,
    pack_tagged,
    release,
    remaining_steps,
    with_absolute_links,
)
from devtool.running import Workplace
from devtool.tarball import make_reproducible
from devtool.versions import as_text, lowest_version, next_version

ADDRESS = "https://git.example.org/lab/cloud"
GALAXY = "namespace: jetstream\nname: cloud\nversion: 0.1.0\ndependencies: {}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a repository in which 1.1.0 was the last release."""
    folder = tmp_path / "checkout"
    (folder / "changelogs").mkdir(parents=True)
    (folder / "galaxy.yml").write_text(GALAXY)
    write_changelog(folder, "1.0.0", "1.1.0")
    commit(folder)
    return folder


def write_changelog(folder: Path, *versions: str) -> None:
    text = "".join(f"  {version}:\n    release_date: '2026-01-01'\n" for version in versions)
    (folder / "changelogs" / "changelog.yaml").write_text(f"ancestor: null\nreleases:\n{text}")


def commit(folder: Path) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "--quiet"), ("add", "--all"), (*identity, "commit", "--quiet", "-m", "All")):
        git(folder, *words)


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def refusal(checkout: Path, version: str, address: str | None = ADDRESS) -> str:
    """Return the message with which a release is refused. Check that the checkout is unchanged."""
    before = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, capture_output=True, check=True).stdout
    place = checkout.parent / "work"
    place.mkdir()
    with pytest.raises(NotReleased) as error:
        release(Workplace(Environment("test"), place, (), live=False), checkout, version, address)
    after = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, capture_output=True, check=True).stdout
    assert (before, (checkout / "galaxy.yml").read_text()) == (after, GALAXY)
    return str(error.value)


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("1.2", "1.2 is not a version. A version has three numbers, as in 1.2.0."),
        ("v1.2.0", "v1.2.0 is not a version. A version has three numbers, as in 1.2.0."),
        ("1.1.0", "1.1.0 was released already. The next version is greater, such as 1.1.1."),
        ("1.0.9", "1.1.0 was released already. The next version is greater, such as 1.1.1."),
    ],
)
def test_a_version_is_greater_than_the_last_one(checkout: Path, version: str, reason: str) -> None:
    assert refusal(checkout, version) == reason


def commit_news(checkout: Path, sections: Sequence[str], added: str | None) -> None:
    """Commit a fragment with sections, and an option with a ``version_added``."""
    fragments, modules = checkout / "changelogs" / "fragments", checkout / "plugins" / "modules"
    for folder in (fragments, modules):
        folder.mkdir(parents=True)
    (fragments / "news.yml").write_text("---\n" + "".join(f"{each}:\n  - idle - news.\n" for each in sections))
    (modules / "a.py").write_text(f"options:\n  a:\n    version_added: {added}\n" if added else "")
    commit(checkout)


@pytest.mark.parametrize(
    ("sections", "added", "too_low", "lowest", "reason"),
    [
        (["bugfixes", "minor_changes"], None, "1.1.1", "1.2.0", "news.yml has minor_changes, and so it is a minor"),
        (["major_changes"], "1.1.0", "1.1.9", "1.2.0", "news.yml has major_changes, and so it is a minor"),
        (["deprecated_features"], None, "1.1.1", "1.2.0", "news.yml has deprecated_features, and so it is a minor"),
        (["add object.playbook"], None, "1.1.1", "1.2.0", "news.yml has add object.playbook, and so it is a minor"),
        (["minor_changes", "breaking_changes"], "1.2.0", "1.9.0", "2.0.0", "breaking_changes, and so it is a major"),
        (["removed_features"], None, "1.2.0", "2.0.0", "news.yml has removed_features, and so it is a major"),
        (["bugfixes"], "1.2.0", "1.1.1", "1.2.0", "plugins/modules/a.py has version_added 1.2.0"),
        (["minor_changes"], "'1.10.0'", "1.9.0", "1.10.0", "plugins/modules/a.py has version_added 1.10.0"),
        # A patch release has no new option, so 1.1.5 cannot be right.
        (["bugfixes"], "1.1.5", "1.1.6", "1.2.0", "something in it is new, and so it is a minor"),
    ],
)
def test_a_version_is_high_enough_for_what_is_new(
    checkout: Path, sections: Sequence[str], added: str | None, too_low: str, lowest: str, reason: str
) -> None:
    commit_news(checkout, sections, added)
    text = refusal(checkout, too_low)
    assert text.startswith(f"{too_low} is too low: ")
    assert reason in text
    assert text.endswith(f"(docs/releases.md#versions). Take {lowest}.")
    assert as_text(lowest_version(checkout).version) == lowest


@pytest.mark.parametrize("section", ["bugfixes", "security_fixes", "known_issues", "release_summary", "trivial"])
def test_sections_without_news_make_a_patch_release(checkout: Path, section: str) -> None:
    commit_news(checkout, [section], "1.1.0")
    assert as_text(lowest_version(checkout).version) == next_version(checkout) == "1.1.1"


def test_new_options_make_the_next_version_a_minor_one_whatever_version_they_name(checkout: Path) -> None:
    commit_news(checkout, ["bugfixes"], "1.9.0")
    assert (next_version(checkout), as_text(lowest_version(checkout).version)) == ("1.2.0", "1.9.0")


def test_uncommitted_changes_stop_a_release(checkout: Path) -> None:
    (checkout / "new.py").write_text("")
    assert refusal(checkout, "1.2.0") == "There are changes that are not committed. Commit them, or stash them."


def test_the_tag_of_an_interrupted_release_is_named_with_the_remedy(checkout: Path) -> None:
    git(checkout, "tag", "v1.2.0")
    assert refusal(checkout, "1.2.0") == (
        "There is a tag v1.2.0, and its version is not in the changelog: a release was interrupted, or is on another"
        " branch. Remove the tag (git tag --delete v1.2.0), or take another version."
    )


def test_a_release_needs_a_branch(checkout: Path) -> None:
    git(checkout, "checkout", "--quiet", "--detach")
    assert refusal(checkout, "1.2.0").startswith("No branch is checked out")


@pytest.mark.parametrize("galaxy", ["namespace: lab\nname: cloud\n", "namespace: jetstream\nname: fork\n"])
def test_a_fork_keeps_the_name(checkout: Path, galaxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "GALAXY", galaxy)
    (checkout / "galaxy.yml").write_text(galaxy)
    commit(checkout)
    assert "All playbooks and examples call it jetstream.cloud, so a fork keeps" in refusal(checkout, "1.2.0")


def test_commit_and_tag_reach_the_checkout_together_or_not_at_all(checkout: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(checkout), str(clone))
    (clone / "galaxy.yml").write_text(GALAXY.replace("0.1.0", "1.2.0"))
    commit(clone)
    git(clone, "tag", "v1.2.0")
    # The checkout gets another commit while the release is tried.
    (checkout / "news.md").write_text("")
    commit(checkout)
    with pytest.raises(NotReleased, match="The checkout has changed meanwhile"):
        _pull_release(checkout, clone, "v1.2.0")
    assert git(checkout, "tag") == ""
    git(checkout, "reset", "--quiet", "--hard", "HEAD~")
    _pull_release(checkout, clone, "v1.2.0")
    assert (git(checkout, "describe", "--tags"), "1.2.0" in (checkout / "galaxy.yml").read_text()) == ("v1.2.0", True)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (None, "galaxy.yml has no repository. Give its address once: --address https://..."),
        (
            "git@git.example.org:lab",
            "git@git.example.org:lab is not the address of a repository, such as https://git.example.org/lab/cloud.",
        ),
    ],
)
def test_a_release_needs_the_address_of_a_repository(checkout: Path, address: str | None, reason: str) -> None:
    assert refusal(checkout, "1.2.0", address) == reason


@pytest.mark.parametrize(
    ("tag", "galaxy", "reason"),
    [
        (
            None,
            "version: 1.2.0\nrepository: https://x/y\n",
            "No tag of a version is checked out. ./dev release makes one.",
        ),
        ("nightly", "version: 1.2.0\nrepository: https://x/y\n", "No tag of a version is checked out."),
        ("v1.2.0", "version: 1.2.1\nrepository: https://x/y\n", "galaxy.yml at v1.2.0 has another version, or no"),
        ("v1.2.0", "version: 1.2.0\n", "galaxy.yml at v1.2.0 has another version, or no repository."),
    ],
)
def test_a_tarball_needs_the_tag_of_the_version_in_galaxy_yml(
    tmp_path: Path, tag: str | None, galaxy: str, reason: str
) -> None:
    folder, place = tmp_path / "checkout", tmp_path / "work"
    for each in (folder, place):
        each.mkdir()
    (folder / "galaxy.yml").write_text(galaxy)
    commit(folder)
    if tag is not None:
        subprocess.run(["git", "tag", tag], cwd=folder, check=True)
    with pytest.raises(NotReleased) as error:
        pack_tagged(Workplace(Environment("test"), place, (), live=False), folder)
    assert str(error.value).startswith(reason)


@pytest.mark.parametrize(
    ("versions", "following"), [((), "1.0.0"), (("1.0.0",), "1.0.1"), (("1.0.0", "1.10.2", "1.9.0"), "1.10.3")]
)
def test_the_next_version_follows_the_greatest(tmp_path: Path, versions: tuple[str, ...], following: str) -> None:
    (tmp_path / "changelogs").mkdir()
    write_changelog(tmp_path, *versions)
    assert next_version(tmp_path) == following


def test_links_lead_to_the_repository_at_the_version() -> None:
    page = "$ git clone ADDRESS x\n[a](docs/idle.md#rules) [b](https://example.org) [c](#demo) ![d](docs/a.svg)"
    assert with_absolute_links(page, ADDRESS, "1.2.0") == (
        f"$ git clone {ADDRESS} x\n[a]({ADDRESS}/blob/v1.2.0/docs/idle.md#rules) [b](https://example.org) [c](#demo) "
        # At the address with blob, a host shows a page about the picture.
        f"![d]({ADDRESS}/raw/v1.2.0/docs/a.svg)"
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (f"{ADDRESS}/", ADDRESS),
        (f"{ADDRESS}.git", ADDRESS),
        ("https://git.sr.ht/~lab/jetstream.cloud", "https://git.sr.ht/~lab/jetstream.cloud"),
        ("https://gitlab.example.org/a/group/cloud", "https://gitlab.example.org/a/group/cloud"),
        (f"{ADDRESS}/tree/main", None),
        (f"{ADDRESS}/-/tree/main", None),
        (f"{ADDRESS}/blob/main/README.md", None),
        ("https://git.example.org/../cloud", None),
        ("https://git.example.org", None),
        ("https://johndoe:a-token@git.example.org/lab/cloud", None),
        (f"{ADDRESS}?tab=readme", None),
        ("http://git.example.org/lab/cloud", None),
        ("ssh://git@git.example.org/lab/cloud.git", None),
    ],
)
def test_only_the_address_of_a_repository_is_accepted(tmp_path: Path, address: str, expected: str | None) -> None:
    (tmp_path / "galaxy.yml").write_text(GALAXY)
    if expected is not None:
        assert _set_addresses(tmp_path, "1.2.0", address) == expected
        return
    with pytest.raises(NotReleased, match="is not the address of a repository"):
        _set_addresses(tmp_path, "1.2.0", address)
    assert (tmp_path / "galaxy.yml").read_text() == GALAXY


def write_tarball(path: Path, names: Sequence[str], mtime: float) -> Path:
    """Write a tarball of files as ansible-galaxy does, in the order of their names here."""
    files = json.dumps({"files": [{"name": name, "ftype": "file"} for name in names], "format": 1}).encode()
    checksum = {"chksum_sha256": hashlib.sha256(files).hexdigest()}
    manifest = json.dumps({"collection_info": {"version": "1.2.0"}, "file_manifest_file": checksum}).encode()
    with tarfile.open(path, "w:gz") as archive:
        for name, content in [("MANIFEST.json", manifest), ("FILES.json", files), *((name, b"#") for name in names)]:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), mtime
            archive.addfile(member, io.BytesIO(content))
    return path


def test_the_same_files_make_the_same_tarball(tmp_path: Path) -> None:
    orders = {7.5: ["README.md", "a.py"], 9.25: ["a.py", "README.md"]}
    made = [write_tarball(tmp_path / f"{mtime}.tar.gz", names, mtime) for mtime, names in orders.items()]
    for each in made:
        make_reproducible(each, 1_800_000_000)
    assert made[0].read_bytes() == made[1].read_bytes()
    with tarfile.open(made[0]) as archive:
        files, manifest = (archive.extractfile(name) for name in ("FILES.json", "MANIFEST.json"))
        assert files is not None
        assert manifest is not None
        found = json.load(manifest)
        assert found["file_manifest_file"]["chksum_sha256"] == hashlib.sha256(files.read()).hexdigest()
        assert archive.getnames() == ["MANIFEST.json", "FILES.json", "README.md", "a.py"]
        assert {each.mtime for each in archive.getmembers()} == {1_800_000_000}


def test_a_fork_sets_one_address_and_everything_follows(tmp_path: Path) -> None:
    checkout = Path(__file__).resolve().parents[3]
    for name in ("galaxy.yml", ".ansible-lint"):
        (tmp_path / name).write_text((checkout / name).read_text())
    assert _set_addresses(tmp_path, "1.1.0", f"{ADDRESS}.git/") == ADDRESS
    # A fork of that fork.
    other = "https://git.example.org:8443/other/fork"
    assert (_set_addresses(tmp_path, "1.2.0", other), _set_addresses(tmp_path, "1.2.1", None)) == (other, other)

    before, after = (yaml.safe_load((folder / "galaxy.yml").read_text()) for folder in (checkout, tmp_path))
    assert after == {
        **before,
        "repository": other,
        # The tag, not a branch: the pages are those of the version.
        "documentation": f"{other}/tree/v1.2.1/docs",
        "homepage": other,
        "issues": f"{other}/issues",
    }
    assert "skip_list" not in yaml.safe_load((tmp_path / ".ansible-lint").read_text())


def test_one_fragment_describes_the_first_release(tmp_path: Path) -> None:
    (tmp_path / "fix.yml").write_text("bugfixes: [a bug that no user had]")
    with pytest.raises(NotReleased, match=r"has no 1\.0\.0\.yml"):
        _keep_first_fragment(tmp_path, "1.0.0")
    (tmp_path / "1.0.0.yml").write_text("release_summary: The features.")
    _keep_first_fragment(tmp_path, "1.0.0")
    assert [path.name for path in tmp_path.iterdir()] == ["1.0.0.yml"]


def test_after_a_release_without_an_address_the_next_version_is_the_first_on_galaxy() -> None:
    [step] = remaining_steps(None, "1.0.0")
    assert step.endswith("./dev release 1.0.1 --address https://...")
    assert "ansible-galaxy collection publish a.tar.gz" in remaining_steps(Path("a.tar.gz"), "1.0.1")
