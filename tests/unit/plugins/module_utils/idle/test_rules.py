# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The use that the rules find: in measured workloads, at their limits, and under settings of sites and owners."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import Rate, SshUse
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.jobs import Job
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import (
    RULES,
    SETTINGS,
    Finding,
    Setting,
    Settings,
    findings,
    old_jobs,
    settings_from,
    settings_of_owner,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import judge
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import (
    EVIDENCE,
    end_of,
    interval,
)
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.rows import (
    ACTIVE,
    EITHER,
    FITTED,
    HELD,
    UNSEEN,
    Row,
)

ROWS = (*FITTED, *UNSEEN)
PAGE = Path(__file__).resolve().parents[5] / "docs" / "idle.md"
# The rows were measured in a minute: "long ago" in them is longer ago than 55 seconds.
ONE_MINUTE = Settings(window_minutes=55 / 60, interval_minutes=1)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_measured_workload_gets_its_verdict(row: Row) -> None:
    minutes = [interval(number, length=60.0, **row.numbers) for number in range(2)]
    verdict = judge(minutes, ONE_MINUTE, end_of(minutes))

    assert verdict.rule == row.rule
    if row.meant != EITHER:
        assert verdict.state.value == (ACTIVE if row.meant == HELD else row.meant)


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_rule_finds_use_from_its_limit_on(name: str) -> None:
    assert len(findings(interval(**EVIDENCE[name]), Settings())) == 1


END = interval().end
TWO_TIMERS = "2 entries of at, cron or timers are pending"


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ({"cores": 0.5}, [Finding("cores", END, "0.5 cores were busy", 0.5)]),
        ({"iowait": 0.5}, [Finding("iowait", END, "0.5 cores waited for a disk", 0.5)]),
        ({"net": 9_912_345.0}, [Finding("net", END, "9.91e+03 kB/s went over the network", 9_912_345.0)]),
        ({"net": 52_300.0}, [Finding("net", END, "52.3 kB/s went over the network", 52_300.0)]),
        ({"disk_busy": 0.5}, [Finding("disk", END, "a disk was busy for 50% of the time", 0.5)]),
        (
            {"disk": 2_500_000.0},
            [Finding("disk", END, "2.5 MB/s were read from disks or written", 2_500_000.0)],
        ),
        ({"key_age": 60.0}, [Finding("keys", END - 60, "a key was pressed in a terminal", 60.0)]),
        ({"viewer": 700.0}, [Finding("viewer", END, "viewers of a desktop sent 700 bytes", 700.0)]),
        (
            {"ssh": (SshUse(300.0, 2000.0),)},
            [Finding("ssh", END, "an ssh connection was used: 300 bytes a minute in, 2000 out", 300.0)],
        ),
        (
            {"busy_kernels": 2, "jupyter_age": 60.0},
            [
                Finding("jupyter", END, "2 Jupyter kernels busy", 2),
                Finding("jupyter", END - 60, "a kernel or terminal of Jupyter was used", 60.0),
            ],
        ),
        ({"slurm": 1}, [Finding("slurm", END, "1 Slurm job", 1)]),
        (
            {"jobs": (Job("nohup", 60.0), Job("session", 60.0), Job("nohup", 90.0), Job("nohup", 300_000.0))},
            [
                Finding("jobs", END, "2 programs under nohup", 2),
                Finding("jobs", END, "1 program started by a login", 1),
            ],
        ),
        ({"jobs": (Job("of a later version", 1.0),)}, [Finding("jobs", END, "1 program of a later version", 1)]),
        ({"due": 1}, [Finding("due", END, "1 entry of at, cron or timers are pending", 1)]),
        ({"due": 2}, [Finding("due", END, TWO_TIMERS, 2)]),
        ({"gpu": 7}, [Finding("gpu", END, "a GPU had a load of 7 %", 7)]),
        ({"gpu_untold": 2}, [Finding("gpu", END, "2 programs had a GPU open whose load is unknown", 2)]),
        (
            {"accepted": 12.0, "web_ports": (22, 8080, 80)},
            [Finding("web", END, "port 8080 was served: 12 connections an hour", 12.0)],
        ),
        (
            {"published": (Rate(8088, 20.0),)},
            [Finding("web", END, "port 8088 of a container was served: 20 connections an hour", 20.0)],
        ),
        ({"client_ports": (22, 1883, 80)}, [Finding("web", END, "a client was connected to port 1883", 2)]),
        (
            {"datagrams": 70.0, "udp_ports": (53, 514)},
            [Finding("udp", END, "UDP port 514 was served: 70 datagrams an hour", 70.0)],
        ),
        (
            {"inhibitors": 1},
            [Finding("inhibitor", END, "a program or an administrator inhibits the shutdown of the instance", 1)],
        ),
    ],
    ids=str,
)
def test_a_finding_has_its_rule_moment_sentence_and_number(numbers: dict[str, Any], found: list[Finding]) -> None:
    assert findings(interval(**numbers), Settings()) == found


def test_a_job_holds_an_instance_or_is_old() -> None:
    jobs = (Job("nohup", 72 * 3600 - 1.0), Job("nohup", 72 * 3600.0))
    [found] = findings(interval(jobs=jobs), Settings())

    assert found.value == 1
    assert old_jobs(interval(jobs=jobs), Settings()) == [jobs[1]]


@pytest.mark.parametrize(
    "below",
    [
        {"cores": 0.0999},
        {"iowait": 0.2499},
        {"net": 9_999.0},
        {"disk_busy": 0.199},
        {"disk": 999_999.0},
        {"viewer": 499.0},
        {"ssh": (SshUse(199, 90_000), SshUse(90_000, 1_799))},
        {"jobs": (Job("nohup", 72 * 3600.0),)},
        {"gpu": 4},
        {"accepted": 9.9, "web_ports": (80,)},
        {"accepted": 9_999.0},
        {"accepted": 9_999.0, "web_ports": (22, 111, 9100)},
        {"published": (Rate(8080, 4.0), Rate(8081, 5.0), Rate(49528, 900.0))},
        {"client_ports": (6817, 49528)},
        {"datagrams": 59.0, "udp_ports": (514,)},
        {"datagrams": 9_999.0, "udp_ports": (53, 161)},
        {"kernels": 3, "terminals": 2, "logins": 4, "containers": 5},
    ],
    ids=str,
)
def test_a_rule_finds_nothing_below_its_limit(below: dict[str, Any]) -> None:
    assert findings(interval(**below), Settings()) == []


def test_connections_to_several_published_ports_add_up() -> None:
    [found] = findings(interval(published=(Rate(8080, 15.0), Rate(8081, 15.0))), Settings())

    assert found.text == "port 8080 of a container was served: 30 connections an hour"


@pytest.mark.parametrize(
    ("numbers", "age"), [({"key_age": 400.0}, 400), ({"jupyter_age": 300.0}, 300), ({"cores": 1.0}, 0)]
)
def test_use_is_dated_by_when_it_happened(numbers: dict[str, Any], age: float) -> None:
    found = interval(**numbers)

    assert [each.at for each in findings(found, Settings())] == [found.end - age]


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_rule_that_is_ignored_finds_nothing(name: str) -> None:
    used = interval(**EVIDENCE[name])
    [found] = findings(used, Settings())

    assert findings(used, settings_from({"ignore": [found.rule]})) == []


def test_every_setting_has_its_default_inside_its_bounds_and_every_rule_its_settings() -> None:
    assert {each.name: each.default for each in SETTINGS} == {
        each.name: getattr(Settings(), each.name) for each in SETTINGS
    }
    assert all(each.low <= each.default <= each.high for each in SETTINGS)
    used = {name for rule in RULES for name in rule.settings}
    assert used | {"window_minutes", "interval_minutes", "console_cores"} == {each.name for each in SETTINGS}


def test_the_page_has_every_rule_and_every_setting_with_its_default_and_bounds() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d.,]+)[^|]*\| ([\d.,]+) to ([\d.,]+)", PAGE.read_text(), re.MULTILINE)
    said = {name: tuple(float(number.replace(",", "")) for number in numbers) for name, *numbers in rows}

    assert said == {each.name: (each.default, each.low, each.high) for each in SETTINGS}
    assert [rule.name for rule in RULES if f"| `{rule.name}` |" not in PAGE.read_text()] == []


def test_a_site_changes_defaults() -> None:
    settings = settings_from(
        {"window_minutes": "90", "cores": 0.2, "quiet_ports": [22, "80"], "ignore": "web", "quiet_udp_ports": 53}
    )

    assert (settings.window, settings.interval, settings.hold) == (5400, 900, 72 * 3600)
    assert (settings.cores, settings.quiet_ports, settings.ignore) == (0.2, {22, 80}, {"web"})
    assert settings.quiet_udp_ports == {53}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"core": 1}, "There is no setting 'core'. Did you mean cores?"),
        ({"zzz": 1}, "There is no setting 'zzz'. There are window_minutes, interval_minutes,"),
        ({"z" * 99: 1}, f"There is no setting '{'z' * 40}'. There are"),
        ({"cores": 2}, "cores is 2, but must be between 0.02 and 1."),
        ({"window_minutes": 5}, "window_minutes is 5"),
        ({"cores": "many"}, "cores is 'many', which is not a number"),
        ({"cores": True}, "cores is 'True', which is not a number"),
        ({"cores": None}, "which is not a number"),
        ({"cores": float("nan")}, "which is not a number"),
        ({"cores": "inf"}, "which is not a number"),
        ({"quiet_ports": ["http"]}, "quiet_ports must be a list of ports"),
        ({"cores": "z" * 99}, f"cores is '{'z' * 40}', which is not a number"),
        ({"ignore": ["z" * 99]}, f"ignore contains '{'z' * 40}', which is not a rule"),
        ({"quiet_ports": [65536]}, "quiet_ports must be a list of ports"),
        ({"quiet_ports": 5.5}, "quiet_ports must be a list of ports"),
        ({"ignore": 5}, "The setting ignore must be a list of rules."),
        ({"ignore": ["wb"]}, "ignore contains 'wb', which is not a rule. Did you mean web?"),
        ({"ignore": ["zzz"]}, "which is not a rule. There are cores,"),
    ],
)
def test_an_impossible_setting_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        settings_from(values)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_may_be_at_either_of_its_bounds(setting: Setting) -> None:
    for value in (setting.low, setting.high):
        changed = settings_from({setting.name: value})
        assert getattr(changed, setting.name) == value
        found = settings_of_owner(Settings(), {setting.name: value}, {})
        assert (found.settings, found.notes) == (changed, ())


def test_a_port_may_be_the_last_one() -> None:
    assert settings_from({"quiet_ports": [65535]}).quiet_ports == {65535}


def test_an_owner_changes_settings_inside_the_bounds_of_the_site() -> None:
    site = settings_from({"cores": 0.2})
    found = settings_of_owner(
        site,
        {"window_minutes": "600", "net_rate": "2000", "ignore": "web, jobs", "cores": "0.05"},
        {"window_minutes": (30, 240), "cores": (0.0001, 0.5)},
        may_ignore=frozenset({"web"}),
    )
    settings = found.settings

    assert (settings.window_minutes, settings.net_rate, settings.cores) == (240, 2000, 0.05)
    assert settings.ignore == {"web"}
    assert found.notes == (
        "window_minutes is 600, must be between 30 and 240 here, and counts as 240.",
        "ignore contains 'jobs', but only these may be ignored here: web.",
    )
    assert found.doubts == ()


@pytest.mark.parametrize(
    ("may_ignore", "allowed"), [(frozenset({"web", "jobs"}), "jobs, web"), (frozenset[str](), "none")]
)
def test_an_owner_is_notified_of_the_rules_that_may_be_ignored(may_ignore: frozenset[str], allowed: str) -> None:
    word = "z" * 50
    found = settings_of_owner(Settings(), {"ignore": word}, {}, may_ignore=may_ignore)

    assert found.notes == (f"ignore contains '{word[:40]}', but only these may be ignored here: {allowed}.",)


@pytest.mark.parametrize(
    ("name", "value", "counts_as"),
    [
        # The bound, if it finds more use than the site's own value, and else that.
        ("window_minutes", "5", 120),
        ("window_minutes", "9999", 240),
        ("hold_hours", "-1", 72),
        ("cores", "0.001", 0.05),
        ("cores", "0.9", 0.10),
        ("net_rate", "1e300", 10_000),
        ("interval_minutes", "600", 15),
        ("gpu_percent", "0", 1),
    ],
)
def test_a_number_out_of_bounds_never_finds_less_use(name: str, value: str, counts_as: float) -> None:
    site = settings_from({"window_minutes": 120})
    found = settings_of_owner(site, {name: value}, {"window_minutes": (30, 240), "cores": (0.05, 0.2)})

    assert getattr(found.settings, name) == counts_as
    assert len(found.notes) == 1
    assert found.doubts == ()


def test_nothing_that_an_owner_writes_fails_or_leaves_the_hard_bounds() -> None:
    values = {"window_minutes": "soon", "\x1b[2J": 1, "cores": "-9", "hold_hours": "1e400", "quiet_ports": "80"}
    found = settings_of_owner(Settings(), values, {"cores": (0, 99)})

    assert found.settings == Settings(cores=0.02)
    assert found.notes[0] == "cores is -9, must be between 0.02 and 1 here, and counts as 0.02."
    # Of all but the number, nobody knows what the owner wanted.
    assert found.notes[1:] == found.doubts
    assert found.doubts[0] == "The setting window_minutes is 'soon', which is not a number."
    assert found.doubts[1].startswith("There is no setting '\\x1b[2J'.")
    assert found.doubts[2:] == (
        "The setting hold_hours is '1e400', which is not a number.",
        "Only the site can set quiet_ports.",
    )
