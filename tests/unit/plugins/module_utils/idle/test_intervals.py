# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Means between two readings are exact. A counter that decreased or is impossible is a doubt."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import (
    HOUR,
    Doubt,
    Interval,
    Rate,
    SshUse,
    from_record,
    hourly,
    intervals_of,
    since,
    to_record,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.jobs import Job
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import (
    BOOT,
    BOOTED,
    EVIDENCE,
    OTHER_BOOT,
    interval,
    reading,
    readings,
)

START = 10_000.0
ANSWER = ["port 8888", "kernels 200", "terminals 200"]


def minute(before: dict[str, Any], after: dict[str, Any], *, seconds: float = 60.0, late: float = 0.0) -> Interval:
    """Return the interval of a minute between two readings that have these sections."""
    return since(reading(START, **before), reading(START + seconds, late=late, **after))


def test_an_idle_instance_has_only_the_load_of_its_system() -> None:
    found = minute({}, {})

    assert (found.start, found.end) == (BOOTED + START + 0.5, BOOTED + START + 60.5)
    assert (found.cores, found.net) == (pytest.approx(0.002), pytest.approx(300))
    assert found.doubts == ()
    assert (found.boot, found.uptime, found.longest_gap, found.readings) == (BOOT, START + 60, 60, 1)
    assert to_record(found).keys() == {"start", "end", "boot", "uptime", "longest_gap", "cores", "net"}


def test_the_first_reading_of_a_boot_has_the_state_at_that_moment_alone() -> None:
    first = reading(START, due=["at 1", "cron 0", "timer 0"])

    assert since(None, first) == Interval(first.taken, first.taken, BOOT, START, due=1)


def test_two_readings_a_second_apart_have_a_mean() -> None:
    found = minute({}, {}, seconds=1.0)

    assert (found.net, found.doubts) == (pytest.approx(300), ())


def test_cores_are_seconds_of_cpu_time_in_a_second_of_uptime() -> None:
    found = minute({"cpu": ["100 0 0 0 10 0 0 0"]}, {"cpu": ["400 60 60 9 70 20 20 40"]})

    # 500 hundredths of a second in 60 seconds, of which 40 were stolen.
    assert found.cores == pytest.approx(5.0 / 60)
    assert found.iowait == pytest.approx(0.6 / 60)


def test_the_time_of_waiting_for_disks_may_go_back() -> None:
    found = minute({"cpu": ["100 0 0 0 90 0 0 0"]}, {"cpu": ["112 0 0 0 10 0 0 0"]})

    assert (found.iowait, found.doubts) == (0.0, ())


@pytest.mark.parametrize(("hundredths", "doubts"), [(12_840, 0), (12_960, 1)])
def test_two_cores_can_be_busy_by_little_more_than_two_cores(hundredths: int, doubts: int) -> None:
    found = minute({"cpu": ["0 0 0 0 0 0 0 0"]}, {"cpu": [f"{hundredths} 0 0 0 0 0 0 0"]})

    assert len(found.doubts) == doubts


def test_traffic_counts_both_ways_on_the_interfaces_that_both_readings_have() -> None:
    found = minute(
        {"net": ["eth0 1000 2000", "eth1 5 5", "lo 0 0"]}, {"net": ["eth0 31000 62000", "eth2 9 9", "lo 9 9"]}
    )

    assert found.net == pytest.approx(1500)


def test_the_traffic_of_ssh_scans_is_taken_off() -> None:
    probe = ["format 1", "uid 0", f"clock {BOOTED + int(START) + 60}", f"since {BOOTED + int(START) + 1}"]
    found = minute({"net": ["eth0 0 0"]}, {"net": ["eth0 240000 0"], "probe": probe, "sshlog": ["20"]})

    assert found.net == pytest.approx(1500)
    assert minute({"net": ["eth0 0 0"]}, {"net": ["eth0 9 0"], "probe": probe, "sshlog": ["20"]}).net == 0


@pytest.mark.parametrize("since_start", [0, 5])
def test_connections_that_were_logged_in_the_very_interval_are_taken_off(since_start: int) -> None:
    probe = ["format 1", "uid 0", f"clock {BOOTED + int(START) + 60}", f"since {BOOTED + int(START) + since_start}"]
    found = minute({"net": ["eth0 0 0"]}, {"net": ["eth0 60000 0"], "probe": probe, "sshlog": ["2"]})

    assert found.net == pytest.approx(750)


@pytest.mark.parametrize("since_start", [-300, -1, 6, 300])
def test_connections_that_were_logged_in_another_time_are_not_taken_off(since_start: int) -> None:
    began = BOOTED + int(START) + since_start
    probe = ["format 1", "uid 0", f"clock {BOOTED + int(START) + 60}", f"since {began}"]
    found = minute(
        {"net": ["eth0 0 0"]},
        {
            "net": ["eth0 60000 0"],
            "probe": probe,
            "sshlog": ["9"],
            "snmp": ["Tcp:PassiveOpens 15", "Udp:InDatagrams 0"],
        },
    )

    assert found.net == pytest.approx(1000)
    assert found.accepted == pytest.approx(5 * 60)


def test_scans_that_go_on_at_a_reading_are_nobodys_and_are_taken_off_once() -> None:
    clock = BOOTED + int(START)
    scan = ["22 outside 50000 outside nobody 8,9 1500 1100 9"]
    found = minute(
        {"snmp": ["Tcp:PassiveOpens 10", "Udp:InDatagrams 0"], "conns": [*scan, *scan]},
        {
            "snmp": ["Tcp:PassiveOpens 32", "Udp:InDatagrams 0"],
            "probe": ["format 1", "uid 0", f"clock {clock + 60}", f"since {clock + 1}"],
            # Twenty scans, two of which were accepted before, one that is not logged yet, and two requests.
            "sshlog": ["21"],
            "conns": [scan[0].replace("50000", "50001")],
        },
    )

    assert (found.ssh, found.logins) == ((), 0)
    assert found.accepted == pytest.approx(2 * 60)


def test_disks_are_reported_in_bytes_and_by_the_share_of_time_of_the_busiest() -> None:
    found = minute({"disk": ["vda 0 0", "vdb 0 0"]}, {"disk": ["vda 2000 12000", "vdb 1000 55000"]})

    assert found.disk == pytest.approx(3000 * 512 / 60)
    assert found.disk_busy == pytest.approx(55 / 60)
    assert minute({"disk": ["vda 0 0"]}, {"disk": ["vdb 9 9"]}).disk_busy == 0


def test_accepted_connections_are_those_that_no_other_rule_knows() -> None:
    own = ["22 outside 50000 outside own 5 9 9 9"]
    before = {"snmp": ["Tcp:PassiveOpens 10", "Udp:InDatagrams 0"], "listent": ["80 outside -", "5432 loopback -"]}
    after = {
        "snmp": ["Tcp:PassiveOpens 15", "Udp:InDatagrams 0"],
        "listent": ["80 outside -", "443 outside quiet", "8888 outside -", "5901 outside -"],
        "conns": own,
        "jupyter_7": ANSWER,
    }
    found = minute(before | {"listent": after["listent"]}, after)

    # Five, of which one was the probe's login and one its question to Jupyter.
    assert found.accepted == pytest.approx(3 * 60)
    # Quiet by its program, Jupyter, and a desktop.
    assert found.web_ports == (80,)


def test_a_port_is_served_if_both_readings_have_it() -> None:
    assert minute({"listent": ["80 outside -"]}, {"listent": ["81 outside -"]}).web_ports == ()


def test_a_connection_of_the_probe_that_is_still_open_was_not_accepted_again() -> None:
    own = ["22 outside 50000 outside own 5 9 9 9"]
    found = minute(
        {"conns": own, "snmp": ["Tcp:PassiveOpens 10", "Udp:InDatagrams 0"]},
        {"conns": own, "snmp": ["Tcp:PassiveOpens 11", "Udp:InDatagrams 0"]},
    )

    assert found.accepted == pytest.approx(60)


def test_connections_to_published_ports_of_containers_are_counted_by_port() -> None:
    found = minute(
        {"containers": ["published 8088 80 5", "published 9000 90 7", "published 9001 91 7"]},
        {
            "containers": [
                *("published 8088 80 6", "published 8088 80 2", "published 9000 90 7", "published 9001 91 2"),
                *("published 9002 92 1", "published 9003 93 0"),
            ]
        },
    )

    # By IPv4 and IPv6; not used; a container that was started anew; a new one; a new one that is not used.
    assert found.published == (
        Rate(8088, pytest.approx(180)),
        Rate(9001, pytest.approx(120)),
        Rate(9002, pytest.approx(60)),
    )


def test_a_client_counts_if_it_is_connected_at_both_readings() -> None:
    conns = [
        "1883 outside 40000 outside other - 1 1 1",
        "5432 outside 40000 loopback other - 1 1 1",
        "22 outside 41000 outside sshd 5 1 1 1",
        "5901 outside 42000 outside other - 1 1 1",
        "2222 outside 43000 outside own 6 1 1 1",
    ]
    listen = [
        "1883 outside -",
        "2222 outside -",
        "5432 outside -",
        "22 outside quiet",
        "5901 outside -",
        "6379 outside -",
    ]
    inside = ["held 50 1", "published 8088 80 5", "published 8089 81 5"]
    both = {"conns": conns, "listent": listen, "containers": inside}

    assert minute(both, both).client_ports == (1883, 8088)
    assert minute(both, both | {"conns": [], "containers": []}).client_ports == ()


def test_datagrams_count_an_hour_and_only_at_ports_that_are_served() -> None:
    # From 32768 on, the kernel assigns ports to clients.
    listeners = ["514 outside -", "53 loopback -", "32767 outside -", "32768 outside -", "41641 outside -"]
    found = minute(
        {"listenu": listeners},
        {
            "listenu": listeners,
            "snmp": ["Tcp:PassiveOpens 10", "Udp:InDatagrams 6"],
        },
    )

    assert found.datagrams == pytest.approx(360)
    assert found.udp_ports == (514, 32767)


@pytest.mark.parametrize(
    ("after", "sent"),
    [
        pytest.param("5901 loopback 40000 loopback other - 1722 0 210", 1622, id="mouse"),
        pytest.param("5901 loopback 40000 loopback other - 710 0 66", 0, id="a clock redraws: requests for pictures"),
        pytest.param("5901 loopback 40001 loopback other - 700 0 60", 700, id="a new viewer"),
        pytest.param("5901 loopback 40000 loopback other - 100 0 5", 0, id="nothing done"),
        pytest.param("5951 loopback 40000 loopback other - 1722 0 210", 0, id="another port"),
        pytest.param("5901 loopback 40000 loopback other - 90 0 5", 90, id="a new viewer with the old port"),
    ],
)
def test_viewers_of_a_desktop_are_recognized_by_bytes_beyond_requests_for_pictures(after: str, sent: int) -> None:
    before = "5901 loopback 40000 loopback other - 100 0 5"

    assert minute({"conns": [before]}, {"conns": [after]}).viewer == sent


def test_the_bytes_of_several_viewers_are_added_up() -> None:
    viewers = [f"5901 loopback {port} loopback other - 700 0 60" for port in (40000, 40001)]

    assert minute({}, {"conns": viewers}).viewer == 1400


def test_an_ssh_connection_is_reported_in_bytes_a_minute() -> None:
    before = ["22 outside 50000 outside sshd 5,4 1000 2000 9", "22 outside 50001 outside own 6 1 1 1"]
    after = [
        "22 outside 50000 outside sshd 5,4 3000 8000 9",
        "22 outside 50001 outside own 6 9000 9000 1",
        "22 outside 50002 outside sshd 7 60 70 1",
    ]

    assert minute({"conns": before}, {"conns": after}, seconds=120).ssh == (SshUse(1000, 3000), SshUse(30, 35))


@pytest.mark.parametrize(
    ("forwards", "counted"),
    [
        pytest.param(["40000 loopback 8888 loopback sshd 5 1 1 1"], False, id="Jupyter"),
        pytest.param(["40000 loopback 5901 loopback sshd 5 1 1 1"], False, id="desktop"),
        pytest.param(["40000 loopback 8080 loopback sshd 5 1 1 1"], True, id="something else"),
        pytest.param(
            ["40000 loopback 8888 loopback sshd 5 1 1 1", "40001 loopback 8080 loopback sshd 5 1 1 1"], True, id="both"
        ),
        pytest.param(["40000 outside 8888 outside sshd 5 1 1 1"], True, id="another machine"),
        pytest.param(["40000 loopback 8888 loopback sshd 9 1 1 1"], True, id="of another connection"),
        pytest.param([], True, id="a shell"),
    ],
)
def test_an_ssh_connection_that_only_leads_to_jupyter_or_a_desktop_is_left_to_their_rules(
    forwards: list[str], counted: bool
) -> None:
    lines = ["22 outside 50000 outside sshd 5,4 3000 8000 9", *forwards]
    found = minute({}, {"conns": lines, "jupyter_7": ANSWER})

    assert (SshUse(3000, 8000) in found.ssh) is counted


@pytest.mark.parametrize(("near", "far"), [("loopback", "loopback"), ("outside", "loopback"), ("loopback", "outside")])
def test_a_connection_of_the_instance_with_itself_is_no_login(near: str, far: str) -> None:
    found = minute({}, {"conns": [f"22 {near} 50000 {far} sshd 5,4 3000 8000 9"]})

    assert (found.ssh, found.logins) == ((), 0)


def test_where_only_root_sees_owners_an_ssh_connection_is_known_by_its_port() -> None:
    found = minute({}, {"conns": ["22 outside 50000 outside - - 600 700 9", "80 outside 50000 outside - - 6 7 9"]})

    assert found.ssh == (SshUse(600, 700),)


def test_the_kernels_of_jupyter_are_reported_with_their_last_use() -> None:
    def ago(seconds: float) -> str:
        return datetime.fromtimestamp(BOOTED + START + 60 - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    server = [
        *("port 8888", f"kernel last_activity {ago(70)}", "kernel execution_state busy"),
        *(f"kernel last_activity {ago(300)}", "kernel execution_state idle", "kernels 200"),
        *(f"terminal last_activity {ago(20)}", "terminals 200"),
    ]
    found = minute({}, {"jupyter_7": server})

    assert (found.kernels, found.busy_kernels, found.jupyter_age) == (2, 1, 20)


@pytest.mark.parametrize(
    ("programs", "holders", "counted"), [(["3"], ["2"], 3), (["2"], ["3"], 3), (["3"], None, 3), (["0"], ["0"], 0)]
)
def test_programs_on_a_gpu_that_hides_its_load_are_counted_by_the_driver_or_the_kernel(
    programs: list[str], holders: list[str] | None, counted: int
) -> None:
    found = minute({}, {"gpu": ["0, [N/A], 1, 1, 1, 1, x"], "gpuapps": programs, "gpufd": holders})

    assert (found.gpu_untold, found.doubts) == (counted, ())


def test_the_state_at_the_end_is_reported() -> None:
    clock = BOOTED + int(START) + 60
    found = minute(
        {},
        {
            "tty": [f"34816 1001 {clock - 70} {clock} -", f"34817 1001 {clock - 20} {clock} -"],
            "procs": ["process 321 1 321 hp 50 s1 program"],
            "due": ["at 1", "cron 1", "timer 1"],
            "inhibit": ["1"],
            "slurm": ["PD 1", "R 2"],
            "gpu": ["0, 7, 1, 1, 1, 1, x", "1, [N/A], 1, 1, 1, 1, x"],
            "gpuapps": ["0"],
            "gpufd": ["4"],
            "conns": ["22 outside 50000 outside sshd 5 1 1 1"],
            "containers": ["container 50 600 c0123456789ab other"],
        },
    )

    assert (found.key_age, found.terminals, found.logins, found.containers) == (20, 2, 1, 1)
    assert found.jobs == (Job("nohup", 50),)
    assert (found.due, found.inhibitors, found.slurm) == (3, 1, 3)
    assert (found.gpu, found.gpu_untold) == (7, 4)


@pytest.mark.parametrize(
    ("before", "after", "seconds", "late", "reason"),
    [
        ({}, {"probe": ["format 1", "uid 0", f"clock {BOOTED + int(START) + 7260}"]}, 60, 0, r"clock jumped by \+7200"),
        ({}, {"probe": ["format 1", "uid 0", f"clock {BOOTED + int(START) - 40}"]}, 60, 0, "clock jumped by -100"),
        ({}, {}, 60, 900, "ran for 60 s of 960 s"),
        ({}, {}, 60, -120, "ran for 60 s of -60 s"),
        ({}, {}, 0, 0, "^the instance's uptime did not grow$"),
        ({}, {}, -60, 0, "^the instance's uptime did not grow$"),
        ({"cpu": ["900 0 0 0 0 0 0 0"]}, {"cpu": ["100 0 0 0 0 0 0 0"]}, 60, 0, "CPU time went back"),
        ({"cpu": ["0 0 0 0 0 0 0 0"]}, {"cpu": ["90000 0 0 0 0 0 0 0"]}, 60, 0, "15.0 cores were busy, of 2"),
    ],
    ids=["forward", "back", "paused", "ours", "same", "uptime", "cpu", "too many"],
)
def test_a_clock_that_jumped_or_a_counter_that_went_back_leaves_everything_in_doubt(
    before: dict[str, Any], after: dict[str, Any], seconds: float, late: float, reason: str
) -> None:
    found = minute(before, after, seconds=seconds, late=late)

    assert any(doubt.rule == "" and re.search(reason, doubt.reason) for doubt in found.doubts), found.doubts


@pytest.mark.parametrize(
    ("seconds", "jump", "late", "doubts"),
    [
        (60, 5, 0, 0),
        (60, 6, 0, 1),
        (60, -5, 0, 0),
        (900, 45, 0, 0),
        (900, 46, 0, 1),
        (60, 0, 45, 0),
        (60, 0, 46, 1),
        (3600, 0, 180, 0),
        (3600, 0, 181, 1),
    ],
)
def test_clocks_may_differ_by_seconds_or_a_share_of_the_interval(
    seconds: int, jump: int, late: float, doubts: int
) -> None:
    clock = BOOTED + int(START) + seconds + jump
    found = minute({}, {"probe": ["format 1", "uid 0", f"clock {clock}"]}, seconds=seconds, late=late)

    assert len(found.doubts) == doubts


PROBE = "the probe could not read {} (status {})"
NO_LONGER = "the probe no longer reads {}"
NO_SS = "the instance has no ss, which lists its connections"
NO_INTERFACE = "no network interface has counters at both readings"
NO_SERVER = "a Jupyter server cannot be queried"


@pytest.mark.parametrize(
    ("before", "after", "doubt"),
    [
        ({"net": ["eth0 9 9"]}, {"net": ["eth0 1 1"]}, Doubt("net", "the counter of a network interface went back")),
        ({"net": ["eth0 9 9"]}, {"net": ["eth1 9 9"]}, Doubt("net", NO_INTERFACE)),
        ({"net": ["lo 9 9"]}, {"net": ["lo 9 9"]}, Doubt("net", NO_INTERFACE)),
        ({"disk": ["vda 9 9"]}, {"disk": ["vda 1 9"]}, Doubt("disk", "the counter of a disk went back")),
        ({"disk": ["vda 9 9"]}, {"disk": ["vda 9 1"]}, Doubt("disk", "the time of a disk went back")),
        ({"disk": ["vda 9 9"]}, {"disk": ["vdb 9 9"]}, Doubt("disk", "no disk has counters at both readings")),
        ({}, {"disk": ["dm-0 9 9"]}, Doubt("disk", "there is no disk whose counters are known")),
        (
            {},
            {"snmp": ["Tcp:PassiveOpens 1", "Udp:InDatagrams 0"]},
            Doubt("web", "the counter of connections went back"),
        ),
        (
            {"snmp": ["Tcp:PassiveOpens 1", "Udp:InDatagrams 9"]},
            {},
            Doubt("udp", "the counter of datagrams went back"),
        ),
        ({}, {"conns": (75, [])}, Doubt("ssh", PROBE.format("conns", 75))),
        *(({}, {"conns": None}, Doubt(rule, NO_SS)) for rule in ("viewer", "ssh", "web")),
        ({}, {"listent": (1, [])}, Doubt("web", PROBE.format("listent", 1))),
        ({}, {"listenu": None}, Doubt("udp", NO_LONGER.format("listenu"))),
        ({}, {"procs": (1, [])}, Doubt("jobs", PROBE.format("procs", 1))),
        ({}, {"due": (13, ["at 0", "cron 0", "timer 0"])}, Doubt("due", PROBE.format("due", 13))),
        ({}, {"inhibit": (124, [])}, Doubt("inhibitor", PROBE.format("inhibit", 124))),
        ({}, {"inhibit": None}, Doubt("inhibitor", NO_LONGER.format("inhibit"))),
        ({}, {"slurm": (1, [])}, Doubt("slurm", PROBE.format("slurm", 1))),
        *(({}, {"containers": (13, [])}, Doubt(rule, PROBE.format("containers", 13))) for rule in ("jobs", "web")),
        ({}, {"gpu": (124, [])}, Doubt("gpu", "the driver of the GPU does not respond")),
        ({}, {"gpu": []}, Doubt("gpu", "the driver of the GPU does not respond")),
        (
            {},
            {"gpu": ["0, [N/A], 1, 1, 1, 1, x"], "gpuapps": ["0"]},
            Doubt("gpu", "the load of the GPU is unknown, and only root can list its programs"),
        ),
        ({"gpu": ["0, 0, 1, 1, 1, 1, x"]}, {}, Doubt("gpu", NO_LONGER.format("gpu"))),
        (
            {},
            {"jupyter_7": ["port 8888", "kernels 403", "terminals 403"]},
            Doubt("jupyter", "the Jupyter server on port 8888 does not report its activity"),
        ),
        (
            {},
            {"jupyter_7": (127, ["port 8888"])},
            Doubt("jupyter", "the Jupyter server on port 8888 does not report its activity"),
        ),
        ({}, {"procs": ["process 321 1 321 p 50 u1 jupyter"]}, Doubt("jupyter", NO_SERVER)),
    ],
)
def test_a_source_that_fails_or_is_gone_leaves_its_rule_in_doubt(
    before: dict[str, Any], after: dict[str, Any], doubt: Doubt
) -> None:
    found = minute(before, after).doubts

    assert doubt in found
    assert all(each.rule for each in found)


@pytest.mark.parametrize(
    "gpu",
    [
        {"gpu": ["0, 0, 0, 9, 9, 9, Disabled"], "gpuapps": ["1"], "gpufd": ["2"]},
        {"gpu": ["0, [N/A], 0, 9, 9, 9, Enabled"], "gpuapps": ["0"], "gpufd": ["0"]},
    ],
    ids=["a forgotten kernel holds memory", "nobody holds it"],
)
def test_a_gpu_that_does_nothing_is_no_doubt(gpu: dict[str, Any]) -> None:
    found = minute({}, gpu)

    assert (found.gpu, found.gpu_untold, found.doubts) == (0, 0, ())


def test_programs_that_were_queried_may_end() -> None:
    before = {"jupyter_7": ANSWER, "slurm": ["R 1"], "containers": [], "sshlog": ["1"], "gpuapps": ["1"]}

    assert minute(before, {}).doubts == ()


def test_readings_of_two_boots_have_nothing_between_them() -> None:
    first, second, third, fourth = readings(4)
    rebooted = [reading(START + 1800, boot=[OTHER_BOOT]), reading(START + 2700, boot=[OTHER_BOOT])]
    found = intervals_of([first, second, *rebooted])

    assert [each.length for each in found] == [0, 900, 0, 900]
    assert intervals_of([third, fourth])[0].length == 0


def test_an_hour_has_the_greatest_of_its_numbers_and_the_longest_gap() -> None:
    quarters = [
        interval(number, cores=cores, key_age=age, net=5.0, jobs=(Job("nohup", 60.0 * number),), web_ports=ports)
        for number, (cores, age, ports) in enumerate([(0.1, 60.0, ()), (0.4, None, (80,)), (0.2, 500.0, (22,))])
    ]
    [hour] = hourly([each for each in quarters if each.end // HOUR == quarters[0].end // HOUR])

    assert (hour.start, hour.end) == (quarters[0].start, quarters[-1].end)
    assert (hour.readings, hour.longest_gap) == (3, 900)
    assert (hour.cores, hour.net, hour.web_ports) == (0.4, 5.0, (80, 22))
    # The last key was pressed 500 seconds before the last end, and that is later than the one of the first.
    assert hour.key_age == 500
    assert hour.jobs == (Job("nohup", 0.0), Job("nohup", 60.0), Job("nohup", 120.0))


def test_two_intervals_of_an_hour_are_put_together_with_the_gap_between_them() -> None:
    first, second = interval(2, net=5.0, length=300), interval(4, cores=0.1, length=300)
    [hour] = hourly([first, second])

    assert (hour.start, hour.end, hour.readings) == (first.start, second.end, 2)
    assert (hour.net, hour.cores, hour.longest_gap) == (5.0, 0.1, 300)
    assert hourly([first, replace(second, start=first.end + 400)])[0].longest_gap == 400


def test_an_hour_counts_the_seconds_in_doubt_and_those_between_readings_that_do_not_meet() -> None:
    doubtful = interval(2, length=300, doubts=(Doubt("", "x"),))
    [certain] = hourly([interval(number, length=300) for number in (2, 3)])
    [hour] = hourly([doubtful, interval(3, length=300)])
    [with_gap] = hourly([doubtful, interval(3, length=300), interval(5, length=300)])

    assert (certain.unknown, hour.unknown, with_gap.unknown) == (0, 300, 600)
    # One that was put together already.
    assert hourly([hour, interval(4, length=300)])[0].unknown == 300


def test_an_hour_has_the_youngest_of_many_jobs() -> None:
    jobs = [tuple(Job(kind, float(age)) for age in range(number, 31, 2)) for number, kind in ((1, "nohup"), (2, "at"))]
    [hour] = hourly([interval(2, length=300, jobs=jobs[0]), interval(3, length=300, jobs=jobs[1])])

    assert [job.age for job in hour.jobs] == list(range(1, 21))


def test_an_hour_has_no_more_than_fifty_ports() -> None:
    quarters = [
        interval(number, length=300, web_ports=tuple(range(99 * number, 99 * number + 40))) for number in (2, 3)
    ]

    assert len(hourly(quarters)[0].web_ports) == 50


def test_an_hour_keeps_boots_apart() -> None:
    quarters = [interval(0), replace(interval(1), boot=OTHER_BOOT)]

    assert hourly(quarters) == quarters


@pytest.mark.parametrize("name", EVIDENCE)
def test_an_interval_survives_json(name: str) -> None:
    found = interval(0, doubts=(Doubt("net", "x"),), **EVIDENCE[name])

    assert from_record(json.loads(json.dumps(to_record(found)))) == found


@pytest.mark.parametrize(
    "record", [{}, {"start": 1}, {"start": 1, "end": 2, "boot": "", "uptime": 1, "x": 1}, {"jobs": [[1, 2, 3]]}]
)
def test_a_record_of_something_else_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_record(record)
