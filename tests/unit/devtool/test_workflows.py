# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub and GitLab run every check and every supported pair, all by ./dev."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from devtool.__main__ import _parser
from devtool.checks import CHECKS
from devtool.pairs import load_cores, pairs

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAIRS = sorted({(".".join(each.core.split(".")[:2]), each.python) for each in pairs(load_cores())})


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def jobs() -> dict[str, Any]:
    """Return the jobs of GitLab."""
    every = load(ROOT / ".gitlab-ci.yml")
    return {name: job for name, job in every.items() if isinstance(job, dict) and "script" in job}


def scripts() -> Iterator[str]:
    for path in WORKFLOWS:
        for job in load(path)["jobs"].values():
            yield from (step["run"] for step in job["steps"] if "run" in step)
    for job in jobs().values():
        yield from job["script"]


def combinations(matrix: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the variables of each job that GitLab makes from a part of a matrix."""
    values = [value if isinstance(value, list) else [value] for value in matrix.values()]
    yield from (dict(zip(matrix, each, strict=True)) for each in itertools.product(*values))


def github_matrix(job: str) -> list[Any]:
    [matrix] = [load(path)["jobs"][job]["strategy"]["matrix"] for path in WORKFLOWS if job in load(path)["jobs"]]
    listed: list[Any] = matrix.get("include") or matrix["checks"]
    return listed


def gitlab_matrix(variable: str) -> list[dict[str, str]]:
    parts = [part for job in jobs().values() for part in job.get("parallel", {}).get("matrix", []) if variable in part]
    return [each for part in parts for each in combinations(part)]


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_every_check_is_run_once(host: str) -> None:
    groups = github_matrix("checks") if host == "github" else [each["CHECKS"] for each in gitlab_matrix("CHECKS")]
    assert sorted(name for group in groups for name in group.split()) == sorted(check.name for check in CHECKS)


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_every_supported_pair_is_run_once(host: str) -> None:
    if host == "github":
        found = [(each["core"], each["python"]) for each in github_matrix("pairs")]
    else:
        found = [(each["CORE"], each["PYTHON_MINOR"]) for each in gitlab_matrix("CORE")]
    assert sorted(found) == PAIRS


@pytest.mark.parametrize("script", sorted(set(scripts())))
def test_every_script_of_a_job_is_a_command_of_dev(script: str) -> None:
    words = script.split()
    assert words[0] == "./dev"
    filled = [{'"${CORE}"': "2.20", '"${PYTHON_MINOR}"': "3.13", "${CHECKS}": "mypy"}.get(word, word) for word in words]
    _parser().parse_args(filled[1:])


def test_each_workflow_may_only_read_the_repository() -> None:
    for path in WORKFLOWS:
        workflow = load(path)
        assert workflow["permissions"] == {}
        assert [job["permissions"] for job in workflow["jobs"].values()] == [{"contents": "read"}] * len(
            workflow["jobs"]
        )


def test_the_tarball_has_no_files_of_github_and_gitlab() -> None:
    ignored = load(ROOT / "galaxy.yml")["build_ignore"]
    assert {".github", ".gitlab-ci.yml"} <= set(ignored)
