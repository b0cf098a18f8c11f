# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported pairs of ansible-core and Python, the Python interpreters of a machine, and the table of results."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from devtool.environment import SetUpFailed
from devtool.interpreters import OWN, find_interpreter
from devtool.matrix import (
    PARTS,
    README,
    Result,
    as_table,
    incomplete_pairs,
    load_results,
    run_matrix,
    with_result,
    with_table,
)
from devtool.matrix import as_toml as results_as_toml
from devtool.pairs import Core, Pair, as_toml, load_cores, oldest_core, pairs, supported, supported_pythons

CORES = [Core("2.20.1", ("3.12", "3.13")), Core("2.21.0rc1", ("3.13",))]
RESULT = Result("2.20.1", "3.13.5", "units", passed=True, tests=2345, date="2026-01-02")


# --- pairs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["2.18.9", "2.19.9", "2.19.10", "2.19.10rc1"], ["2.19.10"]),
        (["2.20.0", "2.19.3", "2.21.0rc1", "2.21.0b2"], ["2.19.3", "2.20.0", "2.21.0rc1"]),
        # A candidate of a patch release, and one whose final release exists, are not candidates of a later version.
        (["2.20.0", "2.20.0rc2", "2.20.1rc1"], ["2.20.0"]),
        (["2.19.1", "2.20.0b1", "2.20.0rc1", "2.20.0rc2"], ["2.19.1", "2.20.0rc2"]),
    ],
)
def test_the_newest_of_each_version_is_supported_and_the_newest_candidate(
    versions: list[str], expected: list[str]
) -> None:
    assert supported(versions, (2, 19)) == expected
    assert supported(reversed(versions), (2, 19)) == expected


@pytest.mark.parametrize(
    ("core", "python", "expected"),
    [
        (None, None, ["2.20.1 3.12", "2.20.1 3.13", "2.21.0rc1 3.13"]),
        ("2.20", None, ["2.20.1 3.12", "2.20.1 3.13"]),
        ("2.20.1", "3.13", ["2.20.1 3.13"]),
        ("2.21.0rc1", "3.12", []),
        ("2.2", None, []),
    ],
)
def test_pairs_are_chosen_by_core_and_by_python(core: str | None, python: str | None, expected: list[str]) -> None:
    assert [f"{each.core} {each.python}" for each in pairs(CORES, core, python)] == expected


def test_the_table_of_cores_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "cores.toml"
    path.write_text(as_toml(CORES))
    assert load_cores(path) == CORES


def test_the_pinned_cores_are_those_that_the_collection_supports() -> None:
    cores = load_cores()
    assert supported([core.version for core in cores], oldest_core()) == [core.version for core in cores]
    assert {python for core in cores for python in core.pythons} <= set(supported_pythons())
    assert cores[0].minor == "{}.{}".format(*oldest_core())


def test_the_demo_has_the_newest_release_for_its_python() -> None:
    demo = (README.parent / "requirements" / "demo.txt").read_text()
    releases = [core for core in load_cores() if not core.is_candidate]
    newest = releases[-1]
    for_311 = [core for core in releases if "3.11" in core.pythons][-1]
    assert f'ansible-core=={newest.version} ; python_version >= "3.12"' in demo
    assert f'ansible-core=={for_311.version} ; python_version < "3.12"' in demo


# --- interpreters of the machine -------------------------------------------------------------------------------------


def install_python(path: Path, release: str) -> None:
    """Write a program that describes itself as a Python of that release."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' '{path}' '{release}' /prefix\n")
    path.chmod(0o755)


def test_the_python_of_dev_itself_is_preferred(tmp_path: Path) -> None:
    install_python(tmp_path / f"python{OWN.version}", f"{OWN.version}.99")
    assert find_interpreter(OWN.version, {"PATH": str(tmp_path)}) == OWN
    assert OWN.release.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")


def test_a_python_is_found_on_path_and_in_pyenv(tmp_path: Path) -> None:
    install_python(tmp_path / "bin" / "python3.7", "3.7.1")
    install_python(tmp_path / "pyenv" / "versions" / "3.6.2" / "bin" / "python3.6", "3.6.2")
    shim = tmp_path / "pyenv" / "shims" / "python3.6"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    path = os.pathsep.join([str(shim.parent), str(tmp_path / "bin")])
    found = [find_interpreter(version, {"PATH": path}) for version in ("3.7", "3.6", "3.5")]
    assert [each and each.release for each in found] == ["3.7.1", "3.6.2", None]


def test_a_program_whose_version_differs_from_its_name_is_refused(tmp_path: Path) -> None:
    install_python(tmp_path / "python3.7", "3.8.1")
    assert find_interpreter("3.7", {"PATH": str(tmp_path)}) is None


# --- results ---------------------------------------------------------------------------------------------------------


def test_a_run_without_any_pair_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    assert not run_matrix([Pair("2.20.1", "3.5")], ["units"], tmp_path)
    assert "not run, this machine has no Python 3.5" in capsys.readouterr().out


def test_a_new_result_replaces_the_older_one() -> None:
    newer = replace(RESULT, python="3.13.6", tests=2346)
    other = replace(RESULT, part="sanity")
    assert with_result([RESULT, other], newer, CORES) == [other, newer]


def test_a_result_of_a_version_that_is_no_longer_pinned_is_dropped() -> None:
    assert with_result([replace(RESULT, core="2.20.0")], RESULT, CORES) == [RESULT]


def test_results_are_read_as_they_are_written(tmp_path: Path) -> None:
    results = [RESULT, replace(RESULT, part="playbooks", passed=False, tests=0)]
    path = tmp_path / "results.toml"
    path.write_text(results_as_toml(results))
    assert load_results(path) == results


def test_the_table_has_a_row_for_every_pair_run_or_not() -> None:
    results = [RESULT, replace(RESULT, part="playbooks", passed=False, tests=0, date="2026-01-03")]
    assert as_table(results, CORES).splitlines()[2:] == [
        "| 2.20.1 | 3.12 | not run | not run | not run | not run |  |",
        "| 2.20.1 | 3.13.5 | not run | not run | 2,345 passed | failed | 2026-01-02 to 2026-01-03 |",
        "| 2.21.0rc1 | 3.13 | not run | not run | not run | not run |  |",
    ]


def test_a_pair_with_a_part_that_failed_or_did_not_run_is_incomplete() -> None:
    whole = [replace(RESULT, part=part) for part in PARTS]
    assert incomplete_pairs(whole, CORES) == [
        "ansible-core 2.20.1 with Python 3.12",
        "ansible-core 2.21.0rc1 with Python 3.13",
    ]
    for index in range(len(whole)):
        failed = [*whole[:index], replace(whole[index], passed=False), *whole[index + 1 :]]
        assert "ansible-core 2.20.1 with Python 3.13" in incomplete_pairs(failed, CORES)
        assert "ansible-core 2.20.1 with Python 3.13" in incomplete_pairs(whole[:index] + whole[index + 1 :], CORES)


def test_a_page_without_marks_for_the_table_is_refused() -> None:
    with pytest.raises(SetUpFailed, match="no place for the table"):
        with_table("# A page\n", "| a |")


def test_the_readme_has_the_table_of_the_recorded_results() -> None:
    page = README.read_text(encoding="utf-8")
    assert with_table(page, as_table(load_results(), load_cores())) == page


def test_every_recorded_result_is_of_a_pinned_pair() -> None:
    every = pairs(load_cores())
    assert [each for each in load_results() if each.pair not in every] == []


def test_the_text_of_a_pair_names_both_versions() -> None:
    assert str(Pair("2.20.1", "3.13")) == "ansible-core 2.20.1 with Python 3.13"
