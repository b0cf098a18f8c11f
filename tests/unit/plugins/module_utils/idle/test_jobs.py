# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are jobs, and others that only resemble them."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.jobs import Job, Process, jobs_of

DAY = 86_400.0


def processes(*rows: str) -> list[Process]:
    """Return processes from rows of: id, parent, group, flags, age, holder, kind."""
    found = []
    for row in rows:
        number, parent, group, flags, age, holder, kind = row.split()
        found.append(Process(int(number), int(parent), int(group), frozenset(flags) - {"-"}, float(age), holder, kind))
    return found


def jobs(*rows: str, jupyter: tuple[int, ...] = ()) -> list[tuple[str, float]]:
    return [(job.kind, job.age) for job in jobs_of(processes(*rows), jupyter, 30 * DAY)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param(("9 1 9 hp 600 s1 program",), [("nohup", 600)], id="nohup"),
        pytest.param(("9 1 9 h 600 s1 program",), [("nohup", 600)], id="sudo nohup"),
        pytest.param(("9 1 9 h 600 s1 keeper", "10 9 9 h 600 s1 program"), [("nohup", 600)], id="nohup sudo"),
        pytest.param(("9 1 9 - 600 s1 keeper", "10 9 10 - 600 s1 program"), [("session", 600)], id="sudo setsid"),
        pytest.param(("9 1 9 hp 600 s1 shell", "10 9 9 hp 5 s1 program"), [("nohup", 600)], id="nohup script"),
        pytest.param(
            ("5 1 5 p 900 s1 keeper", "6 5 6 tp 900 s1 shell", "9 6 9 tfp 600 s1 program"),
            [("foreground", 600)],
            id="tmux new -d job",
        ),
        pytest.param(
            ("6 5 6 tp 900 s1 shell", "9 6 9 tfp 600 s1 shell", "10 9 9 tfp 5 s1 program"),
            [("foreground", 600)],
            id="a script in a terminal that starts a program each minute is as old as the script",
        ),
        pytest.param(
            ("6 5 6 - 900 - shell", "9 6 9 f 600 - program"), [("foreground", 600)], id="tmux of root, after a login"
        ),
        pytest.param(("9 1 9 fp 600 s1 link",), [("foreground", 600)], id="ssh to another machine"),
        pytest.param(("9 1 9 p 600 s1 program",), [("session", 600)], id="setsid, its session is over"),
        pytest.param(
            ("8 1 8 - 600 s1 keeper", "9 8 9 - 600 s1 shell"),
            [("session", 600)],
            id="sudo script that waits, left alone",
        ),
        pytest.param(("9 1 9 p 600 s1 shell",), [("session", 600)], id="a script that waits, its session is over"),
        pytest.param(
            ("3 1 3 - 900 s1 sshd", "4 3 4 tfp 900 s1 shell", "9 4 9 tp 600 s1 program"),
            [("session", 600)],
            id="in the background of a terminal that was left open",
        ),
        pytest.param(
            ("3 1 3 - 900 s1 sshd", "4 3 4 p 900 s1 shell", "9 4 4 p 600 s1 program"),
            [("session", 900)],
            id="ssh machine ./job, and somebody waits for it",
        ),
        pytest.param(
            ("9 1 9 p 600 s1 shell", "10 9 9 p 5 s1 program"), [("session", 600)], id="setsid script with short steps"
        ),
        pytest.param(
            ("3 1 3 - 900 s1 sshd", "4 3 4 p 900 s1 shell", "9 1 9 p 600 s1 program"),
            [("session", 600)],
            id="setsid, its session is held open by a forgotten connection",
        ),
        pytest.param(
            ("9 1 9 p 600 s1 cron", "10 9 9 p 600 s1 shell", "11 10 9 p 600 s1 program"),
            [("session", 600)],
            id="a person's cron job that runs now",
        ),
        pytest.param(("9 1 9 p 600 u1 program",), [("service", 600)], id="system unit of a person"),
        pytest.param(
            ("9 1 9 p 600 u1 shell", "10 9 9 p 5 u1 program"), [("service", 600)], id="a service is as old as its unit"
        ),
        pytest.param(("9 1 9 - 600 t1 program",), [("service", 600)], id="systemd-run as root"),
        pytest.param(
            ("7 1 7 p 900 u1 jupyter", "9 7 9 tp 600 u1 shell", "10 9 10 tfp 300 u1 program"),
            [("foreground", 300)],
            id="a job in a terminal of Jupyter",
        ),
    ],
)
def test_work_that_was_left_running_is_found(rows: tuple[str, ...], found: list[tuple[str, float]]) -> None:
    assert jobs(*rows, jupyter=(7,)) == found


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(("3 1 3 - 9 s1 sshd", "4 3 4 tfp 9 s1 shell"), id="login"),
        pytest.param(("3 1 3 - 9 s1 sshd", "4 3 4 p 9 s1 shell"), id="ssh machine sh, to which a program talks"),
        pytest.param(("5 1 5 p 9 s1 keeper", "6 5 6 tfp 9 s1 shell"), id="tmux, nothing in it"),
        pytest.param(("5 1 5 hp 9 s1 terminal",), id="xterm ignores the hang-up signal"),
        pytest.param(("5 1 5 hp 9 s1 terminal", "6 5 6 tfp 9 s1 shell"), id="mosh, its client gone"),
        pytest.param(("9 1 9 p 9 s1 link",), id="sshfs or autossh of a session that is over"),
        pytest.param(("9 1 9 p 9 s1 agent",), id="ssh-agent of a session that is over"),
        pytest.param(("9 1 9 - 9 s1 cron", "10 9 9 - 9 s1 program"), id="root's cron job that runs now"),
        pytest.param(("8 1 8 p 9 s1 screen", "9 1 9 p 9 s1 program"), id="desktop that was started over ssh"),
        pytest.param(("8 1 8 p 9 u1 screen", "9 8 9 p 9 u1 program"), id="desktop that is a service"),
        pytest.param(("9 1 9 - 9 u1 program",), id="a daemon's child that is not a person's"),
        pytest.param(("7 1 7 p 9 u1 jupyter", "9 7 9 p 9 u1 program"), id="Jupyter as a service, and its kernel"),
        pytest.param(("7 1 7 hp 9 s1 jupyter", "9 7 9 hp 9 s1 program"), id="Jupyter under nohup, and its kernel"),
        pytest.param(("6 5 6 tp 9 s1 shell", "7 6 7 tfp 9 s1 jupyter"), id="Jupyter in tmux"),
        pytest.param(
            ("6 5 6 tp 9 s1 shell", "10 6 10 tfp 9 s1 program", "7 10 10 tfp 9 s1 jupyter"), id="uv run jupyter lab"
        ),
        pytest.param(("9 1 9 hfp 9 c0123456789ab program",), id="in a container, which has rules of its own"),
        pytest.param(("9 1 9 p 9 - program",), id="of nobody knows what"),
    ],
)
def test_a_process_that_waits_for_people_or_has_another_rule_is_no_job(rows: tuple[str, ...]) -> None:
    assert jobs(*rows, jupyter=(7,)) == []


def test_a_kernel_of_a_server_that_was_not_queried_is_a_job_like_any_other() -> None:
    assert jobs("9 7 9 hp 600 s1 program", "7 1 7 p 600 s1 jupyter") == [("nohup", 600)]


@pytest.mark.parametrize("age", ["-5", "9999999999"])
def test_an_impossible_age_counts_as_new(age: str) -> None:
    assert jobs(f"9 1 9 hp {age} s1 program") == [("nohup", 0)]


def test_parents_in_a_circle_end() -> None:
    assert set(jobs_of(processes("9 10 9 p 5 s1 program", "10 9 9 p 5 s1 program"), (), DAY)) == {Job("session", 5.0)}
