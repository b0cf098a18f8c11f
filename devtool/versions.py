# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The released versions, and the lowest version that the next release may have.

By semantic versioning, the sections of the changelog's fragments decide between a patch, a minor and a major release.
So does documentation that names a later version.
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
# The folders whose files have documentation with versions.
_DOCUMENTED = ("plugins", "extensions")
_MAJOR = frozenset({"breaking_changes", "removed_features"})
_PATCH = frozenset({"bugfixes", "known_issues", "release_summary", "security_fixes", "trivial"})


class Minimum(NamedTuple):
    """A version that the next release must have at least, and the reason."""

    version: Version
    reason: str


class _Facts(NamedTuple):
    """The last release of a checkout, and the minimums after it, by their source."""

    last: Version | None
    of_fragments: list[Minimum]
    of_documentation: list[Minimum]


def released(checkout: Path) -> list[Version]:
    """Return the released versions, the lowest first."""
    changelog = (checkout / "changelogs" / "changelog.yaml").read_text(encoding="utf-8")
    return sorted(_numbers(match) for match in _RELEASED.finditer(changelog))


def next_version(checkout: Path) -> str:
    """Return the version after the last release: 1.0.0 for the first, else the next patch, minor or major one.

    Documentation with a version after the last release makes it a minor release, whatever that version is.
    """
    return as_text(_next(_facts(checkout)))


def lowest_version(checkout: Path) -> Minimum:
    """Return the lowest version that a release of a checkout may have, with the reason.

    It is the next version, or a later one that documentation names.
    """
    facts = _facts(checkout)
    following = Minimum(_next(facts), "something in it is new, and so it is a minor release")
    # max returns the first of equals: a reason that names a file comes before the general one.
    highest: Minimum = max([*facts.of_fragments, *facts.of_documentation, following], key=_version)
    return highest


def as_text(version: Version) -> str:
    """Return a version as text."""
    return ".".join(map(str, version))


def _facts(checkout: Path) -> _Facts:
    last = max(released(checkout), default=None)
    of_fragments = [] if last is None else list(_of_fragments(checkout, last))
    return _Facts(last, of_fragments, list(_of_documentation(checkout)))


def _next(facts: _Facts) -> Version:
    if facts.last is None:
        return (1, 0, 0)
    candidates = [_following(facts.last, "patch"), *(each.version for each in facts.of_fragments)]
    if any(each.version > facts.last for each in facts.of_documentation):
        candidates.append(_following(facts.last, "minor"))
    return max(candidates)


def _of_fragments(checkout: Path, last: Version) -> Iterator[Minimum]:
    for path in sorted((checkout / "changelogs" / "fragments").glob("*.y*ml")):
        for section in _SECTION.findall(path.read_text(encoding="utf-8")):
            if section not in _PATCH:
                kind = "major" if section in _MAJOR else "minor"
                where = path.relative_to(checkout)
                yield Minimum(_following(last, kind), f"{where} has {section}, and so it is a {kind} release")


def _of_documentation(checkout: Path) -> Iterator[Minimum]:
    for folder in _DOCUMENTED:
        for path in sorted((checkout / folder).rglob("*")):
            if path.suffix in {".py", ".yml", ".yaml"}:
                for match in _ADDED.finditer(path.read_text(encoding="utf-8")):
                    version = _numbers(match)
                    yield Minimum(version, f"{path.relative_to(checkout)} has version_added {as_text(version)}")


def _following(version: Version, kind: str) -> Version:
    major, minor, patch = version
    if kind == "major":
        return major + 1, 0, 0
    return (major, minor + 1, 0) if kind == "minor" else (major, minor, patch + 1)


def _version(minimum: Minimum) -> Version:
    return minimum.version


def _numbers(match: re.Match[str]) -> Version:
    return tuple(int(each) for each in match.groups())
