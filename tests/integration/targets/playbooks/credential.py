# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login is asked for at a terminal, tried, saved, and shown nowhere; what follows finds it."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.terminal import converse

PROFILES = Path.home() / ".config" / "jetstream" / "profiles.toml"
JKEY = PROFILES.with_name("jkey.csv")
URL = os.environ["JETSTREAM_API_URL"]
PASSWORD = os.environ["JETSTREAM_PASSWORD"]
# Of a user, nothing is known but the address of the site.
VARIABLES = {name: value for name, value in os.environ.items() if not name.startswith("JETSTREAM_")}


COMMAND = ["ansible-playbook", "jetstream.cloud.save_credential"]


def save(password: str, *options: str, **variables: str) -> tuple[int, str]:
    """Run the playbook at a terminal, and answer its questions. Return its status, and all that the terminal shows."""
    answers = {"User name": "demo", "Password of the API": password}
    command = [*COMMAND, "-vvv", "--diff", *options]
    status, shown = converse(command, answers, folder=Path.cwd(), environment={**VARIABLES, **variables})
    print(shown, flush=True)
    return status, shown


def instances(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ansible-playbook", "jetstream.cloud.instances"],
        env={**VARIABLES, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def without_terminal(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        COMMAND,
        env={**VARIABLES, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> None:
    # Nobody is there to be asked. Nothing is tried then.
    unasked = without_terminal(JETSTREAM_API_URL=URL)
    print(unasked.stdout)
    assert unasked.returncode == 2
    assert "User name and password are empty. Run the playbook" in unasked.stdout

    status, shown = save("hunter2", "-e", f"api_url={URL}")
    assert status == 2
    assert "hunter2" not in shown
    assert not PROFILES.exists()

    status, shown = save(PASSWORD, "-e", f"api_url={URL}")
    assert status == 0
    assert PASSWORD not in shown
    saved = {"api_url": URL, "username": "demo", "password": PASSWORD}
    assert tomllib.loads(PROFILES.read_text()) == {"default": saved}
    assert PROFILES.stat().st_mode & 0o777 == 0o600
    assert PROFILES.parent.stat().st_mode & 0o777 == 0o700
    assert "ice-flow-01" in instances().stdout

    # It is tried and saved where the variables lead that all other playbooks go by, and nowhere else.
    status, shown = save(PASSWORD, JETSTREAM_API_URL=URL, JETSTREAM_PROFILE="lab")
    assert status == 0
    assert tomllib.loads(PROFILES.read_text())["lab"] == saved

    # The original tool's file, as it wrote it: readable by all.
    PROFILES.unlink()
    JKEY.write_bytes(f"{PASSWORD}\r\n".encode())
    JKEY.chmod(0o644)
    found = instances(JETSTREAM_API_URL=URL, JETSTREAM_USERNAME="demo")
    print(found.stdout)
    assert found.returncode == 0
    assert "ice-flow-01" in found.stdout
    assert "chmod 600" in " ".join(found.stdout.split())


if __name__ == "__main__":
    main()
