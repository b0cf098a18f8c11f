# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook hygiene: the table, the commands, and the mail."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server


def test_findings_are_shown_with_the_commands_that_mend_them_and_mailed(tmp_path: Path) -> None:
    world = fleet(names=("web", "off"), states={"active": 1, "shutoff": 1})
    with Server(world) as server, a_mail_server() as mails:
        given = ("mail_to=pi@example.edu", f"smtp_port={mails.port}", "smtp_secure=never")
        words = ("jetstream.cloud.hygiene", "-i", "localhost,", *(word for each in given for word in ("-e", each)))
        ended = run_playbook(*words, home=tmp_path, url=server.url)
        assert ended.returncode == 0, ended.stdout
        assert "it has been shut off for 30 days, and still costs" in " ".join(ended.stdout.split())
        assert f"-e instance={world.instance('off').id} -e do=shelve" in ended.stdout
        lines = mails.mails[0].message.get_content().splitlines()
        assert lines[-2:] == ["To fix them:", lines[-1]]
        assert lines[-1].startswith("ansible-playbook -i localhost, jetstream.cloud.instance_action ")
        world.force("off", "shelved_offloaded")
        world.forget_list(world.instance("off").identity)
        clean = run_playbook(*words, home=tmp_path, url=server.url)
        assert "Clean." in clean.stdout
        assert len(mails.mails) == 1
