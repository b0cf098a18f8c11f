# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of `./dev test` before it begins, and at the end, and what is left when it is interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devtool import durations
from devtool.checks import CHECKS
from devtool.environment import Environment
from devtool.prerequisites import CRON, GIT, SSH_KEYGEN, Prerequisite, missing, report
from devtool.running import Check, Workplace, announcement, verdict

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Have a machine without any programs, and a way to install one."""
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
    told, can_run = report(missing([GIT, SSH_KEYGEN]), in_ci=False)
    assert not can_run
    assert "ssh-keygen" in told
    assert "apt install openssh-client)" in told
    assert "git" not in told


def test_a_program_is_missing_once(install: Install) -> None:
    assert missing([GIT, SSH_KEYGEN, GIT]) == [GIT, SSH_KEYGEN]


def test_a_daemon_need_not_be_on_the_path(install: Install) -> None:
    install("sbin/cron")
    assert missing([CRON]) == []


def test_nothing_is_reported_where_nothing_is_missing(install: Install) -> None:
    assert report([], in_ci=True) == ("", True)


@pytest.mark.parametrize(("in_ci", "can_run"), [(False, True), (True, False)])
def test_an_optional_program_is_reported_and_only_ci_needs_it(in_ci: bool, can_run: bool) -> None:
    told, answer = report([CRON], in_ci=in_ci)
    assert answer is can_run
    assert "apt install cron" in told


def test_an_optional_program_is_not_reported_beside_a_required_one() -> None:
    told, can_run = report([CRON, SSH_KEYGEN], in_ci=False)
    assert not can_run
    assert "cron" not in told


@pytest.mark.parametrize(("name", "prerequisite"), [("integration", SSH_KEYGEN), ("cron", CRON)])
def test_checks_name_the_programs_that_they_need(name: str, prerequisite: Prerequisite) -> None:
    [found] = [each for each in CHECKS if each.name == name]
    assert prerequisite in found.prerequisites


@pytest.mark.parametrize(
    ("seconds", "at_once", "expected"),
    [([], 2, 0), ([5], 2, 5), ([5, 3, 1], 2, 5), ([5, 3, 3], 2, 6), ([4, 4, 4], 3, 4), ([1, 1, 10], 2, 11)],
)
def test_checks_are_begun_in_order_as_soon_as_one_has_ended(
    seconds: list[float], at_once: int, expected: float
) -> None:
    assert durations.expected(seconds, at_once) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "10 s"), (31, "40 s"), (89, "90 s"), (90, "2 min"), (120, "2 min"), (121, "3 min")]
)
def test_a_duration_is_rounded_up(seconds: float, text: str) -> None:
    assert durations.as_text(seconds) == text


def test_reports_how_long_it_took_where_it_was_measured() -> None:
    said = announcement([check("long", 100), check("short", 20)], 2, {"long": 5})
    assert said.startswith("2 checks, 2 side by side. They took about 20 s on two cores.")


def test_reports_how_long_it_took_the_last_time_here() -> None:
    said = announcement([check("long", 100), check("short", 20)], 2, {"long": 300, "short": 1, "other": 999})
    assert "They took about 5 min the last time here." in said


def test_new_durations_are_kept_beside_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "durations.json"
    durations.save(path, {"units": 30.04, "ruff": 1})
    durations.save(path, {"ruff": 0.5})
    assert durations.load(path) == {"units": 30.0, "ruff": 0.5}


@pytest.mark.parametrize("content", [None, "", "[1]", '{"units": "long"}', '{"units": null}'])
def test_durations_that_cannot_be_read_are_not_known(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "durations.json"
    if content is not None:
        path.write_text(content)
    assert durations.load(path) == {}


def test_the_checks_are_begun_with_the_longest() -> None:
    assert [each.seconds for each in CHECKS] == sorted((each.seconds for each in CHECKS), reverse=True)


def test_the_verdict_names_the_failed_checks() -> None:
    ended = [("ruff", None), ("units", "pytest ended with status 1"), ("mypy", "stopped")]
    assert verdict(ended, 61.2).startswith("2 of 3 FAILED: units, mypy, in 61 s.")
    assert verdict(ended[:1], 1).startswith("All 1 passed, in 1 s.")


class Interrupted(Workplace):
    """A workplace at which somebody presses Ctrl-C as soon as a program runs."""

    process = 0

    def write(self, text: str) -> None:
        super().write(text)
        if text.startswith("I am "):
            self.process = int(text.split()[-1])
            raise KeyboardInterrupt


def test_a_program_that_was_started_ends_when_we_are_interrupted(tmp_path: Path) -> None:
    place = Interrupted(Environment("test"), tmp_path / "work", (), live=False)
    with pytest.raises(KeyboardInterrupt):
        place.call("sh", "-c", "echo I am $$; exec sleep 60", cwd=tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(place.process, 0)
