# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is read over its connection, in time, without a trace in the log; missing output is no evidence."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible_collections.jetstream.cloud.plugins.action.jetstream_activity import ActionModule
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Key, Store
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import BOOTED, probe_text

WHICH = {"site": "https://cloud.example.org", "project": "TG-ABC123", "uuid": "5f1c"}


class Connection:
    """A host that responds with a text, and records the commands, and whether they may be logged."""

    has_pipelining = True
    transport = "ssh"
    become = None
    allow_executable = True

    def __init__(self, text: str, *, rc: int = 0, stderr: str = "") -> None:
        # ansible-core 2.19 appends a pause to each command.
        append = "{}; {}".format
        self._shell = SimpleNamespace(tmpdir=None, executable="/bin/sh", append_command=append)
        self._play_context = SimpleNamespace(no_log=False)
        self._answer = (rc, text.encode(), stderr.encode())
        self.executed: list[tuple[str, bytes | None, bool]] = []

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        self.executed.append((cmd, in_data, self._play_context.no_log))
        return self._answer


class Unreachable(Connection):
    """A host that cannot be reached."""

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        raise AnsibleConnectionFailure(self._answer[1].decode())


class Hanging(Connection):
    """A host that never responds, for which a program waits."""

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        self.waiting = subprocess.Popen(["sleep", "60"])
        try:
            time.sleep(60)
        except Exception:
            raise AssertionError("a connection must not be able to catch this") from None
        raise AssertionError("was not stopped")


def run(
    connection: Connection, *, check_mode: bool = False, variables: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    task = SimpleNamespace(
        action="jetstream.cloud.jetstream_activity",
        args=arguments,
        async_val=0,
        check_mode=check_mode,
        diff=False,
        no_log=False,
        timeout=0,
    )
    play_context = SimpleNamespace(check_mode=check_mode, executable="/bin/sh", no_log=False, remote_user="exouser")
    loader = SimpleNamespace(get_basedir=lambda: ".")
    action = ActionModule(task, connection, play_context, loader, None, None)
    action.get_become_option = lambda *_arguments, **_more: None
    action._get_remote_user = lambda: "exouser"
    return action.run(None, variables or {})


def test_the_reading_of_the_host_is_returned() -> None:
    result = run(Connection(probe_text(1000)))

    assert (result["changed"], result["failed"], result["kept"], result["root"]) == (False, False, False, True)
    assert result["reading"]["clock"] == BOOTED + 1000
    assert abs(result["reading"]["taken"] - time.time()) < 60


def test_hands_the_script_to_a_shell_on_its_standard_input_and_lets_nothing_be_logged() -> None:
    connection = Connection(probe_text(1000))
    run(connection, since=BOOTED)

    [(command, script, no_log)] = connection.executed
    assert command in ("/bin/sh -c 'sh -s'", "/bin/sh -c 'sh -s; sleep 0'")
    assert script is not None
    assert script.startswith(f"since='{BOOTED + 1}' over_ssh=1\n".encode())
    assert no_log
    assert connection._play_context.no_log is False


def test_hands_it_over_as_an_argument_where_the_connection_has_no_other_way() -> None:
    connection = Connection(probe_text(1000))
    connection.has_pipelining = False
    run(connection)

    [(command, script, _no_log)] = connection.executed
    assert (command[:11], script) == ("/bin/sh -c ", None)
    assert "since='\"'\"''\"'\"' over_ssh=1" in command


@pytest.mark.parametrize(
    ("transport", "over_ssh"),
    [("ansible.builtin.ssh", 1), ("paramiko_ssh", 1), ("local", 0), ("community.docker.docker", 0)],
)
def test_the_probe_knows_the_connection_of_the_host(transport: str, over_ssh: int) -> None:
    connection = Connection(probe_text(1000))
    connection.transport = transport
    run(connection)

    assert connection.executed[0][1] is not None
    assert connection.executed[0][1].startswith(f"since='' over_ssh={over_ssh}\n".encode())


def test_a_reading_is_kept_and_the_next_one_requests_the_log_since_then(tmp_path: Path) -> None:
    first, second = Connection(probe_text(1000)), Connection(probe_text(1900))

    assert run(first, readings_path=str(tmp_path), **WHICH)["kept"]
    time.sleep(0.01)
    assert run(second, readings_path=str(tmp_path), **WHICH)["kept"]

    assert (first.executed[0][1] or b"").startswith(b"since='' ")
    assert (second.executed[0][1] or b"").startswith(f"since='{BOOTED + 1001}' ".encode())
    history = Store(tmp_path, SystemClock()).load(Key(**WHICH))
    assert [each.uptime for each in history.recent] == [1000, 1900]


def test_keeps_nothing_in_check_mode(tmp_path: Path) -> None:
    result = run(Connection(probe_text(1000)), check_mode=True, readings_path=str(tmp_path / "x"), **WHICH)

    assert (result["kept"], result["reading"]["uptime"]) == (False, 1000)
    assert not (tmp_path / "x").exists()


def test_broken_stored_readings_do_not_end_the_task(tmp_path: Path) -> None:
    store = Store(tmp_path, SystemClock())
    store.path(Key(**WHICH)).parent.mkdir(parents=True)
    store.path(Key(**WHICH)).write_text("{")

    assert run(Connection(probe_text(1000)), readings_path=str(tmp_path), **WHICH)["kept"]


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        (Connection(""), r"The probe printed nothing. The instance counts as active\."),
        (Connection(probe_text(1000)[:-9]), "The output of the probe is truncated"),
        (Connection(probe_text(1000).replace("format 1", "format 7")), "format 7, and only 1 is known"),
        (
            Connection("", rc=1, stderr="sudo: a password is required\n\x1b[2J"),
            r"The probe printed nothing. Its error output: sudo: a password is required",
        ),
    ],
    ids=["nothing", "cut", "format", "sudo"],
)
def test_an_output_that_is_no_evidence_fails_and_is_not_kept(
    tmp_path: Path, connection: Connection, message: str
) -> None:
    result = run(connection, readings_path=str(tmp_path / "x"), **WHICH)

    assert result["failed"]
    assert re.search(message, result["msg"]), result["msg"]
    assert "\x1b" not in result["msg"]
    assert "reading" not in result
    kept = Store(tmp_path / "x", SystemClock()).load(Key(**WHICH))
    assert (kept.last, kept.intervals) == (None, ())


def remembered(folder: Path) -> str | None:
    """Return the stored reason of the last failed try."""
    failed = Store(folder, SystemClock()).load(Key(**WHICH)).failed
    return None if failed is None else failed.reason


REFUSED = "Make sure this host can be reached over ssh: Added.\r\nssh: connect to host web port 22: Connection refused"


@pytest.mark.parametrize(
    ("connection", "reason"),
    [
        (Unreachable(REFUSED), "ssh: connect to host web port 22: Connection refused"),
        (Unreachable("x" * 1000), "x" * 200),
        (Connection(""), "The probe printed nothing"),
        (
            Connection("", rc=1, stderr="Welcome!\nsudo: a password is required\n"),
            "The probe printed nothing.: sudo: a password is required",
        ),
        # A shell may show what its user has in files.
        (Connection("", rc=127, stderr=".bashrc: line 3: export TOKEN=abc: bad"), "The probe printed nothing"),
    ],
    ids=["refused", "long", "nothing", "sudo", "shell"],
)
def test_a_try_that_failed_is_remembered_until_one_succeeds(
    tmp_path: Path, connection: Connection, reason: str
) -> None:
    run(connection, readings_path=str(tmp_path), unreachable_ok=True, check_mode=True, **WHICH)
    assert remembered(tmp_path) is None
    run(connection, readings_path=str(tmp_path), unreachable_ok=True, **WHICH)
    assert remembered(tmp_path) == reason.replace(".:", ":")
    run(Connection(probe_text(1000)), readings_path=str(tmp_path), **WHICH)
    assert remembered(tmp_path) is None


def test_no_password_is_remembered(tmp_path: Path) -> None:
    class Asking(Connection):
        def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Any:
            raise AnsibleError("Incorrect sudo password: s3cret of exouser, who has hunter2")

    variables = {"ansible_become_password": "s3cret", "ansible_ssh_pass": "hunter2"}
    with pytest.raises(AnsibleError):
        run(Asking(""), variables=variables, readings_path=str(tmp_path), **WHICH)
    assert remembered(tmp_path) == "Incorrect sudo password: ******** of exouser, who has ********"


def test_a_try_that_cannot_be_remembered_fails_as_it_did(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(Connection(""), readings_path=str(tmp_path / "file"), **WHICH)
    assert result["msg"] == "The probe printed nothing. The instance counts as active."


def test_a_host_that_does_not_answer_in_time_is_unreachable_and_leaves_no_program_behind() -> None:
    connection = Hanging("")

    with pytest.raises(AnsibleConnectionFailure, match="did not respond within 1 s"):
        run(connection, timeout=1)
    assert connection.waiting.wait(5) == -15


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "No data. Make sure this host can be reached over ssh: Added.\r\nssh: port 22: Refused\r\n",
            "ssh: port 22: Refused",
        ),
        ("Failed to connect to the host via ssh: a\x1b[2J", None),
        ("", None),
    ],
)
def test_an_unreachable_host_may_be_a_result_with_the_reason(said: str, told: str | None) -> None:
    result = run(Unreachable(said), unreachable_ok=True)

    assert (result["failed"], result["changed"], "reading" in result) == (False, False, False)
    assert told is None or result["msg"] == told
    assert "\x1b" not in result["msg"]
    with pytest.raises(AnsibleConnectionFailure):
        run(Unreachable(said))


@pytest.mark.parametrize(
    "arguments",
    [{"readings_path": "x"}, {"site": "x"}, {**WHICH}, {**WHICH, "readings_path": "x", "since": 5}, {"path": "x"}],
    ids=str,
)
def test_options_that_do_not_stand_together_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(AnsibleActionFail):
        run(Connection(probe_text(1000)), **arguments)
