# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check named security reads the reports of its tools, and excuses nothing but what is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devtool.environment import Environment
from devtool.running import CheckFailed, Workplace
from devtool.security import (
    Pin,
    _vulnerabilities,
    bare_marks,
    new_secrets,
    pins_of,
    sbom,
    vulnerabilities,
    with_each_package_once,
)

FOUND = {"type": "Secret Keyword", "hashed_secret": "0123456789abcdef", "line_number": 7}


@pytest.mark.parametrize(
    ("excused", "expected"),
    [
        ({}, ["a.py:7: Secret Keyword (a.py 0123456789ab)"]),
        ({"a.py 0123456789ab": "made up"}, []),
        # Another secret in the same file, and the same one in another.
        ({"a.py 999999999999": "made up"}, ["a.py:7: Secret Keyword (a.py 0123456789ab)"]),
        ({"b.py 0123456789ab": "made up"}, ["a.py:7: Secret Keyword (a.py 0123456789ab)"]),
    ],
)
def test_an_excuse_holds_for_one_secret_in_one_file(excused: dict[str, str], expected: list[str]) -> None:
    assert new_secrets({"results": {"a.py": [FOUND]}}, excused) == expected


def test_packages_without_data_do_not_count_as_safe() -> None:
    skipped = {"name": "a", "skip_reason": "Dependency not found"}
    safe = {"name": "b", "version": "1", "vulns": []}
    unsafe = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]}
    assert vulnerabilities({"dependencies": [skipped]}) == ([], 0)
    assert vulnerabilities({"dependencies": [skipped, safe, unsafe]}) == (["c 2: PYSEC-1", "c 2: PYSEC-2"], 2)


def test_every_pin_of_a_file_is_found_in_each_version(tmp_path: Path) -> None:
    core = "ansible-core==2.21.5 ; python_version >= '3.12'"
    (tmp_path / "a.txt").write_text(f"-r b.txt\n# a==1\nPyYAML==6.0.3\n{core}\nrich\n")
    (tmp_path / "b.txt").write_text("ansible_core==2.19.14 ; python_version < '3.12'\npyyaml==6.0.3\n")
    pins = pins_of([tmp_path / "a.txt", tmp_path / "b.txt"])
    assert pins == [Pin("ansible-core", "2.19.14"), Pin("ansible-core", "2.21.5"), Pin("pyyaml", "6.0.3")]
    # pip-audit accepts one version of a package in a file.
    assert with_each_package_once(pins) == [[pins[0], pins[2]], [pins[1]]]


def test_a_nosec_comment_names_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("a  # nosec B105  # a word\nb  # nosec: B105\nc  # nosec\nd  #nosec because\n")
    assert bare_marks(path) == ["a.py:3", "a.py:4"]


class AuditWorkplace(Workplace):
    """A workplace whose pip-audit finds a vulnerability in the oldest ansible-core, and refuses two of a package."""

    def call(self, *command: str | Path, **_options: Any) -> str:
        listed, report = Path(command[-1]), Path(command[command.index("--output") + 1])
        rows = [line.partition("==")[::2] for line in listed.read_text().splitlines()]
        assert command.count("--requirement") == 1
        assert len({name for name, _version in rows}) == len(rows)
        unsafe = ("ansible-core", "2.19.14")
        found = [{"name": row[0], "version": row[1], "vulns": [{"id": "X-1"}] * (row == unsafe)} for row in rows]
        report.write_text(json.dumps({"dependencies": found}))
        if unsafe in rows:
            raise CheckFailed("pip-audit ended with status 1")
        return ""


def test_every_pinned_version_is_audited_in_runs_without_a_package_twice(tmp_path: Path) -> None:
    place = AuditWorkplace(Environment("security"), tmp_path / "audit", (), live=False)
    with pytest.raises(CheckFailed, match=r"ansible-core 2\.19\.14: X-1"):
        _vulnerabilities(place, Environment("security"))


def test_the_sbom_requires_the_packages_of_users_and_excludes_those_of_developers(tmp_path: Path) -> None:
    def part(name: str, version: str = "1") -> dict[str, Any]:
        purl = f"pkg:pypi/{name}@{version}"
        return {"name": name, "bom-ref": f"line of {name}", "purl": purl, "version": version}

    parts = [part("ansible-core"), part("requests"), part("urllib3"), part("urllib3", "0.9"), part("ruff")]
    needed = {"requests": ["urllib3"], "urllib3": [], "ansible-core": [], "openstacksdk": ["requests"]}
    (tmp_path / "constraints.txt").write_text("ansible-core==1\nrequests==1\nurllib3==1\nruff==1\n")
    made = sbom({"components": parts, "metadata": {"tools": []}}, "1.2.0", needed, tmp_path / "constraints.txt")
    assert made["metadata"]["component"]["purl"] == "pkg:generic/jetstream.cloud@1.2.0"
    # The requirement of a library is required, too, but not in a version that only tests use.
    assert {each["purl"]: each["scope"] for each in made["components"]} == {
        "pkg:pypi/ansible-core@1": "required",
        "pkg:pypi/requests@1": "required",
        "pkg:pypi/urllib3@1": "required",
        "pkg:pypi/urllib3@0.9": "excluded",
        "pkg:pypi/ruff@1": "excluded",
    }
    under = {each["ref"]: each.get("dependsOn") for each in made["dependencies"]}
    assert under.pop(made["metadata"]["component"]["bom-ref"]) == ["pkg:pypi/ansible-core@1", "pkg:pypi/requests@1"]
    assert under["pkg:pypi/requests@1"] == ["pkg:pypi/urllib3@1"]
    assert under.keys() == {each["bom-ref"] for each in made["components"]}
