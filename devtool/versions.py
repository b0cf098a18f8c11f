# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions that were released, and the lowest one that the next release may have.

By semantic versioning: the sections of the changelog's fragments decide between patch, minor and major, and so does
documentation of something that came with a later version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

Version = tuple[int, ...]

_RELEASED = re.compile(r"^  '?(\d+)\.(\d+)\.(\d+)'?:$", re.MULTILINE)
_ADDED = re.compile(r"\bversion_added: *[\"']?(\d+)\.(\d+)\.(\d+)\b")
_SECTION = re.compile(r"^[\"']?(\w[\w .]*)[\"']? *:", re.MULTILINE)
# Folders whose files document what there is.
_DOCUMENTED = ("plugins", "extensions")
_MAJOR = frozenset({"breaking_changes", "removed_features"})
_PATCH = frozenset({"bugfixes", "known_issues", "release_summary", "security_fixes", "trivial"})


class Need(NamedTuple):
    """A version that a release has at least, and the reason."""

    version: Version
    reason: str


def released(checkout: Path) -> list[Version]:
    """Return the versions that were released, the smallest first."""
    changelog = (checkout / "changelogs" / "changelog.yaml").read_text(encoding="utf-8")
    return sorted(_numbers(match) for match in _RELEASED.finditer(changelog))


def next_version(checkout: Path) -> str:
    """Return the version after the last release: 1.0.0 for the first, else the next patch, minor or major one.

    Something that is documented with a later version than the last release is new, whichever version that is.
    """
    versions = released(checkout)
    if not versions:
        return "1.0.0"
    last = versions[-1]
    needs = [_following(last, "patch"), *(need.version for need in _needs_of_fragments(checkout, last))]
    if any(need.version > last for need in _needs_of_documentation(checkout)):
        needs.append(_following(last, "minor"))
    return shown(max(needs))


def needed(checkout: Path) -> Need:
    """Return the lowest version that a release of the files in a checkout may have.

    It is the next version, or a later one that documentation names.
    """
    versions = released(checkout)
    needs = [*(_needs_of_fragments(checkout, versions[-1]) if versions else ()), *_needs_of_documentation(checkout)]
    following = tuple(map(int, next_version(checkout).split(".")))
    minimum = Need(following, "something in it is new, and so it is a minor release")
    # Of the greatest, the first: a file is a better reason.
    highest: Need = max([*needs, minimum], key=_version)
    return highest


def shown(version: Version) -> str:
    """Return a version as text."""
    return ".".join(map(str, version))


def _needs_of_fragments(checkout: Path, last: Version) -> Iterator[Need]:
    for path in sorted((checkout / "changelogs" / "fragments").glob("*.y*ml")):
        for section in _SECTION.findall(path.read_text(encoding="utf-8")):
            if section not in _PATCH:
                kind = "major" if section in _MAJOR else "minor"
                where = path.relative_to(checkout)
                yield Need(_following(last, kind), f"{where} has {section}, and so it is a {kind} release")


def _needs_of_documentation(checkout: Path) -> Iterator[Need]:
    for folder in _DOCUMENTED:
        for path in sorted((checkout / folder).rglob("*")):
            if path.suffix in {".py", ".yml", ".yaml"}:
                for match in _ADDED.finditer(path.read_text(encoding="utf-8")):
                    version = _numbers(match)
                    yield Need(version, f"{path.relative_to(checkout)} has version_added {shown(version)}")


def _following(version: Version, kind: str) -> Version:
    major, minor, patch = version
    if kind == "major":
        return major + 1, 0, 0
    return (major, minor + 1, 0) if kind == "minor" else (major, minor, patch + 1)


def _version(need: Need) -> Version:
    return need.version


def _numbers(match: re.Match[str]) -> Version:
    return tuple(int(each) for each in match.groups())
