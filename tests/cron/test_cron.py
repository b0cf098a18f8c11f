# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The crontab of docs/cron.md and the line of install_schedule, by a real cron daemon, or by hand where that does."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_install_schedule import Machine
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet, serve

ROOT = Path(__file__).resolve().parents[2]
CRON = shutil.which("cron", path="/usr/sbin:/usr/bin")
# cron looks at the clock once a minute.
PATIENCE = 90.0
# A cron daemon of our own sees no job but ours, and nobody else sees ours.
ISOLATED = """
mount --bind "$0/cron.d" /etc/cron.d && mount --bind "$0/empty" /var/spool/cron/crontabs &&
mount --bind "$0/crontab" /etc/crontab && mount --bind "$0/run" /run && exec "$1" -f
"""


class Account:
    """A home with a saved login, and the crontab of the page, whose paths are those of this machine."""

    def __init__(self, home: Path, server: Server, password: str = "pass") -> None:
        self.home = home
        self.log = home / "stop_all.log"
        self.lock = home / ".jetstream.lock"
        profiles = home / ".config" / "jetstream" / "profiles.toml"
        profiles.parent.mkdir(parents=True, mode=0o700)
        profiles.write_text(f'[default]\napi_url = "{server.url}"\nusername = "johndoe"\npassword = "{password}"\n')
        profiles.chmod(0o600)
        [text] = re.findall(
            r"^```text\n(PATH=.*?)^```", (ROOT / "docs" / "cron.md").read_text(), re.MULTILINE | re.DOTALL
        )
        programs = Path(sys.executable).parent
        self.crontab = text.replace("/home/johndoe/jetstream/bin", str(programs)).replace(
            "MAILTO=johndoe@example.edu", f'MAILTO=""\nHOME={home}\nANSIBLE_COLLECTIONS_PATH={_collections()}'
        )

    def as_a_system_job(self, schedule: str) -> str:
        """Return the crontab in the form of /etc/cron.d, which names the user, with another time."""
        return re.sub(r"^0 19 \* \* 1-5 ", f"{schedule} root ", self.crontab, flags=re.MULTILINE)

    def run_line(self) -> subprocess.CompletedProcess[str]:
        """Run the job now, as cron would."""
        *settings, job = filter(None, self.crontab.splitlines())
        variables = dict(line.split("=", 1) for line in settings)
        command = job.split(maxsplit=5)[5]
        return subprocess.run(
            ["/bin/sh", "-c", command], env=variables, cwd=self.home, capture_output=True, text=True, check=False
        )


def _collections() -> str:
    for folder in (*sys.path, str(ROOT / ".cache" / "collections")):
        if (Path(folder) / "ansible_collections" / "jetstream" / "cloud").exists():
            return folder
    raise AssertionError("the collection is in none of Python's folders")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(fleet(states={"active": 3, "shutoff": 1}, settings=Settings(transition=0.5))) as served:
        yield served


def states(server: Server) -> set[str]:
    return {vm.look().words for vm in server.world.cloud.vms.values()}


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "only root can run a cron daemon"
    if CRON is None:
        return "no cron daemon is installed (Debian, Ubuntu: apt install cron)"
    if _may_isolate() or os.environ.get("CI"):
        return None
    return "a cron daemon cannot be kept to itself here (unshare --mount is not permitted)"


def _may_isolate() -> bool:
    ended = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return ended.returncode == 0


@contextmanager
def a_cron_daemon(folder: Path, jobs: str) -> Iterator[None]:
    """Let a cron daemon do these jobs, which are in the form of /etc/cron.d."""
    assert CRON
    isolated = _may_isolate()
    (folder / "cron.d").mkdir()
    (folder / "empty").mkdir()
    (folder / "run").mkdir()
    (folder / "crontab").touch()
    # Where it cannot be isolated, this is CI, whose machine nobody else uses.
    place = (folder / "cron.d" if isolated else Path("/etc/cron.d")) / "jetstream-cloud-test"
    place.write_text(jobs)
    place.chmod(0o644)
    command = ["unshare", "--mount", "sh", "-c", ISOLATED, str(folder), CRON] if isolated else [CRON, "-f"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield
        assert daemon.poll() is None, f"the cron daemon ended: {daemon.communicate()[0]}"
    finally:
        place.unlink()
        daemon.terminate()
        daemon.communicate(timeout=10)


def _require_cron() -> None:
    why_not = _why_not()
    if why_not and os.environ.get("CI"):
        pytest.fail(why_not)
    if why_not:
        pytest.skip(why_not)


def test_a_crontab_entry_stops_a_fleet(tmp_path: Path, server: Server) -> None:
    _require_cron()
    (tmp_path / "home").mkdir()
    account = Account(tmp_path / "home", server)
    deadline = time.monotonic() + PATIENCE
    with a_cron_daemon(tmp_path, account.as_a_system_job("* * * * *")):
        while not (account.log.exists() and "PLAY RECAP" in account.log.read_text()):
            assert time.monotonic() < deadline, "the job did not run, or did not end"
            time.sleep(0.5)
    assert "4 selected: 3 changed, 1 unchanged" in account.log.read_text()
    assert states(server) == {"shutoff"}


def test_the_line_of_install_schedule_runs_nightly(tmp_path: Path, server: Server) -> None:
    _require_cron()
    machine = Machine(tmp_path, server)
    machine.install("variables_path=nightly.yml")
    [line] = [each for each in machine.crontab.splitlines() if not each.startswith("#")]
    settings = f'MAILTO=""\nHOME="{machine.home}"\n'
    deadline = time.monotonic() + PATIENCE
    (tmp_path / "cron").mkdir()
    with a_cron_daemon(tmp_path / "cron", settings + line.replace("*/15 * * * *", "* * * * * root") + "\n"):
        while not (machine.log.exists() and "PLAY RECAP" in machine.log.read_text()):
            assert time.monotonic() < deadline, "the job did not run, or did not end"
            time.sleep(0.5)
    assert "== hygiene ==" in machine.log.read_text()
    assert "failed=0" in machine.log.read_text()


def test_the_line_says_nothing_when_all_went_well(tmp_path: Path, server: Server) -> None:
    ended = Account(tmp_path, server).run_line()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert states(server) == {"shutoff"}


def test_the_line_prints_what_cron_is_to_mail_when_it_failed(tmp_path: Path, server: Server) -> None:
    ended = Account(tmp_path, server, password="hunter2").run_line()
    assert "refused" in ended.stdout
    assert "failed=1" in ended.stdout
    assert "hunter2" not in ended.stdout
    assert states(server) == {"active", "shutoff"}


def test_a_second_run_gives_up(tmp_path: Path, server: Server) -> None:
    account = Account(tmp_path, server)
    with account.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended = account.run_line()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert not account.log.exists()
    assert list(server.requests) == []
