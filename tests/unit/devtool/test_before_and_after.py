# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of `./dev test` at its beginning and its end, and an interrupted run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devtool import durations
from devtool.checks import CHECKS
from devtool.environment import Environment
from devtool.prerequisites import CRON, GIT, SSH_KEYGEN, Prerequisite, missing, report
from devtool.running import Check, Workplace, announcement, summary

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a program on a machine that has none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("devtool.prerequisites._SYSTEM_FOLDERS", (str(tmp_path / "sbin"),))
    (tmp_path / "sbin").mkdir()

    def put(program: str) -> None:
        (tmp_path / program).touch(mode=0o755)

    return put


def check(name: str, seconds: float) -> Check:
    return Check(name, "about it", lambda _place: None, seconds)


def test_a_missing_program_is_named_with_its_package(install: Install) -> None:
    install("git")
    message, can_run = report(missing([GIT, SSH_KEYGEN]), in_ci=False)
    assert not can_run
    assert "ssh-keygen" in message
    assert "apt install openssh-client)" in message
    assert "git" not in message


def test_a_missing_program_is_listed_once(install: Install) -> None:
    assert missing([GIT, SSH_KEYGEN, GIT]) == [GIT, SSH_KEYGEN]


def test_a_daemon_is_found_outside_of_path(install: Install) -> None:
    install("sbin/cron")
    assert missing([CRON]) == []


def test_nothing_is_reported_where_nothing_is_missing(install: Install) -> None:
    assert report([], in_ci=True) == ("", True)


@pytest.mark.parametrize(("in_ci", "can_run"), [(False, True), (True, False)])
def test_a_missing_optional_program_is_reported_and_stops_only_ci(in_ci: bool, can_run: bool) -> None:
    message, answer = report([CRON], in_ci=in_ci)
    assert answer is can_run
    assert "apt install cron" in message


def test_an_optional_program_is_not_reported_beside_a_required_one() -> None:
    message, can_run = report([CRON, SSH_KEYGEN], in_ci=False)
    assert not can_run
    assert "cron" not in message


@pytest.mark.parametrize(("name", "prerequisite"), [("integration", SSH_KEYGEN), ("cron", CRON)])
def test_checks_name_the_programs_that_they_need(name: str, prerequisite: Prerequisite) -> None:
    [found] = [each for each in CHECKS if each.name == name]
    assert prerequisite in found.prerequisites


@pytest.mark.parametrize(
    ("seconds", "at_once", "expected"),
    [([], 2, 0), ([5], 2, 5), ([5, 3, 1], 2, 5), ([5, 3, 3], 2, 6), ([4, 4, 4], 3, 4), ([1, 1, 10], 2, 11)],
)
def test_the_expected_duration_is_that_of_checks_that_start_in_order_as_soon_as_one_ends(
    seconds: list[float], at_once: int, expected: float
) -> None:
    assert durations.expected(seconds, at_once) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "10 s"), (31, "40 s"), (89, "90 s"), (90, "2 min"), (120, "2 min"), (121, "3 min")]
)
def test_a_duration_is_rounded_up(seconds: float, text: str) -> None:
    assert durations.as_text(seconds) == text


def test_the_announcement_has_the_measured_duration_where_no_run_has_ended() -> None:
    text = announcement([check("long", 100), check("short", 20)], 2, {"long": 5})
    assert text.startswith("2 checks, 2 side by side. They took about 20 s on two cores.")


def test_the_announcement_has_the_duration_of_the_last_run_on_this_machine() -> None:
    text = announcement([check("long", 100), check("short", 20)], 2, {"long": 300, "short": 1, "other": 999})
    assert "They took about 5 min the last time here." in text


def test_new_durations_are_kept_beside_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "durations.json"
    durations.save(path, {"units": 30.04, "ruff": 1})
    durations.save(path, {"ruff": 0.5})
    assert durations.load(path) == {"units": 30.0, "ruff": 0.5}


@pytest.mark.parametrize("content", [None, "", "[1]", '{"units": "long"}', '{"units": null}'])
def test_a_file_of_durations_that_cannot_be_read_counts_as_empty(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "durations.json"
    if content is not None:
        path.write_text(content)
    assert durations.load(path) == {}


def test_the_longest_check_starts_first() -> None:
    assert [each.seconds for each in CHECKS] == sorted((each.seconds for each in CHECKS), reverse=True)


def test_the_summary_names_the_failed_checks() -> None:
    results = [("ruff", None), ("units", "pytest ended with status 1"), ("mypy", "stopped")]
    assert summary(results, 61.2).startswith("2 of 3 FAILED: units, mypy, in 61 s.")
    assert summary(results[:1], 1).startswith("All 1 passed, in 1 s.")


class Interrupted(Workplace):
    """A workplace in which Ctrl-C is pressed as soon as a program writes ``I am`` and its process ID."""

    process = 0

    def write(self, text: str) -> None:
        super().write(text)
        if text.startswith("I am "):
            self.process = int(text.split()[-1])
            raise KeyboardInterrupt


def test_ctrl_c_ends_the_running_program(tmp_path: Path) -> None:
    place = Interrupted(Environment("test"), tmp_path / "work", (), live=False)
    with pytest.raises(KeyboardInterrupt):
        place.call("sh", "-c", "echo I am $$; exec sleep 60", cwd=tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(place.process, 0)
