# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings from the probe's text, which is refused unless it is whole, known and free of contradictions."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.readings import (
    Connection,
    Gpu,
    Jupyter,
    NoEvidence,
    Published,
    Terminal,
    from_record,
    parse,
    to_record,
)
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import (
    BOOT,
    BOOTED,
    probe_text,
    reading,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = BOOTED + 1000
KERNEL = ["kernel last_activity 2026-11-18T13:20:00.123456Z", "kernel execution_state idle", "kernels 200"]
TERMINAL = ["terminal last_activity 2026-11-18T13:20:00Z", "terminals 200"]


def test_counters_are_reported_in_seconds_and_bytes() -> None:
    told = reading(
        1000,
        cpu=["100 20 30 5000 70 4 3 50 60 70"],
        net=["lo 9 9", "eth0 300 200", "docker0 7 7", "veth12 7 7", "tun0 7 7", "enp3s0 1 1"],
        disk=["vda 10 2500", "vda1 9 9", "nvme0n1 4 0", "nvme0n1p1 4 9", "dm-0 7 7", "sda 0 0", "sda2 1 1", "md0 1 1"],
        snmp=["Tcp:PassiveOpens 17", "Udp:InDatagrams 5"],
    )

    assert told.boot == BOOT
    assert told.clock == NOW
    assert told.taken == NOW + 0.5
    # Neither idle time nor waiting for a disk, nor the time of guests, which is in the user's; but what was stolen.
    assert told.cpu == pytest.approx(2.07)
    assert told.iowait == pytest.approx(0.7)
    assert told.net == {"eth0": 500, "enp3s0": 2}
    assert told.disk == {"vda": (5120, 2.5), "nvme0n1": (2048, 0.0), "sda": (0, 0.0)}
    assert (told.accepted, told.datagrams) == (17, 5)


def test_a_key_is_dated_by_the_clock_of_the_instance_and_the_probes_own_terminal_is_left_out() -> None:
    told = reading(1000, tty=[f"34816 1001 {NOW - 70} {NOW - 3} -", f"34817 0 {NOW} {NOW} own"])

    assert told.terminals == (Terminal(70, 3),)


def test_a_key_that_was_pressed_in_the_future_was_pressed_just_now() -> None:
    assert reading(1000, tty=[f"34816 1001 {NOW + 900} {NOW} -"]).terminals == (Terminal(0, 0),)


def test_connections_are_identified_by_ports_and_bytes() -> None:
    told = reading(
        1000, conns=["22 outside 50000 outside sshd 316,293 21568 5413 25", "5901 loopback 40000 loopback - - 10 0 1"]
    )

    assert told.connections == (
        Connection(22, "outside", 50000, "outside", "sshd", (316, 293), 21568, 5413, 25),
        Connection(5901, "loopback", 40000, "loopback", "-", (), 10, 0, 1),
    )


@pytest.mark.parametrize(
    ("lines", "answers", "busy"),
    [
        ([*KERNEL, *TERMINAL], True, 0),
        ([*KERNEL, "terminals 404"], True, 0),
        (["kernels 200", "terminals 200"], True, 0),
        (["kernel execution_state busy", "kernels 200", "terminals 404"], True, 1),
        # To which no page was ever connected: it stays so.
        (["kernel execution_state starting", "kernels 200", "terminals 404"], True, 0),
        (["kernels 403", "terminals 403"], False, 0),
        (["kernels 302", "terminals 200"], False, 0),
        (["kernels 000", "terminals 000"], False, 0),
        ([*KERNEL, "terminals 500"], False, 0),
        ([*KERNEL], False, 0),
        ([], False, 0),
    ],
)
def test_a_jupyter_server_answers_only_if_it_reports_kernels_and_terminals(
    lines: list[str], answers: bool, busy: int
) -> None:
    [server] = reading(1000, jupyter_321=["port 8888", *lines]).jupyter

    assert (server.port, server.process, server.answers, server.busy_kernels) == (8888, 321, answers, busy)


def test_the_use_of_kernels_and_terminals_is_dated_by_the_clock_of_the_instance() -> None:
    clock = ["format 1", "uid 0", "clock 1795008130"]
    [server] = parse(
        probe_text(1000, probe=clock, jupyter_321=["port 8888", *KERNEL, *TERMINAL]), taken=1795008131
    ).jupyter

    assert server == Jupyter(8888, 321, True, 0, (pytest.approx(129.876544),), (130.0,))


def test_a_jupyter_server_whose_port_is_no_number_cannot_be_queried() -> None:
    [server] = reading(1000, jupyter_321=(1, ["port -"])).jupyter

    assert not server.answers


def test_a_jupyter_server_that_was_not_queried_is_counted() -> None:
    lines = ["process 321 1 321 p 50 u1 jupyter", "process 400 1 400 p 50 c0123456789ab jupyter"]

    assert reading(1000, procs=lines, jupyter_321=["port 8888", *KERNEL, *TERMINAL]).unasked_jupyter == 1


@pytest.mark.parametrize(
    ("rows", "sections", "gpu"),
    [
        (["0, 0, 0, 3, 15360, 9.5, [N/A]"], {}, Gpu(True, (0,), None, None)),
        (["0, 34, 10, 3, 9, 9, Disabled", "1, 0, 0, 0, 9, 9, Disabled"], {"gpuapps": ["2"], "gpufd": ["3"]}, None),
        (["0, [N/A], [N/A], 3, 9, 9, Enabled"], {"gpuapps": ["0"], "gpufd": ["0"]}, Gpu(True, (None,), 0, 0)),
        (["0, [Not Supported], 1, 3, 9, 9, Enabled"], {"gpuapps": ["0"]}, Gpu(True, (None,), 0, None)),
        (["0, 400, 1, 3, 9, 9, Enabled"], {"gpuapps": (9, ["0"])}, Gpu(True, (None,), None, None)),
        (["No devices were found"], {}, Gpu(False, (), None, None)),
        ([], {}, Gpu(False, (), None, None)),
    ],
)
def test_the_report_of_the_driver_of_a_gpu(rows: list[str], sections: dict[str, object], gpu: Gpu | None) -> None:
    assert reading(1000, gpu=rows, **sections).gpu == (gpu or Gpu(True, (34, 0), 2, 3))


def test_a_driver_that_fails_does_not_answer() -> None:
    assert reading(1000, gpu=(124, [])).gpu == Gpu(False, (), None, None)


def test_containers_are_jobs_unless_they_are_started_with_the_instance() -> None:
    told = reading(
        100_000,
        containers=[
            "container 50 600 c0123456789ab docker",
            "container 60 700 c1123456789ab docker",
            "container 70 800 c2123456789ab docker",
            "container 80 900 c3123456789ab other",
            "policy 50 no",
            "policy 60 always",
            "policy 70 on-failure",
            "held 1F90 2",
            "held 1F90 1",
            "published 8088 8080 17",
            "published dpts 8080 17",
        ],
    )

    assert [(job.kind, job.age) for job in told.jobs] == [("container", 600), ("container", 800)]
    assert told.containers == 4
    assert told.published == (Published(8088, 8080, 17),)
    assert told.held_in_containers == {8080: 3}


def test_output_of_an_ssh_login_before_the_probe_does_no_harm() -> None:
    text = f"Welcome!\r\n== fun ==\n{probe_text(1000)}".replace("\n", "\r\n")

    assert parse(text, taken=NOW) == parse(probe_text(1000), taken=NOW)


@given(st.integers(min_value=0))
def test_a_text_that_is_cut_anywhere_is_no_evidence(cut: int) -> None:
    text = probe_text(1000, procs=["process 321 1 321 p 50 u1 program"], jupyter_321=["port 8888", *KERNEL, *TERMINAL])
    whole = len(text) - 1

    with pytest.raises(NoEvidence):
        parse(text[: cut % whole], taken=NOW)


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"probe": ["format 2", "uid 0", f"clock {NOW}"]}, "format 2"),
        ({"probe": ["uid 0", f"clock {NOW}"]}, "format missing"),
        ({"probe": ["format 1", "uid 0"]}, "clock"),
        ({"boot": ["x"]}, "boot has no id"),
        ({"boot": []}, "cannot be parsed"),
        ({"uptime": ["-5.0 1"]}, "no number"),
        ({"uptime": ["nan 1"]}, "no number"),
        ({"cpu": ["1 2 3"]}, "cannot be parsed"),
        ({"cpu": ["1 2 3 4 5 6 7 1e9"]}, "no number"),
        ({"cpu": (1, ["1 2 3 4 5 6 7 8"])}, "could not read cpu"),
        ({"disk": None}, "could not read disk"),
        ({"procs": None}, "could not read procs"),
        ({"net": ["eth0 1"]}, "cannot be parsed"),
        ({"net": ["eth0 ٣ 1"]}, "no number"),
        ({"snmp": ["Tcp:PassiveOpens 1"]}, "InDatagrams"),
        ({"tty": ["34816 1001 1 1"]}, "cannot be parsed"),
        ({"procs": ["process 1 1 1 p 5 u1"]}, "cannot be parsed"),
        ({"conns": ["22 outside"]}, "cannot be parsed"),
        ({"jupyter_5": ["port 1", "kernel last_activity yesterday"]}, "cannot be parsed"),
        ({"due": ["at"]}, "cannot be parsed"),
        ({"gpu": ["0, 5"], "gpuapps": ["many"]}, "no number"),
    ],
)
def test_a_text_that_is_not_as_the_probe_writes_is_no_evidence(sections: dict[str, object], reason: str) -> None:
    with pytest.raises(NoEvidence, match=reason):
        parse(probe_text(1000, **sections), taken=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "sudo: a password is required\n",
        "== end\n",
        probe_text(1000).replace("== uptime", "== boot"),
        probe_text(1000).replace("=! 0\n== uptime", "== uptime"),
        "x" * 3_000_000,
    ],
    ids=["empty", "blank", "words", "end", "twice", "nested", "long"],
)
def test_a_text_without_whole_sections_is_no_evidence(text: str) -> None:
    with pytest.raises(NoEvidence):
        parse(text, taken=NOW)


@given(st.text(alphabet="=! \n0159abcdefghijklmnopqrstuvwxyz-\0é", max_size=300), st.integers(0, 40))
def test_any_text_is_read_or_no_evidence(garbage: str, line: int) -> None:
    lines = probe_text(1000).splitlines(keepends=True)
    text = "".join([*lines[:line], garbage, *lines[line:]])

    with suppress(NoEvidence):
        parse(text, taken=NOW)


def test_a_reading_survives_json() -> None:
    told = reading(
        100_000,
        tty=[f"34816 1001 {NOW} {NOW} -"],
        procs=["process 321 1 321 hp 50 u1 program"],
        conns=["22 outside 50000 outside sshd 316,293 21568 5413 25"],
        listenu=["514 outside -"],
        gpu=["0, [N/A], 1, 1, 1, 1, x"],
        containers=["held 1F90 2", "published 8088 8080 17"],
        jupyter_321=["port 8888", *KERNEL, *TERMINAL],
        slurm=["R 2"],
        sshlog=["5"],
    )

    assert from_record(json.loads(json.dumps(to_record(told)))) == told
