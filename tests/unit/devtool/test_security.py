# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check named security makes of the reports of its tools."""

from __future__ import annotations

from typing import Any

import pytest

from devtool.security import new_secrets, sbom, vulnerabilities

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
def test_a_secret_is_excused_alone(excused: dict[str, str], expected: list[str]) -> None:
    assert new_secrets({"results": {"a.py": [FOUND]}}, excused) == expected


def test_packages_without_data_are_not_taken_for_safe() -> None:
    skipped = {"name": "a", "skip_reason": "Dependency not found"}
    safe = {"name": "b", "version": "1", "vulns": []}
    unsafe = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]}
    assert vulnerabilities({"dependencies": [skipped]}) == ([], 0)
    assert vulnerabilities({"dependencies": [skipped, safe, unsafe]}) == (["c 2: PYSEC-1", "c 2: PYSEC-2"], 2)


def test_the_parts_of_the_collection_are_told_from_those_of_its_developers() -> None:
    def part(name: str) -> dict[str, Any]:
        return {"name": name, "bom-ref": f"line of {name}", "purl": f"pkg:pypi/{name}@1", "version": "1"}

    made = sbom({"components": [part("requests"), part("ruff")], "metadata": {"tools": []}}, "1.2.0")
    assert made["metadata"]["component"]["purl"] == "pkg:generic/jetstream.cloud@1.2.0"
    assert {each["name"]: each["scope"] for each in made["components"]} == {"requests": "required", "ruff": "excluded"}
    [root] = [each for each in made["dependencies"] if each["ref"] == made["metadata"]["component"]["bom-ref"]]
    assert root["dependsOn"] == ["pkg:pypi/requests@1"]
    assert {each["bom-ref"] for each in made["components"]} < {each["ref"] for each in made["dependencies"]}
