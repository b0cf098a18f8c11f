# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer of install_schedule runs ``nightly`` on a real systemd, without any login session."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta

from ansible_collections.jetstream.cloud.tests.idle.machine import Machine
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import PLUGINS, program

# Other users may not be able to read the folders of these tests.
USER = "root"
LOG = "$HOME/.local/state/jetstream/nightly.log"
# Without a server, since this test is about the timer.
PROFILE = '[default]\napi_url = "http://127.0.0.1:9"\nusername = "johndoe"\npassword = "pass"\n'


def install(machine: Machine, *values: str) -> str:
    words = [word for value in values for word in ("-e", value)]
    command = shlex.join([program("ansible-playbook"), "-i", "localhost,", "jetstream.cloud.install_schedule", *words])
    return machine.ssh(f"export LC_ALL=C.UTF-8 ANSIBLE_COLLECTIONS_PATH={PLUGINS.parents[3]}; {command}", user=USER)


def test_a_timer_runs_nightly_while_nobody_is_logged_in(machine: Machine) -> None:
    prepare = (
        f"umask 077; mkdir -p .config/jetstream; printf %s {shlex.quote(PROFILE)} >.config/jetstream/profiles.toml"
    )
    machine.ssh(f"{prepare}; echo 'parts: [hygiene]' >nightly.yml", user=USER)
    # In two minutes, by the clock and the time zone of the system.
    now = datetime.fromisoformat(machine.run("date +%Y-%m-%dT%H:%M:%S").strip())
    at = f"{now + timedelta(seconds=100):%H:%M}"
    values = ("variables_path=nightly.yml", f"at={at}")
    said = install(machine, *values)
    assert f"nightly runs at {at}, by a systemd user timer." in said
    assert "changed=0" in install(machine, *values)
    assert "jetstream-nightly.timer" in machine.ssh("systemctl --user list-timers --all", user=USER)
    assert "Linger=yes" in machine.run(f"loginctl show-user {USER}")
    log = machine.wait_for(f"grep -h PLAY.RECAP -A1 {LOG}", user=USER, patience=180)
    assert "failed=1" in log
    failed = machine.ssh("systemctl --user show -p Result jetstream-nightly.service", user=USER)
    assert failed.strip() == "Result=exit-code"
    assert machine.run(f"stat -c %a {LOG}", user=USER).strip() == "600"
    gone = install(machine, "state=absent")
    assert "is no longer scheduled" in gone
    assert "jetstream-nightly" not in machine.ssh("systemctl --user list-timers --all", user=USER)
    assert machine.run("ls $HOME/.config/systemd/user/*.timer", user=USER, check=False) == ""
